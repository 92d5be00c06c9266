"""Every SQL statement of rolling keys, over whichever column is sealed."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, RowMapping, and_, select, text, tuple_, update

from tollkeeper.infra.runtime import Tx

_JOBS = text("select args::text from procrastinate_jobs where status in ('todo', 'doing') and args::text like '%eyJ%'")


async def piece(tx: Tx, column: Column[Any], after: tuple[Any, ...] | None, *, most: int) -> Sequence[RowMapping]:
    """Return the next rows, in the order of their keys, that hold a sealed value."""
    table = column.table
    query = select(table).where(column.is_not(None), column != "").order_by(*table.primary_key).limit(most)
    if after is not None:
        query = query.where(tuple_(*table.primary_key) > after)
    return (await tx.connection.execute(query)).mappings().all()


async def replace(tx: Tx, column: Column[Any], row: RowMapping, fresh: str) -> int:
    """Write a value sealed anew, unless it was changed meanwhile; returns how many rows that were."""
    table = column.table
    same = and_(*(key == row[key.name] for key in table.primary_key), column == row[column.name])
    return (await tx.connection.execute(update(table).where(same).values({column: fresh}))).rowcount


async def values(tx: Tx, column: Column[Any]) -> Sequence[str]:
    """Return every sealed value of a column."""
    query = select(column).where(column.is_not(None), column != "")
    return (await tx.connection.execute(query)).scalars().all()


async def job_payloads(tx: Tx) -> Sequence[str]:
    """Return what jobs that wait or run are given, where something may be sealed in it."""
    return (await tx.connection.execute(_JOBS)).scalars().all()
