"""Correcting usage: whose it is, by which limit it is measured, and whether its period still takes corrections."""

from uuid import UUID

from tollkeeper.infra import Tx
from tollkeeper.kit import Page
from tollkeeper.metering import (
    Correction,
    EventNotFoundError,
    EventRecord,
    LimitPassedError,
    ThresholdReached,
    announce_threshold,
    correct,
    find_event,
    list_events,
)
from tollkeeper.rating import Period

from . import late, rules
from .model import Access, Allowance, Balance, UnknownFeatureError
from .refusing import quota_exceeded
from .service import Gate


async def page_of_events(
    tx: Tx, access: Access, feature: str, span: Period, *, cursor: str | None, limit: int
) -> Page[EventRecord]:
    """Return the events of a feature that happened within a span, the latest first, each with its corrections.

    Raises:
        UnknownFeatureError: there is no such metered feature.
    """
    allowance = access.allowances.get(feature)
    if allowance is None:
        raise UnknownFeatureError(f"There is no metered feature {feature!r}.", feature=feature)
    return await list_events(tx, access.standing.organization_id, allowance.meter_id, span, cursor=cursor, limit=limit)


async def event_of(tx: Tx, access: Access, event_id: UUID) -> tuple[EventRecord, Allowance]:
    """Return one event of the organization, and the feature it is usage of.

    Raises:
        EventNotFoundError: there is none of this id, or it is somebody else's, or of what is no feature any more.
    """
    event = await find_event(tx, access.standing.organization_id, event_id)
    return event, _of_meter(access, event.meter_id)


def _of_meter(access: Access, meter_id: int) -> Allowance:
    found = next((each for each in access.allowances.values() if each.meter_id == meter_id), None)
    if found is None:
        raise EventNotFoundError
    return found


async def correct_event(tx: Tx, access: Access, event_id: UUID, wanted: Correction) -> tuple[EventRecord, Balance]:
    """Amend or void an event; the counter moves with the caller's commit. What changes nothing records nothing.

    Raises:
        EventNotFoundError: as `event_of`.
        PeriodClosedError: its period takes no more corrections.
        QuotaExceededError: usage would grow past a hard limit.
    """
    gate = tx.runtime.part(Gate)
    event, allowance = await event_of(tx, access, event_id)
    access, _ = await gate.measured_by(access, allowance.feature, event.at)
    allowance, period, _ = gate.counter(access, allowance.feature, max(event.at, event.period_start))
    late.must_be_open(period, tx.now, tx.runtime.settings.late_for)
    try:
        done = await correct(tx, event, wanted, limit=allowance.bound, aggregation=allowance.aggregation)
    except LimitPassedError as passed:
        balance = rules.balance_of(allowance, period, passed.counted)
        more = (wanted.quantity or 0) - (0 if event.newest.voided else event.newest.quantity)
        raise quota_exceeded(access, balance, more) from None
    for crossing in done.crossings:
        await tx.defer(announce_threshold, **ThresholdReached.of(crossing).payload())
    return done.event, rules.balance_of(allowance, period, done.counted)
