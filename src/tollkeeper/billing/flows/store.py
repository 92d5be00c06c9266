"""Every statement of the flows."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from tollkeeper.billing.provider import ProviderEvent
from tollkeeper.infra import Tx
from tollkeeper.kit import new_id

from .model import EventStatus, StoredEvent
from .tables import PROVIDER_EVENTS

MAX_ERROR = 2000


async def insert_event(tx: Tx, account: str, event: ProviderEvent, body: bytes, status: EventStatus) -> UUID | None:
    """Store an event as it came; None when it is stored already, which is counted."""
    fresh = insert(PROVIDER_EVENTS).values(
        id=new_id(),
        account=account,
        provider_id=event.id,
        type=event.type,
        api_version=event.api_version,
        livemode=event.livemode,
        created_at=event.created_at,
        received_at=tx.now,
        body=body,
        status=status.value,
    )
    statement = fresh.on_conflict_do_nothing(index_elements=["account", "provider_id"]).returning(PROVIDER_EVENTS.c.id)
    made: UUID | None = (await tx.connection.execute(statement)).scalar_one_or_none()
    if made is None:
        table = PROVIDER_EVENTS.c
        known = update(PROVIDER_EVENTS).where(table.account == account, table.provider_id == event.id)
        await tx.connection.execute(known.values(deliveries=table.deliveries + 1))
    return made


async def find_event(tx: Tx, event_id: UUID) -> StoredEvent | None:
    """Return a stored event."""
    row = (await tx.connection.execute(select(PROVIDER_EVENTS).where(PROVIDER_EVENTS.c.id == event_id))).mappings()
    return _event(found) if (found := row.one_or_none()) is not None else None


async def finish_event(tx: Tx, event_id: UUID, status: EventStatus, note: str | None) -> None:
    """Note what became of an event."""
    statement = (
        update(PROVIDER_EVENTS)
        .values(status=status.value, error=note, processed_at=tx.now, attempts=PROVIDER_EVENTS.c.attempts + 1)
        .where(PROVIDER_EVENTS.c.id == event_id)
    )
    await tx.connection.execute(statement)


async def note_failure(tx: Tx, event_id: UUID, error: str) -> None:
    """Note that a try failed."""
    statement = (
        update(PROVIDER_EVENTS)
        .values(status=EventStatus.FAILED.value, error=error[:MAX_ERROR], attempts=PROVIDER_EVENTS.c.attempts + 1)
        .where(PROVIDER_EVENTS.c.id == event_id)
    )
    await tx.connection.execute(statement)


async def list_events(tx: Tx, status: EventStatus | None = None, *, limit: int = 100) -> list[StoredEvent]:
    """Return events, newest first; None for every status."""
    query = select(PROVIDER_EVENTS).order_by(PROVIDER_EVENTS.c.received_at.desc(), PROVIDER_EVENTS.c.id.desc())
    if status is not None:
        query = query.where(PROVIDER_EVENTS.c.status == status.value)
    return [_event(row) for row in (await tx.connection.execute(query.limit(limit))).mappings()]


async def list_failed(tx: Tx, account: str, *, since: datetime, limit: int) -> list[StoredEvent]:
    """Return the oldest events whose last try failed, received since then."""
    table = PROVIDER_EVENTS.c
    query = select(PROVIDER_EVENTS).where(
        table.account == account, table.status == EventStatus.FAILED.value, table.received_at >= since
    )
    rows = await tx.connection.execute(query.order_by(table.received_at).limit(limit))
    return [_event(row) for row in rows.mappings()]


def _event(row: Mapping[Any, Any]) -> StoredEvent:
    values = {field.name: row[field.name] for field in fields(StoredEvent)}
    return StoredEvent(**{**values, "status": EventStatus(row["status"]), "body": bytes(row["body"])})
