"""Statements about what bears on counters beside their limits: windows that roll, members, credits.

On the driver's own connection, the counters locked. Only few counters have any of it, so one at a time is asked about.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from tollkeeper.metering.model import NOBODY, Aggregation, CounterKey, Standing

from .counters import Connection, columns

_COUNTS = """
    e.voided is not true and not exists (
        select 1 from usage_events later
        where later.corrects = coalesce(e.corrects, e.id) and later.revision > coalesce(e.revision, 0)
    )
"""
"""Of an event and its corrections the newest counts, unless it voids the event; as `versions.counting` says it."""

_NUMBER = {
    Aggregation.SUM: "sum(e.quantity)",
    Aggregation.COUNT: "count(*)",
    Aggregation.MAX: "max(e.quantity)",
    Aggregation.LATEST: "(array_agg(e.quantity order by e.at desc, coalesce(e.corrects, e.id) desc))[1]",
    Aggregation.UNIQUE: "count(distinct e.value)",
}

_AGGREGATION = "select aggregation from meters where id = %b"

_WITHIN = f"""
select coalesce(case (select aggregation from meters where id = %b) when 'count' then count(*) else sum(quantity) end,
    0)::bigint
from usage_events e
where organization_id = %b and meter_id = %b and at > %b and at <= %b and (%b = '{NOBODY}'::uuid or member_id = %b)
    and {_COUNTS}
"""  # noqa: S608 - our own words

_HELD = f"""
select coalesce(sum(held), 0)::bigint from usage_reservations
where organization_id = %b and meter_id = %b and period_start = %b and state = 'held'
    and (%b = '{NOBODY}'::uuid or member_id = %b)
"""  # noqa: S608 - our own words

_WRITE = """
update usage_counters set used = moved.used, reserved = moved.reserved, since = moved.since, carried = moved.carried,
    credited = moved.credited, topped = moved.topped, by_member = moved.by_member, rolled = moved.rolled
from unnest(%b::uuid[], %b::smallint[], %b::timestamptz[], %b::uuid[], %b::bigint[], %b::bigint[], %b::timestamptz[],
        %b::bigint[], %b::bigint[], %b::bigint[], %b::bool[], %b::bool[])
    as moved (organization_id, meter_id, period_start, member_id, used, reserved, since, carried, credited, topped,
        by_member, rolled)
where (usage_counters.organization_id, usage_counters.meter_id, usage_counters.period_start, usage_counters.member_id)
    = (moved.organization_id, moved.meter_id, moved.period_start, moved.member_id)
"""

_DROP_WINDOWS = """
delete from usage_counters using unnest(%b::uuid[], %b::smallint[], %b::timestamptz[])
    as moved (organization_id, meter_id, period_start)
where usage_counters.organization_id = moved.organization_id and usage_counters.meter_id = moved.meter_id
    and usage_counters.period_start > %b and usage_counters.period_start <= %b
    and usage_counters.period_start <> moved.period_start
"""

_MARK_ROLLED = f"""
update usage_counters set rolled = true
where organization_id = %b and meter_id = %b and period_start <> %b and member_id = '{NOBODY}' and not rolled
"""  # noqa: S608 - our own words

_DROP_MEMBERS = f"""
delete from usage_counters
where organization_id = %b and meter_id = %b and period_start = %b and member_id <> '{NOBODY}'
"""  # noqa: S608 - our own words

_DROP_MEMBERS_VALUES = _DROP_MEMBERS.replace("usage_counters", "usage_values")

_MEMBERS = """
insert into usage_counters (organization_id, meter_id, period_start, member_id, used, latest_at, since)
select organization_id, meter_id, %b, member_id, {number}, max(at), %b
from usage_events e
where organization_id = %b and meter_id = %b and member_id <> '{nobody}' and {within} and {counts}
group by organization_id, meter_id, member_id
"""

_MEMBERS_VALUES = f"""
insert into usage_values (organization_id, meter_id, period_start, member_id, value)
select distinct organization_id, meter_id, period_start, member_id, value
from usage_events e
where organization_id = %b and meter_id = %b and member_id <> '{NOBODY}' and value is not null and at >= %b
    and period_start = %b and {_COUNTS}
