"""Recorded usage, event by event, and its corrections. Reading is for members, correcting for operators."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictInt
from starlette.responses import Response

from tollkeeper.gate.correcting import correct_event, event_of, page_of_events
from tollkeeper.gate.model import Access, Balance
from tollkeeper.gate.refusing import quota_headers
from tollkeeper.gate.rules import CLOCK_SKEW
from tollkeeper.gate.schemas import MAX_COUNT, MAX_CUSTOMER, MAX_FEATURE
from tollkeeper.gate.service import Gate
from tollkeeper.infra import ActorDep, RuntimeDep, TxDep
from tollkeeper.kit import Actor, Permission
from tollkeeper.metering import Correction, EventRecord, Version

from .usage import PROBLEMS, CustomerQuery, history_span, without

router = APIRouter(prefix="/events")

MAX_PAGE = 100
LONGEST_REASON = 500
LONGEST_CURSOR = 100

EventId = Annotated[UUID, Path(description="The event's `id`.")]
Reason = Annotated[
    str, Field(min_length=1, max_length=LONGEST_REASON, pattern=r"^[^\x00]*$", description="Why; kept with it.")
]


class Amend(BaseModel):
    """What the event should have said."""

    model_config = ConfigDict(extra="forbid")

    count: StrictInt = Field(ge=0, le=MAX_COUNT, description="How much it really was.")
    reason: Reason
    customer: str | None = Field(
        None, min_length=1, max_length=MAX_CUSTOMER, description="Organization's id or external id; operator keys only."
    )


class VersionOut(BaseModel):
    """The event as it was recorded (`revision` 0), or as a correction left it."""

    revision: int
    count: int
    voided: bool
    reason: str | None = Field(description="Why it was corrected; null for the event as it was recorded.")
    recorded_at: datetime

    @classmethod
    def of(cls, version: Version) -> Self:
        """Show a version."""
        return cls(
            revision=version.revision,
            count=version.quantity,
            voided=version.voided,
            reason=version.reason,
            recorded_at=version.recorded_at,
        )


class EventOut(BaseModel):
    """One use as it counts now, and every version of it, oldest first."""

    id: UUID
    feature: str
    count: int
    voided: bool = Field(description="A voided event counts nothing.")
    at: datetime
    idempotency_key: str | None
    value: str | None
    properties: dict[str, Any] | None
    revision: int = Field(description="How often it was corrected.")
    history: list[VersionOut]

    @classmethod
    def of(cls, event: EventRecord, feature: str) -> Self:
        """Show an event."""
        return cls(
            id=event.id,
            feature=feature,
            count=event.newest.quantity,
            voided=event.newest.voided,
            at=event.at,
            idempotency_key=event.idempotency_key,
            value=event.value,
            properties=None if event.properties is None else dict(event.properties),
            revision=event.newest.revision,
            history=[VersionOut.of(each) for each in event.versions],
        )


class EventsOut(BaseModel):
    """A page of events."""

    data: list[EventOut]
    next_cursor: str | None


class CorrectedOut(EventOut):
    """The event after a correction, and where its feature stands in the period it belongs to."""

    used: int
    limit: int | None
    remaining: int | None


async def _access(actor: Actor, gate: Gate, customer: str | None, permission: Permission) -> Access:
    actor.must(permission)
    return await gate.access(await gate.organization_of(actor, customer))


@router.get("", responses=without(402))
async def events(
    *,
    actor: ActorDep,
    runtime: RuntimeDep,
    tx: TxDep,
    feature: Annotated[str, Query(min_length=1, max_length=MAX_FEATURE)],
    customer: CustomerQuery = None,
    start: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    end: Annotated[AwareDatetime | None, Query(alias="to")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="Items a page.")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=LONGEST_CURSOR, description="`next_cursor` of the page before.")
    ] = None,
) -> EventsOut:
    """List the recorded uses of a feature that happened from `from` until before `to`, the latest first."""
    access = await _access(actor, runtime.part(Gate), customer, Permission.USAGE_READ)
    # Callers' clocks may be ahead: without `to`, what happened by them is in the list, too.
    span = history_span(start, end or tx.now + 2 * CLOCK_SKEW, tx.now)
    page = await page_of_events(tx, access, feature, span, cursor=cursor, limit=limit)
    return EventsOut(data=[EventOut.of(each, feature) for each in page.data], next_cursor=page.next_cursor)


@router.get("/{event_id}", responses=without(402))
async def event(
    event_id: EventId, actor: ActorDep, runtime: RuntimeDep, tx: TxDep, customer: CustomerQuery = None
) -> EventOut:
    """Return one recorded use with its corrections."""
    access = await _access(actor, runtime.part(Gate), customer, Permission.USAGE_READ)
    found, allowance = await event_of(tx, access, event_id)
    return EventOut.of(found, allowance.feature)


@router.patch("/{event_id}", responses=PROBLEMS)
async def amend(
    *, event_id: EventId, body: Amend, actor: ActorDep, runtime: RuntimeDep, tx: TxDep, response: Response
) -> CorrectedOut:
    """Correct how much a use came to, or count a voided one again. What it already is records nothing."""
    access = await _access(actor, runtime.part(Gate), body.customer, Permission.USAGE_CORRECT)
    wanted = Correction(body.count, body.reason, actor.credential_id)
    return _shown(*await correct_event(tx, access, event_id, wanted), response)


@router.delete("/{event_id}", responses=without(402))
async def void(
    *,
    event_id: EventId,
    actor: ActorDep,
    runtime: RuntimeDep,
    tx: TxDep,
    response: Response,
    reason: Annotated[Reason, Query()],
    customer: CustomerQuery = None,
) -> CorrectedOut:
    """Have a use count nothing. It stays, with the reason; voiding it again records nothing."""
    access = await _access(actor, runtime.part(Gate), customer, Permission.USAGE_CORRECT)
    wanted = Correction(None, reason, actor.credential_id)
    return _shown(*await correct_event(tx, access, event_id, wanted), response)


def _shown(found: EventRecord, balance: Balance, response: Response) -> CorrectedOut:
    response.headers.update(quota_headers(balance))
    event = EventOut.of(found, balance.allowance.feature)
    return CorrectedOut(**event.model_dump(), used=balance.used, limit=balance.limit, remaining=balance.remaining)
