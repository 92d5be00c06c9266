"""The addresses of leases."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StrictInt
from starlette.responses import Response

from tollkeeper.gate.model import Access
from tollkeeper.gate.schemas import MAX_CUSTOMER
from tollkeeper.gate.service import Gate
from tollkeeper.infra import ActorDep, IdempotencyDep, Runtime, RuntimeDep, TxDep
from tollkeeper.kit import Actor, Permission

from . import service
from .model import Lease

router = APIRouter(prefix="/leases", tags=["Concurrency"])

MAX_TTL = 24 * 60 * 60
DEFAULT_TTL = 60
MAX_NAME = 64

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"description": "No valid credential."},
    403: {"description": "The key or role may not do this."},
    404: {"description": "`lease_not_found`, or no such customer."},
    422: {"description": "Invalid fields, all named in `errors`."},
    429: {"description": "Too many calls, or `too_many_at_once`; see `Retry-After`."},
    503: {"description": "The database does not answer; see `Retry-After`."},
}

CustomerName = Annotated[
    str | None,
    Query(min_length=1, max_length=MAX_CUSTOMER, description="Organization's id or external id; operator keys only."),
]
LeaseId = Annotated[UUID, Path(description="The lease's `id`.")]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ttl_seconds: StrictInt = Field(
        DEFAULT_TTL, ge=1, le=MAX_TTL, description="Given back by itself after this long, unless renewed."
    )
    customer: str | None = Field(
        None, min_length=1, max_length=MAX_CUSTOMER, description="Organization's id or external id; operator keys only."
    )


class LeaseBody(_In):
    """Begin a piece of long work."""

    name: str = Field(
        min_length=1, max_length=MAX_NAME, description="The kind of work, as in `concurrency` of the plan."
    )


class RenewalBody(_In):
    """Go on with it."""


class LeaseOut(BaseModel):
    """A lease."""

    id: UUID
    name: str
    taken_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, lease: Lease) -> "LeaseOut":
        """Show a lease."""
        return cls(id=lease.id, name=lease.name, taken_at=lease.taken_at, expires_at=lease.expires_at)


class TakenOut(LeaseOut):
    """A lease just taken. `in_use` counts it; `limit` null: not limited."""

    limit: int | None
    in_use: int


class WorkOut(BaseModel):
    """One kind of work: how much of it is under way, and how much may be at once; null: not limited."""

    name: str
    limit: int | None
    in_use: int


class WorkList(BaseModel):
    """Every kind of work the plan speaks of."""

    data: list[WorkOut]


@router.get("", responses={code: _PROBLEMS[code] for code in (401, 403, 404, 422)}, summary="List work under way")
async def list_work(actor: ActorDep, runtime: RuntimeDep, tx: TxDep, customer: CustomerName = None) -> WorkList:
    """Tell how much of each kind of long work is under way, and how much may be."""
    actor.must(Permission.USAGE_READ)
    access = await _access(runtime, actor, customer)
    counts = await service.held(tx, access.standing.organization_id)
    return WorkList(
        data=[
            WorkOut(name=name, limit=limit, in_use=counts.get(name, 0))
            for name, limit in access.purchase.concurrency.items()
        ]
    )


@router.post("", status_code=201, response_model=TakenOut, responses=_PROBLEMS, summary="Take a lease")
async def take_lease(
    body: LeaseBody, actor: ActorDep, runtime: RuntimeDep, tx: TxDep, once: IdempotencyDep
) -> Response:
    """Begin a piece of long work: 429 `too_many_at_once` when as much is under way as the plan allows."""
    actor.must(Permission.USAGE_WRITE)
    access = await _access(runtime, actor, body.customer)

    async def work() -> TakenOut:
        ttl = timedelta(seconds=body.ttl_seconds)
        own, limits = access.standing.organization_id, access.purchase.concurrency
        lease, in_use = await service.take(tx, own, limits, body.name, ttl=ttl, credential_id=actor.credential_id)
        return TakenOut(**LeaseOut.of(lease).model_dump(), limit=limits[body.name], in_use=in_use)

    return await once.run_in(tx, work, status=201)


@router.post("/{lease_id}/renew", responses=_PROBLEMS, summary="Renew a lease")
async def renew_lease(
    lease_id: LeaseId,
    actor: ActorDep,
    runtime: RuntimeDep,
    tx: TxDep,
    body: Annotated[RenewalBody | None, Body()] = None,
) -> LeaseOut:
    """Let the lease run for `ttl_seconds` from now. 404: its time was over, and its place may be another's."""
    actor.must(Permission.USAGE_WRITE)
    wanted = body or RenewalBody()
    access = await _access(runtime, actor, wanted.customer)
    ttl = timedelta(seconds=wanted.ttl_seconds)
    return LeaseOut.of(await service.renew(tx, access.standing.organization_id, lease_id, ttl))


@router.delete("/{lease_id}", status_code=204, responses=_PROBLEMS, summary="Give a lease back")
async def give_lease_back(
    lease_id: LeaseId, actor: ActorDep, runtime: RuntimeDep, tx: TxDep, customer: CustomerName = None
) -> None:
    """End the piece of work. 404: it was given back before, or its time was over."""
    actor.must(Permission.USAGE_WRITE)
    access = await _access(runtime, actor, customer)
    await service.give_back(tx, access.standing.organization_id, lease_id)


async def _access(runtime: Runtime, actor: Actor, customer: str | None) -> Access:
    gate = runtime.part(Gate)
    return await gate.to_use(actor, customer)
