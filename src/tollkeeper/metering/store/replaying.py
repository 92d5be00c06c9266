"""Statements that reckon counters and hours anew from the events, and say which are not what they should be.

Each looks at a bounded number of meters of organizations in one snapshot, and locks nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from sqlalchemy import text

from tollkeeper.infra import Tx
from tollkeeper.metering.model import NOBODY, CounterKey
from tollkeeper.metering.rules import WINDOW_STARTS

from .retention import dropped_until
from .rollups import CURSOR

Pair: TypeAlias = tuple[UUID, int]
"""An organization and a meter."""

_UNHURRIED = text("set local statement_timeout = '15min'")

# Of each table the next ones, found by stepping over its index: nobody has to look at every event.
_STEPS = """
select organization_id, meter_id from (
    with recursive step as (
        (select organization_id, meter_id from {table}
            where (organization_id, meter_id) > (:organization, :meter) order by 1, 2 limit 1)
        union all
        select next.* from step, lateral (
            select organization_id, meter_id from {table}
            where (organization_id, meter_id) > (step.organization_id, step.meter_id) order by 1, 2 limit 1) as next
    )
    select * from step limit :most
) as of_{table}
"""
_NEXT = text(
    " union ".join(_STEPS.replace("{table}", each) for each in ("usage_events", "usage_counters", "usage_hours"))
    + " order by 1, 2 limit :most"
)

_PAIRS = """
with pairs as (
    select organization_id, meter_id, aggregation
    from unnest(cast(:organizations as uuid[]), cast(:meters as smallint[])) as wanted (organization_id, meter_id)
        join meters m on m.id = wanted.meter_id
)"""

_NUMBER = """case aggregation
            when 'count' then count(*)
            when 'max' then max(quantity)
            when 'unique' then count(distinct value) filter (where aggregation = 'unique')
            when 'latest' then (array_agg(quantity order by at desc, coalesce(corrects, id) desc)
                filter (where aggregation = 'latest'))[1]
            else sum(quantity)
        end"""

_COUNTS = """e.voided is not true and not exists (
            select from usage_events n
            where n.corrects = coalesce(e.corrects, e.id) and n.revision > coalesce(e.revision, 0) {until})"""

# A member's own counter is there only where members have limits; a rolling window's holds events of every period.
_COUNTERS = text(
    """{pairs}, counted as (
    select c.organization_id, c.meter_id, c.period_start, c.member_id, c.since, c.used
    from usage_counters c join pairs using (organization_id, meter_id)
), replayed as (
    select e.organization_id, e.meter_id, e.period_start,
        case when grouping(e.member_id) = 1 then :nobody else e.member_id end as member_id, {number} as used
    from usage_events e join pairs using (organization_id, meter_id)
    where {counts}
    group by grouping sets (
        (e.organization_id, e.meter_id, e.period_start, aggregation),
        (e.organization_id, e.meter_id, e.period_start, aggregation, e.member_id))
    having grouping(e.member_id) = 1 or e.member_id <> :nobody
), compared as (
    select organization_id, meter_id, period_start, member_id, coalesce(c.used, 0) as used,
        coalesce(r.used, 0) as replayed, c.used is null as is_missing
    from (select * from counted where since is null) c
        full join replayed r using (organization_id, meter_id, period_start, member_id)
    where period_start >= :kept_since
    union all
    select c.organization_id, c.meter_id, c.period_start, c.member_id, c.used, coalesce((
        select {number}
        from usage_events e join pairs p using (organization_id, meter_id)
        where e.organization_id = c.organization_id and e.meter_id = c.meter_id and e.at > c.since
            and (c.member_id = :nobody or e.member_id = c.member_id) and {counts}
        group by aggregation
    ), 0), false
    from counted c where c.since >= :kept_since
)
select organization_id, meter_id, period_start, member_id, cast(used as bigint), cast(replayed as bigint)
from compared
where used <> replayed
    and not (is_missing and (member_id <> :nobody or (period_start > :windows_from and period_start <= :windows_until)))
