"""Statements about meters, and about counters and events as pages, reports and checks read them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import false, func, or_, select

from tollkeeper.infra import Tx
from tollkeeper.metering.model import NOBODY, CounterKey, HistoryPoint
from tollkeeper.metering.tables import USAGE_COUNTERS, USAGE_EVENTS

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


async def used_by_periods(
    tx: Tx, organization_id: UUID, meter_id: int, *, start: datetime, end: datetime
) -> list[HistoryPoint]:
    """Return what each fixed period came to that holds `start` or began after it and before `end`, oldest first."""
    counter = USAGE_COUNTERS.c
    of = (
        counter.organization_id == organization_id,
        counter.meter_id == meter_id,
        counter.member_id == NOBODY,
        counter.since.is_(None),
    )
    first = select(func.max(counter.period_start)).where(*of, counter.period_start <= start).scalar_subquery()
    within = (counter.period_start >= func.coalesce(first, start), counter.period_start < end)
    rows = await tx.connection.execute(
        select(counter.period_start, counter.used).where(*of, *within).order_by(counter.period_start)
    )
    return [HistoryPoint(row.period_start, row.used) for row in rows]


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


async def create_partition(tx: Tx, name: str, first: UUID, after: UUID) -> None:
    """Make sure the events of `[first, after)` have a partition of their own. The owner of the tables makes it."""
    await tx.connection.execute(select(func.tollkeeper_make_month(name, first, after)))