"""  # noqa: S608 - our own words

_MEMBERS_HELD = f"""
insert into usage_counters as counter (organization_id, meter_id, period_start, member_id, reserved, since)
select organization_id, meter_id, period_start, member_id, sum(held), %b from usage_reservations
where organization_id = %b and meter_id = %b and period_start = %b and state = 'held' and member_id <> '{NOBODY}'
group by organization_id, meter_id, period_start, member_id
on conflict (organization_id, meter_id, period_start, member_id) do update set reserved = excluded.reserved
"""  # noqa: S608 - our own words

_VIEW = """
select organization_id, meter_id, period_start, member_id, used, reserved, told, told_limit, latest_at, since, carried,
    credited, topped, by_member, rolled
from usage_counters join unnest(%b::uuid[], %b::smallint[], %b::timestamptz[], %b::uuid[])
    as wanted (organization_id, meter_id, period_start, member_id)
    using (organization_id, meter_id, period_start, member_id)
"""

_PREVIOUS = f"""
select used, reserved, told, told_limit, latest_at, since, carried, credited, topped, by_member, rolled
from usage_counters
where organization_id = %b and meter_id = %b and period_start >= %b and period_start < %b and member_id = '{NOBODY}'
order by period_start desc limit 1
"""  # noqa: S608 - our own words

_BY_MEMBERS = """
select member_id, {number}, max(at)
from usage_events e
where organization_id = %b and meter_id = %b and member_id <> '{nobody}' and (%b::uuid is null or member_id = %b)
    and {within} and {counts}
group by member_id order by 2 desc, 1 limit %b
"""

_OPEN_GRANTS = """
select organization_id, meter_id, id, amount - used
from usage_grants join unnest(%b::uuid[], %b::smallint[]) as wanted (organization_id, meter_id)
    using (organization_id, meter_id)
where used < amount and voided_at is null and (expires_at is null or expires_at > %b)
order by organization_id, meter_id, expires_at nulls last, id
"""

_DRAW = """
update usage_grants set used = used + drawn.amount
from unnest(%b::uuid[], %b::bigint[]) as drawn (id, amount) where usage_grants.id = drawn.id
"""


async def used_within(connection: Connection, key: CounterKey, after: datetime, until: datetime) -> int:
    """Return what the counter's events come to that happened in `(after, until]`, whichever period they counted in."""
    own = (key.member_id, key.member_id)
    wanted = (key.meter_id, key.organization_id, key.meter_id, after, until, *own)
    cursor = await connection.execute(_WITHIN, wanted, prepare=True, binary=True)
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def held_by(connection: Connection, key: CounterKey) -> int:
    """Return what open reservations of the counter hold."""
    cursor = await connection.execute(_HELD, (*key, key.member_id), prepare=True, binary=True)
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def write_further(connection: Connection, standing: Mapping[CounterKey, Standing]) -> None:
    """Set locked counters to what they stand at now, but for what thresholds were told and for gauges."""
    rows = [(*key, *each[:2], *each[5:]) for key, each in sorted(standing.items())]
    await connection.execute(_WRITE, columns(rows), prepare=True)


async def view_counters(connection: Connection, keys: Sequence[CounterKey]) -> dict[CounterKey, Standing]:
    """Return all of what these counters stand at, without locking; a counter nobody used yet is missing."""
    cursor = await connection.execute(_VIEW, columns(keys), prepare=True, binary=True)
    return {CounterKey(*row[:4]): Standing(*row[4:]) for row in await cursor.fetchall()}


async def previous(connection: Connection, key: CounterKey, earliest: datetime, *, lock: bool) -> Standing | None:
    """Return what the counter before this one stands at, the latest that began at `earliest` or later; None: none."""
    query = _PREVIOUS + ("for no key update" if lock else "")
    wanted = (key.organization_id, key.meter_id, earliest, key.period_start)
    cursor = await connection.execute(query.encode(), wanted, prepare=True, binary=True)
    row = await cursor.fetchone()
    return Standing(*row) if row else None


