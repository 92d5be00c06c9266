"""Statements about meters, and about counters and events as pages, reports and checks read them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, case, cast, distinct, false, func, or_, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by, array_agg

from tollkeeper.infra import Tx
from tollkeeper.metering.model import NOBODY, Aggregation, CounterKey
from tollkeeper.metering.tables import METERS, USAGE_COUNTERS, USAGE_EVENTS

from .versions import counting


async def counters_of_periods(tx: Tx, keys: Sequence[CounterKey]) -> dict[CounterKey, int]:
    """Return what these counters stand at, for pages and reports; a counter nobody used yet is missing."""
    where = [
        (USAGE_COUNTERS.c.organization_id == key.organization_id)
        & (USAGE_COUNTERS.c.meter_id == key.meter_id)
        & (USAGE_COUNTERS.c.period_start == key.period_start)
        & (USAGE_COUNTERS.c.member_id == key.member_id)
        for key in keys
    ]
    rows = await tx.connection.execute(select(USAGE_COUNTERS).where(or_(false(), *where)))
    return {CounterKey(row.organization_id, row.meter_id, row.period_start, row.member_id): row.used for row in rows}


def _number(aggregation: Any) -> ColumnElement[int]:
    """Return what a group of events comes to by its meter's aggregation; the replay of what `rules.decide` keeps up."""
    event = USAGE_EVENTS.c
    subject = func.coalesce(event.corrects, event.id)
    by_time = aggregate_order_by(event.quantity, event.at.desc(), subject.desc())
    newest_first: Any = array_agg(by_time)  # type: ignore[no-untyped-call]
    number = case(
        (aggregation == Aggregation.COUNT.value, func.count()),
        (aggregation == Aggregation.MAX.value, func.max(event.quantity)),
        (aggregation == Aggregation.LATEST.value, newest_first[1]),
        (aggregation == Aggregation.UNIQUE.value, func.count(distinct(event.value))),
        else_=func.sum(event.quantity),
    )
    return cast(number, BigInteger)


async def replay(
    tx: Tx, organization_id: UUID, meter_id: int, period_start: datetime, *, recorded_before: UUID
) -> tuple[int, int]:
    """Return how many events a counter had when this id was made, and what they summed to, as corrected until then."""
    table = USAGE_EVENTS.c
    rows = await tx.connection.execute(
        select(func.count(), func.coalesce(func.sum(table.quantity), 0)).where(
            table.organization_id == organization_id,
            table.meter_id == meter_id,
            table.period_start == period_start,
            counting(recorded_before=recorded_before),
        )
    )
    count, total = rows.one()
    return int(count), int(total)


async def counters_that_disagree(tx: Tx) -> list[tuple[CounterKey, int, int]]:
    """Return the counters whose value is not what their events come to, with both numbers."""
    replayed = (
        select(
            USAGE_EVENTS.c.organization_id,
            USAGE_EVENTS.c.meter_id,
            USAGE_EVENTS.c.period_start,
            _number(METERS.c.aggregation).label("total"),
        )
        .join_from(USAGE_EVENTS, METERS, METERS.c.id == USAGE_EVENTS.c.meter_id)
        .where(counting())
        .group_by(
            USAGE_EVENTS.c.organization_id,
            USAGE_EVENTS.c.meter_id,
            USAGE_EVENTS.c.period_start,
            METERS.c.aggregation,
        )
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
        .where(counted.used != total, counted.member_id == NOBODY)
    )
    return [(CounterKey(*row[:3]), row[3], int(row[4])) for row in rows]


async def create_partition(tx: Tx, name: str, first: UUID, after: UUID) -> None:
    """Make sure the events of `[first, after)` have a partition of their own. `name` is ours, never a caller's."""
    await tx.connection.execute(
        text(f"create table if not exists {name} partition of usage_events for values from ('{first}') to ('{after}')")
    )
