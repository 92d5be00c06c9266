"""Statements about events and what makes them unique, on the driver's own connection."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from tollkeeper.kit import new_id
from tollkeeper.metering.model import NOBODY, Consumption, CounterKey

from .counters import Connection, columns

_SEEN_KEYS = """
select organization_id, meter_id, key
from usage_event_keys join unnest(%b::uuid[], %b::smallint[], %s::text[])
    as wanted (organization_id, meter_id, key) using (organization_id, meter_id, key)
"""
"""Asked after the counters are locked: whoever recorded one of these keys held the same lock until its commit."""

_INSERT = """
insert into usage_events
    (id, organization_id, meter_id, quantity, at, period_start, credential_id, idempotency_key, member_id)
select * from unnest(%b::uuid[], %b::uuid[], %b::smallint[], %b::bigint[], %b::timestamptz[], %b::timestamptz[],
    %b::uuid[], %s::text[], %b::uuid[])
"""

_INSERT_FULL = """
insert into usage_events
    (id, organization_id, meter_id, quantity, at, period_start, credential_id, idempotency_key, member_id, value,
    properties, credits)
select * from unnest(%b::uuid[], %b::uuid[], %b::smallint[], %b::bigint[], %b::timestamptz[], %b::timestamptz[],
    %b::uuid[], %s::text[], %b::uuid[], %s::text[], %s::jsonb[], %b::bigint[])
"""

_INSERT_KEYS = """
insert into usage_event_keys (event_id, organization_id, meter_id, key)
select * from unnest(%b::uuid[], %b::uuid[], %b::smallint[], %s::text[])
"""

_SEEN_VALUES = """
select organization_id, meter_id, period_start, member_id, value
from usage_values join unnest(%b::uuid[], %b::smallint[], %b::timestamptz[], %b::uuid[], %s::text[])
    as wanted (organization_id, meter_id, period_start, member_id, value)
    using (organization_id, meter_id, period_start, member_id, value)
"""

_INSERT_VALUES = """
insert into usage_values (organization_id, meter_id, period_start, member_id, value)
select * from unnest(%b::uuid[], %b::smallint[], %b::timestamptz[], %b::uuid[], %s::text[])
"""


async def seen_keys(connection: Connection, requests: Iterable[Consumption]) -> set[tuple[object, ...]]:
    """Return which `(organization, meter, idempotency key)` of these requests are recorded already."""
    return await recorded_keys(
        connection, [(each.counter[0], each.counter[1], each.idempotency_key) for each in requests]
    )


async def recorded_keys(
    connection: Connection, wanted: Sequence[tuple[UUID, int, str | None]]
) -> set[tuple[object, ...]]:
    """Return which of these `(organization, meter, idempotency key)`, one at least, are recorded already."""
    cursor = await connection.execute(_SEEN_KEYS, columns(wanted), prepare=True, binary=True)
    return set(await cursor.fetchall())


async def insert_events(connection: Connection, admitted: Sequence[Consumption]) -> None:
    """Record admitted requests as events, and their idempotency keys."""
    rows = [
        (new_id(), each[0][0], each[0][1], each[1], each[3], each[0][2], each[5], each[4], each[9]) for each in admitted
    ]
    if any(each.properties is not None or each.value is not None or each.credits for each in admitted):
        rest = [(each.value, each.properties, each.credits or None) for each in admitted]
        full = [(*row, *more) for row, more in zip(rows, rest, strict=True)]
        await connection.execute(_INSERT_FULL, columns(full), prepare=True)
    else:
        await connection.execute(_INSERT, columns(rows), prepare=True)
    keyed = [(row[0], row[1], row[2], row[7]) for row in rows if row[7] is not None]
    if keyed:
        keyed.sort(key=lambda row: row[1:])  # one order for all, so that two batches with equal keys cannot deadlock
        await connection.execute(_INSERT_KEYS, columns(keyed), prepare=True)


async def seen_values(connection: Connection, requests: Sequence[Consumption]) -> set[tuple[CounterKey, str]]:
    """Return which values of these requests their counters, and those of members with limits, have seen already."""
    wanted = [(*each.counter, each.value) for each in requests]
    of_members = [each for each in requests if each.member_id is not None and each.terms and each.terms.per_member]
    wanted += [(*each.counter._replace(member_id=each.member_id or NOBODY), each.value) for each in of_members]
    cursor = await connection.execute(_SEEN_VALUES, columns(wanted), prepare=True, binary=True)
    return {(CounterKey(*row[:4]), row[4]) for row in await cursor.fetchall()}


async def insert_values(connection: Connection, values: Iterable[tuple[CounterKey, str]]) -> None:
    """Record values seen for the first time. Their counters are locked."""
    await connection.execute(_INSERT_VALUES, columns([(*key, value) for key, value in sorted(values)]), prepare=True)
