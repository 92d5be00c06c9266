"""Every statement of metering.

The statements of the hot path run on the driver's own connection with arrays as parameters: one statement moves a
whole batch, whatever its size.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import false, func, or_, select, text
from sqlalchemy.dialects.postgresql import insert

from tollkeeper.infra import Tx
from tollkeeper.kit import new_id

from .model import Aggregation, Bucket, Consumption, CounterKey, HistoryPoint, Meter
from .tables import METERS, USAGE_COUNTERS, USAGE_EVENTS

_CREATE_COUNTERS = """
insert into usage_counters (organization_id, meter_id, period_start)
select * from unnest(%b::uuid[], %b::smallint[], %b::timestamptz[])
on conflict do nothing
"""
"""Rows arrive in locking order, so that two batches creating the same counters wait instead of deadlocking."""

_LOCK_COUNTERS = """
select organization_id, meter_id, period_start, used
from usage_counters join unnest(%b::uuid[], %b::smallint[], %b::timestamptz[])
    as wanted (organization_id, meter_id, period_start) using (organization_id, meter_id, period_start)
order by organization_id, meter_id, period_start
for no key update of usage_counters
"""

_READ_COUNTERS = """
select organization_id, meter_id, period_start, used
from usage_counters join unnest(%b::uuid[], %b::smallint[], %b::timestamptz[])
    as wanted (organization_id, meter_id, period_start) using (organization_id, meter_id, period_start)
"""

_SEEN_KEYS = """
select organization_id, meter_id, key
from usage_event_keys join unnest(%b::uuid[], %b::smallint[], %s::text[])
    as wanted (organization_id, meter_id, key) using (organization_id, meter_id, key)
"""
"""Asked after the counters are locked: whoever recorded one of these keys held the same lock until its commit."""

_INSERT_EVENTS = """
insert into usage_events
    (id, organization_id, meter_id, quantity, at, period_start, credential_id, idempotency_key)
select * from unnest(%b::uuid[], %b::uuid[], %b::smallint[], %b::bigint[], %b::timestamptz[], %b::timestamptz[],
    %b::uuid[], %s::text[])
"""

_INSERT_KEYS = """
insert into usage_event_keys (event_id, organization_id, meter_id, key)
select * from unnest(%b::uuid[], %b::uuid[], %b::smallint[], %s::text[])
"""

_WRITE_COUNTERS = """
update usage_counters set used = moved.used
from unnest(%b::uuid[], %b::smallint[], %b::timestamptz[], %b::bigint[])
    as moved (organization_id, meter_id, period_start, used)
where (usage_counters.organization_id, usage_counters.meter_id, usage_counters.period_start)
    = (moved.organization_id, moved.meter_id, moved.period_start)
