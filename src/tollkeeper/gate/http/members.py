"""The addresses of gauges, which are set and not added to, and of what each member used."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictInt
from starlette.responses import Response

from tollkeeper.gate.hot import balance_document
from tollkeeper.gate.model import GAUGES, NotAGaugeError, UnknownFeatureError
from tollkeeper.gate.refusing import quota_headers
from tollkeeper.gate.schemas import MAX_COUNT, MAX_CUSTOMER, MAX_FEATURE, MAX_KEY, BalanceBody
from tollkeeper.gate.service import Gate
from tollkeeper.infra import ActorDep, RuntimeDep
from tollkeeper.kit import Permission

from .usage import PROBLEMS, CustomerQuery, without

router = APIRouter()

MOST_MEMBERS = 1_000


class SetBody(BaseModel):
    """What a gauge stands at, such as seats taken or bytes stored."""

    model_config = ConfigDict(extra="forbid", title="Set")

    feature: str = Field(min_length=1, max_length=MAX_FEATURE, description="Key of a feature that is a gauge.")
    value: StrictInt = Field(ge=0, le=MAX_COUNT, description="What it stands at.")
    at: AwareDatetime | None = Field(None, description="When it stood so. Default: now. The latest one is shown.")
    idempotency_key: str | None = Field(
        None, min_length=1, max_length=MAX_KEY, pattern=r"^[^\x00]*$", description="A repeat is counted once."
    )
    member: UUID | None = Field(None, description="Whose it is: a user's id. Default: the caller's own.")
    customer: str | None = Field(
        None, min_length=1, max_length=MAX_CUSTOMER, description="Organization's id or external id; operator keys only."
    )


@router.post("/set", responses=PROBLEMS, response_model_exclude_unset=True)
async def set_gauge(actor: ActorDep, runtime: RuntimeDep, response: Response, body: SetBody) -> BalanceBody:
    """Say what a gauge stands at: 402 when it would rise past a hard limit. What does not rise is always taken."""
    actor.must(Permission.USAGE_WRITE)
    gate = runtime.part(Gate)
    access = await gate.to_use(actor, body.customer)
    allowance = access.allowances.get(body.feature)
    if allowance is not None and allowance.aggregation not in GAUGES:
        raise NotAGaugeError(f"{body.feature!r} is a {allowance.aggregation}: report what was used of it.")
    balance = await gate.take(
        actor, access, body.feature, body.value, key=body.idempotency_key, at=body.at, member=body.member
    )
    response.headers.update(quota_headers(balance))
    return BalanceBody(**balance_document(balance))


class MemberUsage(BaseModel):
    """What one member used in the present period; `limit` and `remaining` null: members have no limits here."""

    id: UUID
    used: int
    limit: int | None
    remaining: int | None
    last_used_at: datetime


class MembersOut(BaseModel):
    """Who used how much, the most first; at most 1,000 members."""

    feature: str
    start: datetime
    reset_at: datetime
    data: list[MemberUsage]
    next_cursor: None = None


@router.get("/members", responses=without(402))
async def members(
    actor: ActorDep,
    runtime: RuntimeDep,
    feature: Annotated[str, Query(min_length=1, max_length=MAX_FEATURE, description="Key of a metered feature.")],
    customer: CustomerQuery = None,
) -> MembersOut:
    """Show what each member used of a feature in its present period. Usage of nobody known is not in it."""
    actor.must(Permission.USAGE_READ)
    gate = runtime.part(Gate)
    access = await gate.access(await gate.organization_of(actor, customer))
    if feature not in access.allowances:
        raise UnknownFeatureError(f"There is no metered feature {feature!r}.", feature=feature)
    allowance, period, found = await gate.members(access, feature, most=MOST_MEMBERS)
    limit = allowance.per_member
    shown = [
        MemberUsage(
            id=member_id,
            used=used,
            limit=limit,
            remaining=None if limit is None else max(0, limit - used),
            last_used_at=last,
        )
        for member_id, used, last in found
    ]
    return MembersOut(feature=feature, start=period.start, reset_at=period.end, data=shown)
