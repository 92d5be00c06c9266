"""Use cases of metering."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from tollkeeper.infra import Tx
from tollkeeper.kit import new_id

from . import rules, store
from .model import (
    Aggregation,
    Consumption,
    CounterKey,
    Crossing,
    Hold,
    Meter,
    Outcome,
    Release,
    Request,
    Scalar,
    Settle,
    Standing,
    Verdict,
)
from .preparing import locked, take_in_holders

MONTHS_AHEAD = 3
EXPIRY_BATCH = 500


async def define_meter(
    tx: Tx,
    key: str,
    *,
    event_type: str,
    aggregation: Aggregation = Aggregation.SUM,
    unit: str = "",
    value: str | None = None,
    group_by: tuple[str, ...] = (),
    filters: Mapping[str, tuple[Scalar, ...]] = rules.UNFILTERED,
) -> Meter:
    """Make sure a meter of this key exists; the same definition twice changes nothing, more to group by is added.

    Raises:
        MeterMismatchError: the key exists and counts something else.
    """
    wanted = Meter(0, key, event_type, aggregation, unit, value, group_by, filters)
    meter = await store.insert_meter(tx, wanted)
    rules.must_keep_meaning(meter, wanted)
    return meter if meter.group_by == group_by else await store.regroup_meter(tx, key, group_by)


async def consume(
    connection: store.Connection, requests: Sequence[Request], now: datetime
) -> tuple[list[Outcome], list[Crossing], Mapping[CounterKey, Standing]]:
    """Decide and record a batch inside the caller's open transaction; it counts when the caller commits.

    Admission is exact across any number of callers: every counter stays locked from the decision to the commit.

    Args:
        connection: inside a transaction of its own, best in pipeline mode: the writes are sent, not waited for.
        requests: in the order they arrived; outcomes have the same order.
        now: reservations held beyond it are given up first.

    Returns:
        One outcome a request; the thresholds that were reached, which the caller tells in the same transaction; and
        what the counters that moved stand at then.
    """
    standing = await locked(connection, requests, now)
    known = await _known(connection, requests, standing, now)
    if known.reservations or known.expired:
        await take_in_holders(connection, standing, [*known.reservations.values(), *known.expired], now)
    decision = rules.decide(requests, standing, known)
    refused = [
        request.counter
        for request, outcome in zip(requests, decision.outcomes, strict=True)
        if outcome.verdict is Verdict.REFUSED and not outcome.of_member
    ]
    if refused:
        known = replace(known, grants=await of_refused(connection, refused, now))
        decision = rules.decide(requests, standing, known)
    await record(connection, decision)
    return decision.outcomes, decision.crossings, decision.counters


async def of_refused(
    connection: store.Connection, refused: Sequence[CounterKey], now: datetime
) -> Mapping[tuple[UUID, int], Sequence[tuple[UUID, int]]]:
    """Lock the open grants that may pay for what passes a limit; nobody else waits for a look at them."""
    return await store.open_grants(connection, sorted({key[:2] for key in refused}), now, lock=True)


async def record(connection: store.Connection, decision: rules.Decision) -> None:
    """Write down what was decided."""
    if decision.admitted:
        await store.insert_events(connection, decision.admitted)
    if decision.values:
        await store.insert_values(connection, decision.values)
    if decision.made:
        await store.insert_reservations(connection, decision.made)
    if decision.closed:
        await store.close_reservations(connection, decision.closed)
    if decision.counters:
        await store.write_counters(connection, decision.counters)
    if decision.credited:
        await store.write_further(connection, decision.credited)
    if decision.drawn:
        await store.draw(connection, decision.drawn)


async def _known(
    connection: store.Connection, requests: Sequence[Request], standing: Mapping[CounterKey, Standing], now: datetime
) -> rules.Known:
    """Read what was recorded before and bears on these requests. Their counters are locked: nothing of it moves."""
    events = [each.consumption if isinstance(each, Settle) else each for each in requests]
    takes = [each for each in events if isinstance(each, Consumption)]
    keyed = [each for each in takes if each.idempotency_key is not None]
    valued = [each for each in takes if each.value is not None and each.aggregation is Aggregation.UNIQUE]
    named = [each.reservation_id for each in requests if isinstance(each, Settle | Release)]
    holds = [each for each in requests if isinstance(each, Hold) and each.idempotency_key is not None]
    holding = [key for key, each in standing.items() if each.reserved]
    return rules.Known(
        keys=await store.seen_keys(connection, keyed) if keyed else frozenset(),
        values=await store.seen_values(connection, valued) if valued else frozenset(),
        reservations=await store.find_reservations(connection, named) if named else {},
        held_under=await store.held_under(connection, holds) if holds else {},
        expired=await store.expired_of(connection, holding, now) if holding else (),
    )


async def expired_reservations(connection: store.Connection, now: datetime) -> list[Release]:
    """Return requests that give up what is held beyond its time; `consume` does so with whatever comes for them."""
    found = await store.expired(connection, now, limit=EXPIRY_BATCH)
    return [Release(each.id, each.counter) for each in found]


async def prepare_partitions(tx: Tx) -> None:
    """Make sure this month and the next ones have a partition for their events.

    Ids carry the machine's own time even where the product's clock is moved, so the months are counted from an id.
    """
    moment = rules.moment_of(new_id())
    for _ in range(MONTHS_AHEAD + 1):
        partition = rules.partition_of(moment)
        await store.create_partition(tx, *partition)
        moment = moment.replace(day=1) + timedelta(days=32)
