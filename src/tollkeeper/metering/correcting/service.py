"""Use cases of corrections."""

from uuid import UUID

from tollkeeper.infra import Tx
from tollkeeper.kit import Page, new_id, page_of, read_cursor
from tollkeeper.metering.model import NOBODY, Aggregation, Crossing, Limit, Standing
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
    told before are not told again, whichever way usage goes.

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
    own = next(
        each for each in counters if each.key.member_id == NOBODY and each.key.period_start == event.period_start
    )
    if not rules.changes(event, wanted):
        return Corrected(event, own.standing.used, own.standing.reserved)
    before, after = event.newest, rules.version_of(event, wanted, new_id(), tx.now)
    await store.add_version(tx, event, after)
    crossings: list[Crossing] = []
    used = own.standing.used
    for each in counters:
        moved = await _moved(tx, each, aggregation, before, after)
        if each is own:
            if rules.passes(own.standing, moved.used, limit, beside=own.beside):
                raise LimitPassedError(own.standing.used, own.standing.reserved)
            told = rules.reached(own.standing, moved.used, limit)
            crossings = [Crossing(own.key, percent, limit.amount or 0, moved.used, tx.now) for percent in told]
            moved = moved._replace(told=told[-1], told_limit=limit.amount) if told else moved
            used = moved.used
        back = min(each.credited, before.credits - after.credits)
        await store.write_counter(tx, each.key, moved, each.credited - back)
        if aggregation is Aggregation.UNIQUE and event.value is not None:
            await store.keep_value(tx, each, event.value)
    if before.credits > after.credits:
        await store.give_back_credits(tx, event.organization_id, event.meter_id, before.credits - after.credits)
    return Corrected(rules.with_version(event, after), used, own.standing.reserved, tuple(crossings))


async def _moved(tx: Tx, counter: store.Locked, aggregation: Aggregation, before: Version, after: Version) -> Standing:
    """Return what a counter stands at with one version in place of another, which is recorded already."""
    step = rules.difference(aggregation, before, after)
    if step is not None:
        return counter.standing._replace(used=counter.standing.used + step)
    used, latest_at = await store.reckon(tx, counter, aggregation)
    return counter.standing._replace(used=used, latest_at=latest_at)
