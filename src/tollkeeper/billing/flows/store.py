"""Every statement of the flows."""

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from tollkeeper.billing.provider import ProviderEvent
from tollkeeper.infra import Tx, in_order
from tollkeeper.kit import new_id

from .model import EventLine, EventStatus, SoughtEvents, StoredEvent
from .tables import PROVIDER_EVENTS

MAX_ERROR = 2000
FIRST = 10_000
"""Among so many events a type is looked for."""


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


async def find_lines(
    tx: Tx, sought: SoughtEvents, *, oldest_first: bool = False, after: UUID | None, limit: int
) -> list[EventLine]:
    """Return events that are looked for, the latest first or the oldest, beyond the event `after`.

    A type is looked for among the `FIRST` in this order alone, since types are no index of theirs.
    """
    table = PROVIDER_EVENTS.c
    columns = [table[field.name] for field in fields(EventLine) if field.name != "size"]
    query = select(*columns, func.length(table.body).label("size"))
    if sought.provider_id is not None:
        query = query.where(table.provider_id == sought.provider_id)
    if sought.status is not None:  # as the index has it
        query = query.where(table.status == sought.status.value)
        received_at = select(table.received_at).where(table.id == after).scalar_subquery()
        place = None if after is None else (received_at, after)
        query = in_order(query, (table.received_at, table.id), place, descending=not oldest_first)
    else:
        query = in_order(query, (table.id,), None if after is None else (after,), descending=not oldest_first)
    if sought.type is not None:
        first = query.limit(FIRST).subquery()
        wanted = first.c.type.startswith(sought.type, autoescape=True)
        query = select(first).where(wanted if sought.type.endswith(".") else first.c.type == sought.type)
    rows = (await tx.connection.execute(query.limit(limit))).mappings()
    return [EventLine(**{**row, "status": EventStatus(row["status"])}) for row in rows]


async def hold_event(tx: Tx, event_id: UUID) -> StoredEvent | None:
    """Return a stored event, and let nobody else change it until the transaction ends."""
    query = select(PROVIDER_EVENTS).where(PROVIDER_EVENTS.c.id == event_id).with_for_update()
    row = (await tx.connection.execute(query)).mappings().one_or_none()
    return None if row is None else _event(row)


async def reopen_event(tx: Tx, event_id: UUID) -> None:
    """Have an event be worked off once more, as if it had just come."""
    again = update(PROVIDER_EVENTS).where(PROVIDER_EVENTS.c.id == event_id)
    await tx.connection.execute(again.values(status=EventStatus.RECEIVED.value, error=None))


async def list_failed(tx: Tx, account: str, *, since: datetime, limit: int) -> list[StoredEvent]:
    """Return the oldest events whose last try failed, received since then."""
    table = PROVIDER_EVENTS.c
    query = select(PROVIDER_EVENTS).where(
        table.account == account, table.status == EventStatus.FAILED.value, table.received_at >= since
    )
    rows = await tx.connection.execute(query.order_by(table.received_at).limit(limit))
    return [_event(row) for row in rows.mappings()]


async def empty_bodies_naming(tx: Tx, text: str) -> None:
    """Empty the bodies of events that are done with and hold this text, in whatever spelling."""
    table = PROVIDER_EVENTS.c
    # Bytes as text without reading them, which may fail; what JSON writes otherwise is looked for as it writes it.
    body = func.lower(func.encode(table.body, "escape"))
    wanted = {func.encode(each.lower().encode(), "escape") for each in (text, json.dumps(text)[1:-1])}
    names = or_(*(func.strpos(body, each) > 0 for each in wanted))
    await tx.connection.execute(update(PROVIDER_EVENTS).values(body=b"").where(_is_done(), names))


async def empty_body(tx: Tx, event_id: UUID) -> None:
    """Empty what an event said."""
    await tx.connection.execute(update(PROVIDER_EVENTS).values(body=b"").where(PROVIDER_EVENTS.c.id == event_id))


async def empty_bodies(tx: Tx, received_before: datetime) -> int:
    """Empty the bodies of events that are done with and came before; return of how many."""
    table = PROVIDER_EVENTS.c
    old = update(PROVIDER_EVENTS).values(body=b"").where(_is_done(), table.received_at < received_before)
    return (await tx.connection.execute(old.where(func.length(table.body) > 0))).rowcount


def _is_done() -> ColumnElement[bool]:
    open_ones = (EventStatus.RECEIVED.value, EventStatus.FAILED.value)
    return PROVIDER_EVENTS.c.status.not_in(open_ones)


def _event(row: Mapping[Any, Any]) -> StoredEvent:
    values = {field.name: row[field.name] for field in fields(StoredEvent)}
    return StoredEvent(**{**values, "status": EventStatus(row["status"]), "body": bytes(row["body"])})
