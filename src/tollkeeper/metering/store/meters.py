"""Statements about meters."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from tollkeeper.infra import Tx
from tollkeeper.metering.model import Aggregation, Meter
from tollkeeper.metering.tables import METERS


async def list_meters(tx: Tx) -> list[Meter]:
    """Return every meter, by key."""
    rows = await tx.connection.execute(select(METERS).order_by(METERS.c.key))
    return [_meter(row) for row in rows.mappings()]


async def insert_meter(tx: Tx, meter: Meter) -> Meter:
    """Add a meter, under an id of its own, unless its key exists; return the one that stands under the key."""
    values = {
        "key": meter.key,
        "event_type": meter.event_type,
        "aggregation": meter.aggregation.value,
        "unit": meter.unit,
        "value": meter.value,
        "group_by": list(meter.group_by),
        "filters": {path: list(values) for path, values in meter.filters.items()},
    }
    await tx.connection.execute(insert(METERS).values(values).on_conflict_do_nothing(index_elements=["key"]))
    row = (await tx.connection.execute(select(METERS).where(METERS.c.key == meter.key))).mappings().one()
    return _meter(row)


async def regroup_meter(tx: Tx, key: str, group_by: Sequence[str]) -> Meter:
    """Set what a meter's history can be split by."""
    changed = update(METERS).where(METERS.c.key == key).values(group_by=list(group_by)).returning(METERS)
    return _meter((await tx.connection.execute(changed)).mappings().one())


def _meter(row: Any) -> Meter:
    return Meter(
        row["id"],
        row["key"],
        row["event_type"],
        Aggregation(row["aggregation"]),
        row["unit"],
        row["value"],
        tuple(row["group_by"]),
        {path: tuple(values) for path, values in row["filters"].items()},
    )
