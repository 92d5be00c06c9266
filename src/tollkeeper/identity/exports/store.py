"""Every SQL statement of data exports."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, select, update

from tollkeeper.infra import Tx

from .model import Export
from .tables import data_exports

_EXPORT = tuple(column for column in data_exports.c if column.name != "content")


async def add_export(tx: Tx, export: Export) -> None:
    """Insert an export that is still to be made."""
    await tx.connection.execute(
        insert(data_exports).values(
            id=export.id,
            user_id=export.user_id,
            requested_at=export.requested_at,
            expires_at=export.expires_at,
        )
    )


async def exports_of(tx: Tx, user_id: UUID, now: datetime) -> Sequence[Export]:
    """Return the person's exports that are not over yet, newest first."""
    query = select(*_EXPORT).where(data_exports.c.user_id == user_id, data_exports.c.expires_at > now)
    rows = await tx.connection.execute(query.order_by(data_exports.c.id.desc()))
    return [Export(**row) for row in rows.mappings()]


async def export(tx: Tx, export_id: UUID) -> Export | None:
    """Return one export, locked until the transaction ends; None when there is none."""
    query = select(*_EXPORT).where(data_exports.c.id == export_id).with_for_update()
    row = (await tx.connection.execute(query)).mappings().first()
    return Export(**row) if row else None


async def content(tx: Tx, user_id: UUID, export_id: UUID, now: datetime) -> tuple[bytes | None] | None:
    """Return the file of the person's own export, None within while it is being made; None: there is no such export."""
    table = data_exports.c
    query = select(table.content).where(table.id == export_id, table.user_id == user_id, table.expires_at > now)
    row = (await tx.connection.execute(query)).first()
    return (row.content,) if row else None


async def finish(tx: Tx, export_id: UUID, file: bytes) -> None:
    """Keep the file of an export."""
    await tx.connection.execute(
        update(data_exports).where(data_exports.c.id == export_id).values(content=file, ready_at=tx.now)
    )


async def remove_exports(tx: Tx, user_id: UUID) -> None:
    """Delete every export of the person."""
    await tx.connection.execute(delete(data_exports).where(data_exports.c.user_id == user_id))


async def remove_expired(tx: Tx, now: datetime) -> int:
    """Delete exports whose time is over; return how many."""
    return (await tx.connection.execute(delete(data_exports).where(data_exports.c.expires_at <= now))).rowcount
