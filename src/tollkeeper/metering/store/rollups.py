"""Statements that keep usage by the hour: cells of organization, meter, hour and dimensions.

A cell is what the events of its hour come to by the meter's aggregation, as far as the cursor `rollups` has come.
Events that correct nothing are added to their cells. A correction makes its hours be reckoned anew from their events,
since nothing can be taken out of a maximum; corrections are few.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select, text

from tollkeeper.infra import Tx

from .retention import dropped_until
from .tail import Span

CURSOR = "rollups"
"""The reader of events that keeps the cells."""

_IN_ORDER = """e.tx between :start_tx and :end_tx
    and (e.tx, e.id) > (:start_tx, :start_id) and (e.tx, e.id) <= (:end_tx, :end_id)"""
_FROM_BEFORE = "e.tx is null and e.id > :start_id and e.id <= :end_id"

_DIMENSIONS = """case when m.group_by = '[]' then '{}'::jsonb else (
        select jsonb_object_agg(path, e.properties #>> string_to_array(path, '.'))
        from jsonb_array_elements_text(m.group_by) as path) end"""

_CELLS = """, cells as (
    select organization_id, meter_id, hour, md5(dimensions::text)::uuid as dimensions_key, dimensions, aggregation,
        count(*) as events,
        case aggregation when 'sum' then sum(quantity) when 'max' then max(quantity) else count(*) end as used
    from counted group by organization_id, meter_id, hour, dimensions, aggregation
), newest as (
    select distinct on (organization_id, meter_id, hour, dimensions) organization_id, meter_id, hour,
        md5(dimensions::text)::uuid as dimensions_key, quantity, at, subject
    from counted where aggregation = 'latest'
    order by organization_id, meter_id, hour, dimensions, at desc, subject desc
), seen as (
    insert into usage_hour_values (organization_id, meter_id, hour, dimensions_key, value)
    select distinct organization_id, meter_id, hour, md5(dimensions::text)::uuid, value
    from counted where aggregation = 'unique' and value is not null
    on conflict do nothing
)
insert into usage_hours as had
    (organization_id, meter_id, hour, dimensions_key, dimensions, events, used, latest_at, latest_id)
select organization_id, meter_id, hour, dimensions_key, dimensions, events, coalesce(newest.quantity, used),
    newest.at, newest.subject
from cells left join newest using (organization_id, meter_id, hour, dimensions_key)
on conflict (organization_id, meter_id, hour, dimensions_key) do update set
    events = had.events + excluded.events,
    used = case (select aggregation from meters where id = had.meter_id)
        when 'max' then greatest(had.used, excluded.used)
        when 'latest' then case when (excluded.latest_at, excluded.latest_id) > (had.latest_at, had.latest_id)
            then excluded.used else had.used end
        else had.used + excluded.used
    end,
    latest_id = case when (excluded.latest_at, excluded.latest_id) > (had.latest_at, had.latest_id)
        then excluded.latest_id else had.latest_id end,
    latest_at = greatest(had.latest_at, excluded.latest_at)
"""

_COUNTED = """
with found as materialized (
    select e.organization_id, e.meter_id, e.id, e.at, e.quantity, e.value, e.properties, e.corrects, e.revision
    from usage_events e {hours} where {which}
), corrections as materialized (
    select n.corrects, n.revision from usage_events n
    where n.corrects between (select id from found order by id limit 1)
        and (select id from found order by id desc limit 1) and (n.tx, n.id) <= (:end_tx, :end_id)
), counted as materialized (
    select e.organization_id, e.meter_id, date_trunc('hour', e.at, 'UTC') as hour, m.aggregation, e.quantity, e.value,
        e.at, coalesce(e.corrects, e.id) as subject, {dimensions} as dimensions
    from found e join meters m on m.id = e.meter_id
    where not {superseded}
)"""

# Transactions see what others committed after they had their number, so a correction may stand before its event.
# Corrections are few: those of a span's events are looked for at once, not event by event.
_CORRECTED = "e.id in (select corrects from corrections)"
_SUPERSEDED = """exists (
        select from usage_events n
        where n.corrects = coalesce(e.corrects, e.id) and n.revision > coalesce(e.revision, 0)
            and (n.tx, n.id) <= (:end_tx, :end_id))"""


def _counted(which: str, hours: str = "", superseded: str = _CORRECTED) -> str:
    head = _COUNTED.replace("{dimensions}", _DIMENSIONS).replace("{superseded}", superseded)
    return head.replace("{which}", which).replace("{hours}", hours) + _CELLS


_ADD = text(_counted(f"e.corrects is null and {_IN_ORDER}"))
_ADD_FROM_BEFORE = text(_counted(f"e.corrects is null and {_FROM_BEFORE}"))

_HOURS = """join unnest(:organizations, :meters, :hours) as touched (organization_id, meter_id, hour)
        on e.organization_id = touched.organization_id and e.meter_id = touched.meter_id
            and e.at >= touched.hour and e.at < touched.hour + interval '1 hour'"""
_ANEW = text(
    _counted(
        "e.voided is not true and (e.tx is null or (e.tx, e.id) <= (:end_tx, :end_id))", _HOURS, _SUPERSEDED
    ).replace(
        "unnest(:organizations, :meters, :hours)",
        "unnest(cast(:organizations as uuid[]), cast(:meters as smallint[]), cast(:hours as timestamptz[]))",
    )
)

_TOUCHED = text(
    """
select distinct v.organization_id, v.meter_id, date_trunc('hour', v.at, 'UTC')
from usage_events e join lateral (
    select e.organization_id, e.meter_id, e.at
    union all
    select o.organization_id, o.meter_id, o.at from usage_events o where o.id = e.corrects
    union all
    select o.organization_id, o.meter_id, o.at from usage_events o where o.corrects = e.corrects
) v on true
where e.corrects is not null and {which}
""".replace("{which}", _IN_ORDER)
)

_FORGET = """
delete from {table} using unnest(cast(:organizations as uuid[]), cast(:meters as smallint[]),
    cast(:hours as timestamptz[])) as touched (organization_id, meter_id, hour)
where ({table}.organization_id, {table}.meter_id, {table}.hour)
    = (touched.organization_id, touched.meter_id, touched.hour)
"""
_FORGETS = [text(_FORGET.replace("{table}", table)) for table in ("usage_hours", "usage_hour_values")]

# The planner knows nothing yet of the newest events and takes them for a handful, which are sorted and compared with
# each other; thousands are grouped and found by hash.
_BY_HASH = text("select set_config('enable_sort', :other, true), set_config('enable_nestloop', :other, true)")


class Hour(NamedTuple):
    """One hour of one meter of one organization; all its cells."""

    organization_id: UUID
    meter_id: int
    start: datetime


async def roll(tx: Tx, span: Span) -> None:
    """Bring the cells from the span's start to its end."""
    bounds = _bounds(span)
    await tx.connection.execute(_BY_HASH, {"other": "off"})
    await tx.connection.execute(_ADD if span.end.tx else _ADD_FROM_BEFORE, bounds)
    await tx.connection.execute(_BY_HASH, {"other": "on"})
    if span.end.tx == 0:
        return
    touched = [Hour(*row) for row in await tx.connection.execute(_TOUCHED, bounds)]
    if touched and (until := await dropped_until(tx)):
        touched = [each for each in touched if each.start >= until]  # others have lost their events
    if touched:
        await reckon_anew(tx, touched, span)


async def reckon_anew(tx: Tx, hours: Sequence[Hour], span: Span) -> None:
    """Make the cells of these hours what their events up to the span's end come to."""
    where: dict[str, Any] = {
        "organizations": [each.organization_id for each in hours],
        "meters": [each.meter_id for each in hours],
        "hours": [each.start for each in hours],
    }
    for forget in _FORGETS:
        await tx.connection.execute(forget, where)
    await tx.connection.execute(_ANEW, where | {"end_tx": span.end.tx, "end_id": span.end.event_id})


async def summarize(tx: Tx, partition: str) -> None:
    """Bring the index by transaction of a partition up to its newest events; PostgreSQL does so only now and then.

    What it does not cover is looked through row by row by whoever asks for what is not rolled up yet.
    """
    await tx.connection.execute(select(func.tollkeeper_summarize_month(partition)))


def _bounds(span: Span) -> dict[str, Any]:
    start, end = span.start, span.end
    return {"start_tx": start.tx, "start_id": start.event_id, "end_tx": end.tx, "end_id": end.event_id}
