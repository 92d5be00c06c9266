"""Reading usage over time: whole hours from their cells, what is not rolled up yet from the events, in one snapshot.

Hours that the span cuts, and hours that a correction touched since, are read from their events alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, text

from tollkeeper.infra import Tx
from tollkeeper.metering.model import Bucket, HistoryMovesError, HistoryPoint, TooMuchHistoryError
from tollkeeper.metering.tables import METERS, USAGE_DROPPED

from .rollups import CURSOR
from .tail import BEFORE_ALL, Position, horizon, read_cursor

MOST_POINTS = 50_000
"""More points than this are not answered: the memory of a worker is bounded."""
# What so many transactions recorded since the cells moved is found by transaction alone: going through the customer's
# events for it takes the longer the more there are. An index does not understand `is not distinct from`.
FEW_TRANSACTIONS = 20_000
# The cells move once a second at most, and for a moment only.
MOST_TRIES = 10

_AFTER = {
    True: "e.tx >= :tx and (e.tx, e.id) > (:tx, :event_id)",
    False: "(e.tx is not null or e.id > :event_id)",
}
_NOTHING_AFTER = "false"
# The planner knows nothing of the newest events: it would look for them from the oldest on.
_BY_INDEX = "select tx, event_id, set_config('enable_seqscan', 'off', true) from usage_cursors where name = :cursor"
_WAITING = """
select count(*), set_config('enable_seqscan', 'on', true) from (select from usage_events e where {after} limit :most) w
"""

# `position` tells whether the cells moved while we looked: then all is read anew.
_READ = """
with position as materialized (select tx, event_id from usage_cursors where name = :cursor),
tail as materialized (
    select e.id, e.at, e.quantity, e.value, e.properties, e.corrects, e.revision
    from usage_events e
    where e.organization_id {is} :organization and e.meter_id {is} :meter and {after}
), touched as (
    select date_trunc('hour', at, 'UTC') as hour from tail where corrects is not null
    union select date_trunc('hour', v.at, 'UTC') from tail t join usage_events v on v.id = t.corrects
    union select date_trunc('hour', v.at, 'UTC') from tail t join usage_events v on v.corrects = t.corrects
    union select date_trunc('hour', edge, 'UTC') from unnest(cast(:edges as timestamptz[])) as edge
), raw as materialized (
    select hour from touched where hour >= coalesce(cast(:dropped_until as timestamptz), '-infinity')
), found as (
    select h.hour as at, h.latest_at, h.latest_id as subject, h.used, h.events, v.value, h.dimensions
    from usage_hours h left join usage_hour_values v
        on v.organization_id = h.organization_id and v.meter_id = h.meter_id and v.hour = h.hour
            and v.dimensions_key = h.dimensions_key
    where h.organization_id = :organization and h.meter_id = :meter and h.hour >= :start and h.hour < :end
        and h.hour not in (select hour from raw)
    union all
    select e.at, e.at, e.id, e.quantity, 1, e.value, {dimensions}
    from tail e
    where e.corrects is null and e.at >= :start and e.at < :end
        and date_trunc('hour', e.at, 'UTC') not in (select hour from raw)
        and not exists (select from usage_events n where n.corrects = e.id)
    union all
    select e.at, e.at, coalesce(e.corrects, e.id), e.quantity, 1, e.value, {dimensions}
    from usage_events e join raw r on e.at >= r.hour and e.at < r.hour + interval '1 hour'
    where e.organization_id = :organization and e.meter_id = :meter and e.at >= :start and e.at < :end
        and e.voided is not true
        and not exists (select from usage_events n
            where n.corrects = coalesce(e.corrects, e.id) and n.revision > coalesce(e.revision, 0))
), points as (
    select date_trunc(:bucket, at, 'UTC') as point, {groups} as groups,
        case :aggregation
            when 'sum' then sum(used)
            when 'count' then sum(events)
            when 'max' then max(used)
            when 'unique' then count(distinct value)
            else (array_agg(used order by latest_at desc, subject desc) filter (where :aggregation = 'latest'))[1]
        end as used
    from found where {filters} group by 1, 2
)
select p.point, p.groups, cast(p.used as bigint), c.tx, c.event_id
from (select) as always left join position c on true left join points p on true
order by p.point, p.groups limit :most
"""


async def history(
    tx: Tx,
    organization_id: UUID,
    meter_id: int,
    *,
    start: datetime,
    end: datetime,
    bucket: Bucket,
    group_by: Sequence[str] = (),
    filters: Mapping[str, Sequence[str]] = MappingProxyType({}),
    only_rolled_up: bool = False,
) -> list[HistoryPoint]:
    """Return usage within `[start, end)` by bucket in UTC, oldest first; buckets without usage are left out.

    It is what was committed when asked, exactly; where the events were dropped, by whole hours: that of `start` is in,
    that of `end` is not. `group_by` and the keys of `filters` are paths of properties the
    meter's history can be split by; only events that have one of a filter's values are looked at.

    `only_rolled_up` leaves out what is not rolled up yet, and takes whole hours as where events were dropped: that is
    as quick however far behind rolling up is.

    Raises:
        TooMuchHistoryError: there would be more than `MOST_POINTS` points.
    """
    aggregation, dropped_until, newest = await _about(tx, meter_id)
    if only_rolled_up:
        start, end = _hour_of(start), _hour_of(end)
    elif dropped_until is not None:
        start, end = (_hour_of(each) if each < dropped_until else each for each in (start, end))
    edges = [each for each in (start, end) if each != _hour_of(each)]
    wanted = {
        "organization": organization_id,
        "meter": meter_id,
        "start": start,
        "end": end,
        "edges": edges,
        "bucket": bucket.value,
        "aggregation": aggregation,
        "dropped_until": dropped_until,
        "cursor": CURSOR,
        "most": MOST_POINTS + 1,
    }
    paths = {f"path_{n}": path for n, path in enumerate(dict.fromkeys((*group_by, *filters)))}
    allowed = {f"values_{name}": list(filters[path]) for name, path in paths.items() if path in filters}
    grouped = [name for name, path in paths.items() if path in group_by]
    for _ in range(MOST_TRIES):
        position = await read_cursor(tx, CURSOR) or BEFORE_ALL
        is_near = 0 < newest - position.tx < FEW_TRANSACTIONS
        after = _NOTHING_AFTER if only_rolled_up else _AFTER[position.tx > 0]
        query = text(_query(after, paths, grouped, allowed, is_near=is_near))
        at = {"tx": position.tx, "event_id": position.event_id}
        rows = (await tx.connection.execute(query, wanted | at | paths | allowed)).all()
        if Position(rows[0].tx or 0, rows[0].event_id or BEFORE_ALL.event_id) == position:
            break
    else:
        raise HistoryMovesError
    if len(rows) > MOST_POINTS:
        raise TooMuchHistoryError
    names = [paths[name] for name in grouped]
    return [_point(row, names) for row in rows if row.point is not None]


async def _about(tx: Tx, meter_id: int) -> tuple[str | None, datetime | None, int]:
    """Return how a meter counts, until when events were dropped, and up to which transaction all have ended."""
    gone = select(func.max(USAGE_DROPPED.c.until)).scalar_subquery()
    # A plan made for any position, customer and span is many times slower than one made for these.
    own_plan = func.set_config("plan_cache_mode", "force_custom_plan", True)
    about = select(METERS.c.aggregation, gone, horizon(), own_plan).where(METERS.c.id == meter_id)
    row = (await tx.connection.execute(about)).one_or_none()
    return (None, None, 0) if row is None else (row[0], row[1], row[2])


async def more_wait(tx: Tx, most: int) -> bool:
    """Tell whether more than `most` events, of everybody, wait to be rolled up."""
    row = (await tx.connection.execute(text(_BY_INDEX), {"cursor": CURSOR})).one_or_none()
    position = Position(row.tx, row.event_id) if row else BEFORE_ALL
    query = text(_WAITING.replace("{after}", _AFTER[position.tx > 0]))
    found = await tx.connection.execute(query, {"tx": position.tx, "event_id": position.event_id, "most": most + 1})
    return int(found.one()[0]) > most


def _hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _query(
    after: str, paths: Mapping[str, str], grouped: Sequence[str], allowed: Iterable[str], *, is_near: bool
) -> str:
    """Return the statement for these paths; they stand in it by the names of their parameters alone."""
    pairs = ", ".join(f"cast(:{name} as text), e.properties #>> string_to_array(:{name}, '.')" for name in paths)
    kept = " and ".join(f"dimensions ->> :{each.removeprefix('values_')} = any(:{each})" for each in allowed)
    parts = {
        "{after}": after,
        "{is}": "is not distinct from" if is_near else "=",
        "{dimensions}": f"jsonb_build_object({pairs})",
        "{groups}": f"jsonb_build_array({', '.join(f'dimensions ->> :{name}' for name in grouped)})",
        "{filters}": kept or "true",
    }
    query = _READ
    for name, words in parts.items():
        query = query.replace(name, words)
    return query


def _point(row: Row[Any], names: Sequence[str]) -> HistoryPoint:
    return HistoryPoint(row.point, int(row.used), dict(zip(names, row.groups, strict=True)))
