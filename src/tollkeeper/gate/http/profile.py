"""The address of what the caller themselves used."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from tollkeeper.gate.model import Balance
from tollkeeper.gate.service import Gate
from tollkeeper.infra import ActorDep, RuntimeDep
from tollkeeper.kit import Permission
from tollkeeper.orgs import person_of

from .usage import without

router = APIRouter(prefix="/profile", tags=["People"])


class OwnUsage(BaseModel):
    """Where one feature stands in its present period, and the caller's own part in it."""

    feature: str
    used: int = Field(description="By everybody of the organization.")
    limit: int | None = Field(description="Null: not limited.")
    remaining: int | None
    percent: float | None = Field(description="Of the limit, to a tenth; null where there is none.")
    reset_at: datetime
    own: int = Field(description="By the caller.")
    own_limit: int | None = Field(description="How much of the limit one member may use; null: as much as all.")
    last_used_at: datetime | None = Field(description="By the caller; null: not in this period.")


class OwnUsageOut(BaseModel):
    """What the caller used, by feature."""

    plan: str
    data: list[OwnUsage]
    next_cursor: None = None


@router.get("/usage", responses=without(402), summary="Read the own usage")
async def own_usage(actor: ActorDep, runtime: RuntimeDep) -> OwnUsageOut:
    """Show where every metered feature of the caller's organization stands, and how much of it the caller used."""
    user_id = person_of(actor)
    actor.must(Permission.USAGE_READ)
    gate = runtime.part(Gate)
    access = await gate.access(actor.own_organization())
    data = []
    for balance in await gate.balances(access, user_id):
        _, _, found = await gate.members(access, balance.allowance.feature, most=1, only=user_id)
        own, last = (found[0][1], found[0][2]) if found else (0, None)
        data.append(_shown(balance, own, last))
    return OwnUsageOut(plan=access.plan, data=data)


def _shown(balance: Balance, own: int, last: datetime | None) -> OwnUsage:
    return OwnUsage(
        feature=balance.allowance.feature,
        used=balance.used,
        limit=balance.limit,
        remaining=balance.remaining,
        percent=balance.percent,
        reset_at=balance.period.end,
        own=own,
        own_limit=balance.allowance.per_member,
        last_used_at=last,
    )
