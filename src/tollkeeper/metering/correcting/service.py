"""Use cases of corrections."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from tollkeeper.infra import Tx
from tollkeeper.kit import Page, new_id, page_of, read_cursor
from tollkeeper.metering.model import NOBODY, Aggregation, Crossing, Limit, Standing
from tollkeeper.metering.rules import measure_of, short_by
from tollkeeper.rating import Period

from . import rules, store
from .model import Corrected, Correction, EventNotFoundError, EventRecord, LimitPassedError, Version


async def find_event(tx: Tx, organization_id: UUID, event_id: UUID) -> EventRecord:
    """Return one of the organization's events.

    Raises:
        EventNotFoundError: there is none of this id, or it is somebody else's.
    """
    found = await store.find(tx, organization_id, event_id)
    if found is None:
        raise EventNotFoundError
    return found


async def list_events(
    tx: Tx, organization_id: UUID, meter_id: int, span: Period, *, cursor: str | None, limit: int
) -> Page[EventRecord]:
    """Return the events of a meter that happened within a span, the latest first, each with its corrections.

    Raises:
        InvalidInputError: the cursor is none of ours.
    """
    after = read_cursor(cursor)
    found = await store.page(
        tx, organization_id, meter_id, start=span.start, end=span.end, after=after, limit=limit + 1
    )
    return page_of(found, limit, lambda each: (each.at, each.id))


async def correct(
    tx: Tx, event: EventRecord, wanted: Correction, *, limit: Limit, aggregation: Aggregation
) -> Corrected:
    """Amend or void an event, and move the counters that hold it, in this transaction.

    What would change nothing records nothing. Thresholds reached by it are returned, for the caller to tell of; those
    told before are not told again, whichever way usage goes. Limits of members are not looked at, and no credits are
    drawn; what credits paid for comes back to them as far as usage becomes less.

    Args:
        tx: commits the correction and the counters together.
        event: as it was found; its newest version is looked at again once its counters are locked.
        wanted: what it is to become.
        limit: the organization's, of the event's period.
        aggregation: the meter's.

    Raises:
        LimitPassedError: usage would grow past a hard limit.
    """
    counters = await store.lock_counters(tx, event)
    event = await find_event(tx, event.organization_id, event.id)
    own = _own(counters, event)
    standing = own.standing if own else Standing()
    if not rules.changes(event, wanted):
        return Corrected(event, standing)
    before, after = event.newest, rules.version_of(event, wanted, new_id(), tx.now)
    await store.add_version(tx, event, after)
    await tx.record(
        "usage.corrected",
        target=("event", event.id),
        organization_id=event.organization_id,
        before=_told(before),
        after=_told(after),
    )
    crossings: list[Crossing] = []
    for each in counters:
        if not rules.holds(each.standing, event):
            continue
        moved = await _moved(tx, each, aggregation, before, after)
        if each is own:
            if short_by(each.standing, moved.used, limit):
                raise LimitPassedError(standing)
            crossings = _crossed(each, moved.used, limit, tx.now)
            if crossings:
                moved = moved._replace(told=crossings[-1].percent, told_limit=crossings[-1].limit)
            standing = moved
        await store.write_counter(tx, each.key, moved)
        if aggregation is Aggregation.UNIQUE and event.value is not None:
            await store.keep_value(tx, each, event.value)
    if before.credits > after.credits:
        await store.give_back_credits(tx, event.organization_id, event.meter_id, before.credits - after.credits)
    return Corrected(rules.with_version(event, after), standing, tuple(crossings))


def _told(version: Version) -> dict[str, object]:
    return {"quantity": version.quantity, "voided": version.voided, "reason": version.reason}


def _own(counters: Sequence[store.Locked], event: EventRecord) -> store.Locked | None:
    """Return the organization's counter that the event is measured by; None: none holds it any more."""
    whole = [each for each in counters if each.key.member_id == NOBODY]
    first = (each for each in whole if each.key.period_start == event.period_start)
    return next(first, None) or next(iter(whole), None)


async def _moved(tx: Tx, counter: store.Locked, aggregation: Aggregation, before: Version, after: Version) -> Standing:
    """Return what a counter stands at with one version in place of another, which is recorded already."""
    was = counter.standing
    credited = was.credited - min(was.credited, max(0, before.credits - after.credits))
    step = rules.difference(aggregation, before, after)
    if step is not None:
        return was._replace(used=max(0, was.used + step), credited=credited)
    used, latest_at = await store.reckon(tx, counter, aggregation)
    return was._replace(used=used, latest_at=latest_at, credited=credited)


def _crossed(counter: store.Locked, used: int, limit: Limit, now: datetime) -> list[Crossing]:
    measure = measure_of(limit, counter.standing)
    told = rules.reached(counter.standing, used, limit)
    return [Crossing(counter.key, percent, measure, used, now) for percent in told]
