"""Statements about counters, on the driver's own connection: one statement moves a whole batch, whatever its size."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg

from tollkeeper.metering.model import CounterKey, Standing

Connection = psycopg.AsyncConnection[Any]

_CREATE = """
insert into usage_counters (organization_id, meter_id, period_start, member_id, topped)
select fresh.*, coalesce((
    select sum(amount - used) from usage_grants
    where organization_id = fresh.organization_id and meter_id = fresh.meter_id and used < amount
        and voided_at is null and (expires_at is null or expires_at > %b)
), 0)
from unnest(%b::uuid[], %b::smallint[], %b::timestamptz[], %b::uuid[])
    as fresh (organization_id, meter_id, period_start, member_id)
on conflict do nothing
returning organization_id, meter_id, period_start, member_id
"""
"""Rows arrive in locking order, so that two batches creating the same counters wait instead of deadlocking."""

_LOCK = """
select organization_id, meter_id, period_start, member_id, used, reserved, told, told_limit, latest_at, since, carried,
    credited, topped, by_member, rolled
from usage_counters join unnest(%b::uuid[], %b::smallint[], %b::timestamptz[], %b::uuid[])
    as wanted (organization_id, meter_id, period_start, member_id)
    using (organization_id, meter_id, period_start, member_id)
order by organization_id, meter_id, period_start, member_id
for no key update of usage_counters
"""

_READ = """
select organization_id, meter_id, period_start, member_id, used, reserved
from usage_counters join unnest(%b::uuid[], %b::smallint[], %b::timestamptz[], %b::uuid[])
    as wanted (organization_id, meter_id, period_start, member_id)
    using (organization_id, meter_id, period_start, member_id)
"""

_WRITE = """
update usage_counters set used = moved.used, reserved = moved.reserved, told = moved.told,
    told_limit = moved.told_limit, latest_at = moved.latest_at
from unnest(%b::uuid[], %b::smallint[], %b::timestamptz[], %b::uuid[], %b::bigint[], %b::bigint[], %b::smallint[],
        %b::bigint[], %b::timestamptz[])
    as moved (organization_id, meter_id, period_start, member_id, used, reserved, told, told_limit, latest_at)
where (usage_counters.organization_id, usage_counters.meter_id, usage_counters.period_start, usage_counters.member_id)
    = (moved.organization_id, moved.meter_id, moved.period_start, moved.member_id)
"""


def columns(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Turn rows into one list a column."""
    return [list(column) for column in zip(*rows, strict=True)]


async def create_counters(connection: Connection, keys: Sequence[CounterKey], now: datetime) -> set[CounterKey]:
    """Make sure these counters exist, at zero when new; return the new ones. `keys` must be sorted."""
    cursor = await connection.execute(_CREATE, [now, *columns(keys)], prepare=True, binary=True)
    return {CounterKey(*row) for row in await cursor.fetchall()}


async def lock_counters(connection: Connection, keys: Sequence[CounterKey]) -> dict[CounterKey, Standing]:
    """Lock these counters until the transaction ends, in key order, and return what each stands at."""
    cursor = await connection.execute(_LOCK, columns(keys), prepare=True, binary=True)
    return {CounterKey(*row[:4]): Standing(*row[4:]) for row in await cursor.fetchall()}


async def read_counters(connection: Connection, keys: Sequence[CounterKey]) -> dict[CounterKey, Standing]:
    """Return what these counters stand at, without locking; a counter nobody used yet is missing.

    Only `used` and `reserved` are filled in.
    """
    cursor = await connection.execute(_READ, columns(keys), prepare=True, binary=True)
    return {CounterKey(*row[:4]): Standing(*row[4:]) for row in await cursor.fetchall()}


async def write_counters(connection: Connection, standing: Mapping[CounterKey, Standing]) -> None:
    """Set locked counters to what they stand at now."""
    await connection.execute(_WRITE, columns([(*key, *now[:5]) for key, now in standing.items()]), prepare=True)
