"""The addresses of reservations: setting usage aside for work whose size is not known yet."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field, RootModel, StrictInt
from starlette.responses import Response

from tollkeeper.gate.hot import balance_document
from tollkeeper.gate.model import Access, Balance
from tollkeeper.gate.refusing import quota_headers
from tollkeeper.gate.schemas import MAX_COUNT, MAX_CUSTOMER, MAX_FEATURE, MAX_KEY, BalanceBody
from tollkeeper.gate.service import Gate
from tollkeeper.infra import ActorDep, IdempotencyDep, RuntimeDep
from tollkeeper.kit import Actor, Permission
from tollkeeper.metering import Reservation, ReservationState

from .usage import PROBLEMS, without

router = APIRouter(prefix="/reserve")

MAX_TTL = 24 * 60 * 60
DEFAULT_TTL = 300


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")

    customer: str | None = Field(
        None, min_length=1, max_length=MAX_CUSTOMER, description="Organization's id or external id; operator keys only."
    )


class ReserveBody(_In):
    """Set usage aside: it counts against the limit until it is settled, released or expires."""

    feature: str = Field(min_length=1, max_length=MAX_FEATURE, description="Key of a metered feature.")
    count: StrictInt = Field(ge=1, le=MAX_COUNT, description="The most it can come to.")
    ttl_seconds: StrictInt = Field(DEFAULT_TTL, ge=1, le=MAX_TTL, description="Given back by itself after this long.")
    idempotency_key: str | None = Field(
        None, min_length=1, max_length=MAX_KEY, pattern="^[^\\x00]*$", description="A repeat answers the same one."
    )
    member: UUID | None = Field(
        None, description="Whose usage it is: a user's id. Default: the caller's own, or of the key's maker."
    )


class SettleBody(_In):
    """Count what it really came to."""

    count: StrictInt = Field(ge=0, le=MAX_COUNT, description="What was used; 0 counts nothing.")


class ReservationBody(BalanceBody):
    """A reservation, and where its feature stands. `reserved` is held by all open reservations together."""

    id: UUID
    state: ReservationState
    count: int = Field(description="How much was set aside.")
    settled: int | None = Field(description="What was counted in the end; null unless settled.")
    expires_at: datetime
    reserved: int


ReservationId = Annotated[UUID, Path(description="The reservation's `id`.")]


class _Answer(RootModel[dict[str, Any]]):
    """An answer as it is sent and kept: without what was not set."""


@router.post("", status_code=201, response_model=ReservationBody, responses=PROBLEMS)
async def reserve(actor: ActorDep, runtime: RuntimeDep, body: ReserveBody, once: IdempotencyDep) -> Response:
    """Set usage aside: 402 when it would pass a hard limit, otherwise nobody else can have it meanwhile."""
    gate = runtime.part(Gate)
    access = await _access(gate, actor, body.customer)
    fresh = Response()

    async def work() -> _Answer:
        ttl = timedelta(seconds=body.ttl_seconds)
        made, balance = await gate.reserve(
            actor, access, body.feature, body.count, ttl=ttl, key=body.idempotency_key, member=body.member
        )
        return _Answer(_shown(made, balance, fresh).model_dump(mode="json", exclude_unset=True))

    answer = await once.run(work, status=201)
    answer.headers.update({name: value for name, value in fresh.headers.items() if name.startswith("x-quota-")})
    return answer


@router.post("/{reservation_id}/settle", responses=PROBLEMS, response_model_exclude_unset=True)
async def settle(
    reservation_id: ReservationId, actor: ActorDep, runtime: RuntimeDep, response: Response, body: SettleBody
) -> ReservationBody:
    """Count the real figure and give the rest back. One that has expired is counted as any other usage."""
    gate = runtime.part(Gate)
    access = await _access(gate, actor, body.customer)
    found = await gate.find_reservation(access.standing.organization_id, reservation_id)
    return _shown(*await gate.settle(actor, access, found, body.count), response)


@router.post("/{reservation_id}/release", responses=without(402), response_model_exclude_unset=True)
async def release(
    reservation_id: ReservationId, actor: ActorDep, runtime: RuntimeDep, response: Response, body: _In | None = None
) -> ReservationBody:
    """Give everything back; nothing is counted."""
    gate = runtime.part(Gate)
    access = await _access(gate, actor, body.customer if body else None)
    found = await gate.find_reservation(access.standing.organization_id, reservation_id)
    return _shown(*await gate.release(access, found), response)


async def _access(gate: Gate, actor: Actor, customer: str | None) -> Access:
    actor.must(Permission.USAGE_WRITE)
    return await gate.to_use(actor, customer)


def _shown(found: Reservation, balance: Balance, response: Response) -> ReservationBody:
    response.headers.update(quota_headers(balance))
    values: dict[str, Any] = {"id": found.id, "state": found.state, "count": found.held, "settled": found.settled}
    return ReservationBody(
        **values, **balance_document(balance), expires_at=found.expires_at, reserved=balance.reserved
    )