"""


Connection = psycopg.AsyncConnection[Any]


def _columns(keys: Sequence[CounterKey]) -> list[list[Any]]:
    return [list(column) for column in zip(*keys, strict=True)]


async def create_counters(connection: Connection, keys: Sequence[CounterKey]) -> None:
    """Make sure these counters exist, at zero when new. `keys` must be sorted."""
    await connection.execute(_CREATE_COUNTERS, _columns(keys), prepare=True)


async def lock_counters(connection: Connection, keys: Sequence[CounterKey]) -> dict[CounterKey, int]:
    """Lock these counters until the transaction ends, in key order, and return what each stands at."""
    cursor = await connection.execute(_LOCK_COUNTERS, _columns(keys), prepare=True, binary=True)
    return {CounterKey(*row[:3]): row[3] for row in await cursor.fetchall()}


async def read_counters(connection: Connection, keys: Sequence[CounterKey]) -> dict[CounterKey, int]:
    """Return what these counters stand at, without locking; a counter nobody used yet is missing."""
    cursor = await connection.execute(_READ_COUNTERS, _columns(keys), prepare=True, binary=True)
    return {CounterKey(*row[:3]): row[3] for row in await cursor.fetchall()}


async def seen_keys(connection: Connection, requests: Iterable[Consumption]) -> set[tuple[object, ...]]:
    """Return which `(organization, meter, idempotency key)` of these requests are recorded already."""
    wanted = [(each.counter[0], each.counter[1], each.idempotency_key) for each in requests]
    columns = [list(column) for column in zip(*wanted, strict=True)]
    cursor = await connection.execute(_SEEN_KEYS, columns, prepare=True, binary=True)
    return set(await cursor.fetchall())


async def insert_events(connection: Connection, admitted: Sequence[Consumption]) -> None:
    """Record admitted requests as events, and their idempotency keys."""
    ids = [new_id() for _ in admitted]
    counters = [each.counter for each in admitted]
    await connection.execute(
        _INSERT_EVENTS,
        [
            ids,
            [key[0] for key in counters],
            [key[1] for key in counters],
            [each.count for each in admitted],
            [each.at for each in admitted],
            [key[2] for key in counters],
            [each.credential_id for each in admitted],
            [each.idempotency_key for each in admitted],
        ],
        prepare=True,
    )
    keyed = [
        (event_id, each.counter[0], each.counter[1], each.idempotency_key)
        for event_id, each in zip(ids, admitted, strict=True)
        if each.idempotency_key is not None
    ]
    if keyed:
        keyed.sort(key=lambda row: row[1:])  # one order for all, so that two batches with equal keys cannot deadlock
        await connection.execute(_INSERT_KEYS, [list(column) for column in zip(*keyed, strict=True)], prepare=True)


async def write_counters(connection: Connection, standing: dict[CounterKey, int]) -> None:
    """Set locked counters to what they stand at now."""
    rows = [(*key, used) for key, used in standing.items()]
    await connection.execute(_WRITE_COUNTERS, [list(column) for column in zip(*rows, strict=True)], prepare=True)


async def list_meters(tx: Tx) -> list[Meter]:
    """Return every meter, by key."""
    rows = await tx.connection.execute(select(METERS).order_by(METERS.c.key))
    return [_meter(row) for row in rows.mappings()]


async def insert_meter(tx: Tx, key: str, event_type: str, aggregation: Aggregation, unit: str) -> Meter:
    """Add a meter unless its key exists, and return the one that stands under the key."""
    values = {"key": key, "event_type": event_type, "aggregation": aggregation.value, "unit": unit}
    await tx.connection.execute(insert(METERS).values(values).on_conflict_do_nothing(index_elements=["key"]))
    row = (await tx.connection.execute(select(METERS).where(METERS.c.key == key))).mappings().one()
    return _meter(row)


def _meter(row: Any) -> Meter:
    return Meter(row["id"], row["key"], row["event_type"], Aggregation(row["aggregation"]), row["unit"])


async def counters_of_periods(tx: Tx, keys: Sequence[CounterKey]) -> dict[CounterKey, int]:
    """Return what these counters stand at, for pages and reports; a counter nobody used yet is missing."""
    where = [
        (USAGE_COUNTERS.c.organization_id == key.organization_id)
        & (USAGE_COUNTERS.c.meter_id == key.meter_id)
        & (USAGE_COUNTERS.c.period_start == key.period_start)
        for key in keys
    ]
    rows = await tx.connection.execute(select(USAGE_COUNTERS).where(or_(false(), *where)))
    return {CounterKey(row.organization_id, row.meter_id, row.period_start): row.used for row in rows}


async def history(
    tx: Tx, organization_id: UUID, meter_id: int, *, start: datetime, end: datetime, bucket: Bucket
) -> list[HistoryPoint]:
    """Return usage within `[start, end)` by bucket in UTC, oldest first; buckets without usage are left out."""
    point = func.date_trunc(bucket.value, USAGE_EVENTS.c.at, "UTC").label("point")
    rows = await tx.connection.execute(
        select(point, func.sum(USAGE_EVENTS.c.quantity))
        .where(
            USAGE_EVENTS.c.organization_id == organization_id,
            USAGE_EVENTS.c.meter_id == meter_id,
            USAGE_EVENTS.c.at >= start,
            USAGE_EVENTS.c.at < end,
        )
        .group_by(point)
        .order_by(point)
    )
    return [HistoryPoint(start, int(used)) for start, used in rows]


async def replay(
    tx: Tx, organization_id: UUID, meter_id: int, period_start: datetime, *, recorded_before: UUID
) -> tuple[int, int]:
    """Return how many events a counter has that were recorded before this id was made, and what they sum to."""
    table = USAGE_EVENTS.c
    rows = await tx.connection.execute(
        select(func.count(), func.coalesce(func.sum(table.quantity), 0)).where(
            table.organization_id == organization_id,
            table.meter_id == meter_id,
            table.period_start == period_start,
            table.id < recorded_before,
        )
    )
    count, total = rows.one()
    return int(count), int(total)


async def counters_that_disagree(tx: Tx) -> list[tuple[CounterKey, int, int]]:
    """Return the counters whose value is not the sum of their events, with both numbers."""
    replayed = (
        select(
            USAGE_EVENTS.c.organization_id,
            USAGE_EVENTS.c.meter_id,
            USAGE_EVENTS.c.period_start,
            func.sum(USAGE_EVENTS.c.quantity).label("total"),
        )
        .group_by(USAGE_EVENTS.c.organization_id, USAGE_EVENTS.c.meter_id, USAGE_EVENTS.c.period_start)
        .subquery()
    )
    counted, total = USAGE_COUNTERS.c, func.coalesce(replayed.c.total, 0)
    rows = await tx.connection.execute(
        select(counted.organization_id, counted.meter_id, counted.period_start, counted.used, total)
        .outerjoin_from(
            USAGE_COUNTERS,
            replayed,
            (counted.organization_id == replayed.c.organization_id)
            & (counted.meter_id == replayed.c.meter_id)
            & (counted.period_start == replayed.c.period_start),
        )
        .where(counted.used != total)
    )
    return [(CounterKey(*row[:3]), row[3], int(row[4])) for row in rows]


async def create_partition(tx: Tx, name: str, first: UUID, after: UUID) -> None:
    """Make sure the events of `[first, after)` have a partition of their own. `name` is ours, never a caller's."""
    await tx.connection.execute(
        text(f"create table if not exists {name} partition of usage_events for values from ('{first}') to ('{after}')")
    )