order by 1, 2, 3, 4 limit :most
""".replace("{pairs}", _PAIRS)
    .replace("{number}", _NUMBER)
    .replace("{counts}", _COUNTS.replace("{until}", ""))
)

_BEFORE = """((p.tx > 0 and ({row}.tx is null or ({row}.tx, {row}.id) <= (p.tx, p.event_id)))
        or (p.tx = 0 and {row}.tx is null and {row}.id <= p.event_id))"""

_HOURS = text(
    """{pairs}, p as materialized (select tx, event_id from usage_cursors where name = :cursor
), replayed as (
    select e.organization_id, e.meter_id, date_trunc('hour', e.at, 'UTC') as hour, {number} as used
    from usage_events e join pairs using (organization_id, meter_id) cross join p
    where e.at >= :kept_since and {before} and {counts}
    group by e.organization_id, e.meter_id, hour, aggregation
), cells as (
    select h.organization_id, h.meter_id, h.hour, case aggregation
            when 'count' then sum(h.events)
            when 'max' then max(h.used)
            when 'latest' then (array_agg(h.used order by h.latest_at desc, h.latest_id desc))[1]
            when 'unique' then (select count(distinct v.value) from usage_hour_values v
                where (v.organization_id, v.meter_id, v.hour) = (h.organization_id, h.meter_id, h.hour))
            else sum(h.used)
        end as used
    from usage_hours h join pairs using (organization_id, meter_id)
    where h.hour >= :kept_since
    group by h.organization_id, h.meter_id, h.hour, aggregation
)
select organization_id, meter_id, hour, cast(coalesce(c.used, 0) as bigint), cast(coalesce(r.used, 0) as bigint)
from cells c full join replayed r using (organization_id, meter_id, hour)
where c.used is distinct from r.used
order by 1, 2, 3 limit :most
""".replace("{pairs}", _PAIRS)
    .replace("{number}", _NUMBER)
    .replace("{before}", _BEFORE.replace("{row}", "e"))
    .replace("{counts}", _COUNTS.replace("{until}", "and " + _BEFORE.replace("{row}", "n")))
)

_UNCHECKED = text(
    _PAIRS
    + """
select count(*) from usage_counters c join pairs using (organization_id, meter_id)
where coalesce(c.since, c.period_start) < :kept_since
"""
)

_LONG_AGO = datetime.fromisoformat("0001-01-02T00:00:00+00:00")


class CounterThatLies(NamedTuple):
    """A counter, what it stands at, and what its events come to."""

    key: CounterKey
    used: int
    replayed: int


class HourThatLies(NamedTuple):
    """An hour of a meter, what it was rolled up to, and what its events come to that were."""

    organization_id: UUID
    meter_id: int
    hour: datetime
    used: int
    replayed: int


async def next_pairs(tx: Tx, after: Pair, *, most: int) -> list[Pair]:
    """Return the next pairs, by id, that have any counter, hour or event."""
    await tx.connection.execute(_UNHURRIED)
    wanted = {"organization": after[0], "meter": after[1], "most": most}
    return [(row[0], row[1]) for row in await tx.connection.execute(_NEXT, wanted)]


async def counters_that_lie(tx: Tx, pairs: Sequence[Pair], *, most: int) -> list[CounterThatLies]:
    """Return counters of these pairs, up to `most`, that are not what their events come to.

    What began before the events that are kept cannot be told.
    """
    rows = await tx.connection.execute(_COUNTERS, await _wanted(tx, pairs) | {"most": most})
    return [CounterThatLies(CounterKey(*row[:4]), row[4], row[5]) for row in rows]


async def hours_that_lie(tx: Tx, pairs: Sequence[Pair], *, most: int) -> list[HourThatLies]:
    """Return hours of these pairs, up to `most`, that are not what their events come to that were rolled up."""
    wanted = await _wanted(tx, pairs) | {"most": most, "cursor": CURSOR}
    return [HourThatLies(*row) for row in await tx.connection.execute(_HOURS, wanted)]


async def unchecked_counters(tx: Tx, pairs: Sequence[Pair]) -> int:
    """Return how many counters of these pairs began before the events that are kept."""
    found: int = (await tx.connection.execute(_UNCHECKED, await _wanted(tx, pairs))).scalar_one()
    return found


async def _wanted(tx: Tx, pairs: Sequence[Pair]) -> dict[str, Any]:
    return {
        "organizations": [organization_id for organization_id, _ in pairs],
        "meters": [meter_id for _, meter_id in pairs],
        "kept_since": await dropped_until(tx) or _LONG_AGO,
        "nobody": NOBODY,
        "windows_from": WINDOW_STARTS[0],
        "windows_until": WINDOW_STARTS[1],
    }
