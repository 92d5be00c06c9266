"""The addresses of credits. Members see theirs; granting and taking back is for operators."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictInt
from starlette.responses import Response

from tollkeeper.gate.model import Access, Allowance, UnknownFeatureError
from tollkeeper.gate.schemas import MAX_COUNT, MAX_CUSTOMER, MAX_FEATURE, MAX_KEY
from tollkeeper.gate.service import Gate
from tollkeeper.infra import ActorDep, IdempotencyDep, TxDep
from tollkeeper.kit import Actor, Permission
from tollkeeper.metering import Grant, grant_credits, list_grants, void_grant

from .usage import CustomerQuery, without

router = APIRouter(prefix="/grants")

MAX_PAGE = 100
LONGEST_REASON = 500
LONGEST_CURSOR = 100
Customer = Annotated[
    str | None,
    Field(min_length=1, max_length=MAX_CUSTOMER, description="Organization's id or external id; operator keys only."),
]


class VoidBody(BaseModel):
    """Take back what is left."""

    model_config = ConfigDict(extra="forbid")

    customer: Customer = None


class GrantBody(BaseModel):
    """Credits for one feature: used once its hard limit is reached, soonest expiring first."""

    model_config = ConfigDict(extra="forbid")

    feature: str = Field(min_length=1, max_length=MAX_FEATURE, description="Key of a metered feature.")
    amount: StrictInt = Field(ge=1, le=MAX_COUNT, description="How much may be used beyond the limit.")
    reason: str = Field(min_length=1, max_length=LONGEST_REASON, pattern=r"^[^\x00]*$", description="Why; kept.")
    external_id: str | None = Field(
        None, min_length=1, max_length=MAX_KEY, pattern=r"^[^\x00]*$", description="Your name for it: granted once."
    )
    expires_at: AwareDatetime | None = Field(None, description="Of no use from then on. Default: never.")
    customer: Customer = None


class GrantOut(BaseModel):
    """A grant. `remaining` is what can be used of it now: nothing once it has expired or was voided."""

    id: UUID
    feature: str
    amount: int
    used: int
    remaining: int
    reason: str
    external_id: str | None
    created_at: datetime
    expires_at: datetime | None
    voided_at: datetime | None

    @classmethod
    def of(cls, grant: Grant, feature: str, now: datetime) -> Self:
        """Show a grant."""
        return cls(
            id=grant.id,
            feature=feature,
            amount=grant.amount,
            used=grant.used,
            remaining=grant.left(now),
            reason=grant.reason,
            external_id=grant.external_id,
            created_at=grant.created_at,
            expires_at=grant.expires_at,
            voided_at=grant.voided_at,
        )


class GrantsOut(BaseModel):
    """Grants, newest first."""

    data: list[GrantOut]
    next_cursor: str | None


GrantId = Annotated[UUID, Path(description="The grant's `id`.")]


@router.post(
    "",
    status_code=201,
    response_model=GrantOut,
    responses={
        **without(402),
        200: {"model": GrantOut, "description": "It was granted already under this `external_id`."},
        409: {"description": "`grant_mismatch`: something else was granted under this `external_id`."},
    },
)
async def grant(actor: ActorDep, tx: TxDep, body: GrantBody, once: IdempotencyDep) -> Response:
    """Grant credits. The same `external_id` grants once."""
    access = await _access(tx.runtime.part(Gate), actor, body.customer, Permission.USAGE_GRANT)
    fresh = True

    async def work() -> GrantOut:
        nonlocal fresh
        made, fresh = await grant_credits(
            tx,
            access.standing.organization_id,
            _allowance(access, body.feature).meter_id,
            body.amount,
            reason=body.reason,
            external_id=body.external_id,
            expires_at=body.expires_at,
            granted_by=actor.credential_id,
        )
        return GrantOut.of(made, body.feature, tx.now)

    answer = await once.run_in(tx, work, status=201)
    if not fresh:
        answer.status_code = 200
    return answer


@router.get("", responses=without(402))
async def grants(  # noqa: PLR0917 - a query's fields
    actor: ActorDep,
    tx: TxDep,
    customer: CustomerQuery = None,
    feature: Annotated[str | None, Query(min_length=1, max_length=MAX_FEATURE)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    cursor: Annotated[str | None, Query(max_length=LONGEST_CURSOR)] = None,
) -> GrantsOut:
    """List the organization's grants, newest first."""
    access = await _access(tx.runtime.part(Gate), actor, customer, Permission.USAGE_READ)
    meter_id = None if feature is None else _allowance(access, feature).meter_id
    page = await list_grants(tx, access.standing.organization_id, meter_id=meter_id, cursor=cursor, limit=limit)
    return GrantsOut(data=[_shown(access, each, tx.now) for each in page.data], next_cursor=page.next_cursor)


@router.post("/{grant_id}/void", responses=without(402))
async def void(grant_id: GrantId, actor: ActorDep, tx: TxDep, body: VoidBody | None = None) -> GrantOut:
    """Take back what is left of a grant; what was used of it stays used. A second time changes nothing."""
    gate = tx.runtime.part(Gate)
    access = await _access(gate, actor, body.customer if body else None, Permission.USAGE_GRANT)
    return _shown(access, await void_grant(tx, access.standing.organization_id, grant_id), tx.now)


async def _access(gate: Gate, actor: Actor, customer: str | None, permission: Permission) -> Access:
    actor.must(permission)
    return await gate.access(await gate.organization_of(actor, customer))


def _allowance(access: Access, feature: str) -> Allowance:
    found = access.allowances.get(feature)
    if found is None:
        raise UnknownFeatureError(f"There is no metered feature {feature!r}.", feature=feature)
    return found


def _shown(access: Access, grant_: Grant, now: datetime) -> GrantOut:
    """Show a grant; one for a feature that was archived is known by nothing but its meter."""
    feature = next((key for key, each in access.allowances.items() if each.meter_id == grant_.meter_id), "")
    return GrantOut.of(grant_, feature, now)