async def used_by_members(
    connection: Connection,
    key: CounterKey,
    *,
    since: datetime | None = None,
    only: UUID | None = None,
    most: int = 1,
) -> list[tuple[UUID, int, datetime]]:
    """Return who used how much in a counter's period, or since a moment, and when last; the most first."""
    number = await _number_of(connection, key.meter_id)
    within = "at > %b" if since is not None else "at >= %b and period_start = %b"
    bounds = (since,) if since is not None else (key.period_start, key.period_start)
    query = _BY_MEMBERS.format(number=number[1], within=within, counts=_COUNTS, nobody=NOBODY)
    wanted = (key.organization_id, key.meter_id, only, only, *bounds, most)
    cursor = await connection.execute(query.encode(), wanted, prepare=True, binary=True)
    return [(row[0], int(row[1]), row[2]) for row in await cursor.fetchall()]


async def _number_of(connection: Connection, meter_id: int) -> tuple[Aggregation, str]:
    cursor = await connection.execute(_AGGREGATION, (meter_id,), prepare=True)
    row = await cursor.fetchone()
    aggregation = Aggregation(row[0]) if row else Aggregation.SUM
    return aggregation, _NUMBER[aggregation]


async def drop_windows(connection: Connection, keys: Sequence[CounterKey], bounds: tuple[datetime, datetime]) -> None:
    """Remove the rolling counters of these counters' meters but for themselves: they no longer hold every event."""
    await connection.execute(_DROP_WINDOWS, [*columns([key[:3] for key in keys]), *bounds], prepare=True)


async def mark_rolled(connection: Connection, key: CounterKey) -> None:
    """Lock the other counters of a rolling one's meter, and note that it holds their events."""
    await connection.execute(_MARK_ROLLED, key[:3], prepare=True)


async def drop_members(connection: Connection, key: CounterKey) -> None:
    """Remove the members' counters beside this one."""
    await connection.execute(_DROP_MEMBERS, key[:3], prepare=True)
    await connection.execute(_DROP_MEMBERS_VALUES, key[:3], prepare=True)


async def make_members(connection: Connection, key: CounterKey, since: datetime | None) -> None:
    """Make the members' counters beside this one of their events; `since`: of a rolling one, None for a period's."""
    await drop_members(connection, key)
    aggregation, number = await _number_of(connection, key.meter_id)
    within = "at > %b" if since is not None else "at >= %b and period_start = %b"
    bounds = (since,) if since is not None else (key.period_start, key.period_start)
    made = _MEMBERS.format(number=number, within=within, counts=_COUNTS, nobody=NOBODY)
    wanted: Sequence[Any] = (key.period_start, since, key.organization_id, key.meter_id, *bounds)
    await connection.execute(made.encode(), wanted, prepare=True)
    if aggregation is Aggregation.UNIQUE:
        values = (key.organization_id, key.meter_id, key.period_start, key.period_start)
        await connection.execute(_MEMBERS_VALUES, values, prepare=True)
    await connection.execute(_MEMBERS_HELD, (since, *key[:3]), prepare=True)


async def open_grants(
    connection: Connection, of: Sequence[tuple[UUID, int]], now: datetime, *, lock: bool
) -> dict[tuple[UUID, int], list[tuple[UUID, int]]]:
    """Return what open grants of these organizations and meters have left, in the order they are drawn from."""
    query = _OPEN_GRANTS + ("for no key update of usage_grants" if lock else "")
    cursor = await connection.execute(query.encode(), [*columns(of), now], prepare=True, binary=True)
    found: dict[tuple[UUID, int], list[tuple[UUID, int]]] = {}
    for organization_id, meter_id, grant_id, left in await cursor.fetchall():
        found.setdefault((organization_id, meter_id), []).append((grant_id, left))
    return found


async def draw(connection: Connection, drawn: Mapping[UUID, int]) -> None:
    """Note how much was drawn from which grant. They are locked."""
    await connection.execute(_DRAW, columns(sorted(drawn.items())), prepare=True)
