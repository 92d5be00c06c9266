"""Statements about months of events: making room for those to come, dropping those that were kept long enough."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, insert, select, text

from tollkeeper.infra import Tx
from tollkeeper.metering.rules import Partition
from tollkeeper.metering.tables import USAGE_DROPPED, USAGE_EVENTS

from .tail import Position, after

# Dropping a partition stops every writer for as long as it waits for whoever reads events: not for long.
_PATIENCE = text("set local lock_timeout = '500ms'")

_PARTITIONS = text(
    "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid"
    " where i.inhparent = 'usage_events'::regclass order by c.relname"
)

_FORGET_KEYS = text(
    """
with piece as materialized (
    select id, organization_id, meter_id, idempotency_key from usage_events
    where id > :after and id >= :first and id < :until and idempotency_key is not null
    order by id limit :most
), forgotten as (
    delete from usage_event_keys k using piece p
    where (k.organization_id, k.meter_id, k.key) = (p.organization_id, p.meter_id, p.idempotency_key)
        and k.event_id = p.id
)
select count(*), (array_agg(id order by id desc))[1] from piece
"""
)

# What is still within a window's length; `period_start` of a rolling counter is its length after 1970.
_FILLED = """exists (
    select from usage_events e
    where e.organization_id = c.organization_id and e.meter_id = c.meter_id
        and e.at > greatest(c.since, :now - (c.period_start - timestamptz '1970-01-01 00:00:00+00')))"""
_WINDOWS = text(
    "select exists (select from usage_counters c where c.since < :until and {filled})".replace("{filled}", _FILLED)
)
_EMPTY_WINDOWS = text(
    "delete from usage_counters c where c.since < :until and not {filled}".replace("{filled}", _FILLED)
)


class Forgotten(NamedTuple):
    """How many events were looked at, and the last of them; None when there was none."""

    looked_at: int
    last: UUID | None


async def partition_names(tx: Tx) -> list[str]:
    """Return the names of the months there are, the oldest first."""
    return list((await tx.connection.execute(_PARTITIONS)).scalars())


async def newest_event(tx: Tx) -> UUID | None:
    """Return the newest event's id; None when there are no events."""
    found = select(USAGE_EVENTS.c.id).order_by(USAGE_EVENTS.c.id.desc()).limit(1)
    return (await tx.connection.execute(found)).scalar_one_or_none()


async def database_time(tx: Tx) -> datetime:
    """Return what time it is on the database's machine."""
    found: datetime = (await tx.connection.execute(select(func.now()))).scalar_one()
    return found


async def holds_anything_after(tx: Tx, partition: Partition, position: Position) -> bool:
    """Whether a month has events that a reader has not come to."""
    event = USAGE_EVENTS.c
    found = select(event.id).where(event.id >= partition.first, event.id < partition.after, after(position)).limit(1)
    return (await tx.connection.execute(found)).one_or_none() is not None


async def windows_hold(tx: Tx, until: datetime) -> bool:
    """Whether a rolling window that has usage in it was last looked at when events before `until` were in it, too.

    It needs them when they leave. That is over when it is looked at again, or empty.
    """
    found: bool = (await tx.connection.execute(_WINDOWS, {"until": until, "now": tx.now})).scalar_one()
    return found


async def forget_keys(tx: Tx, partition: Partition, after_id: UUID, *, most: int) -> Forgotten:
    """Delete the idempotency keys of up to `most` events of a month, those after an id."""
    bounds = {"after": after_id, "first": partition.first, "until": partition.after, "most": most}
    return Forgotten(*(await tx.connection.execute(_FORGET_KEYS, bounds)).one())


async def drop_partition(tx: Tx, partition: Partition, until: datetime) -> None:
    """Drop a month of events, and note that events recorded before `until` are gone. Raises when others read it.

    Rolling windows that are empty but do not know it yet go, too: they are summed anew when they are next looked at.
    """
    await tx.connection.execute(_PATIENCE)
    await tx.connection.execute(_EMPTY_WINDOWS, {"until": until, "now": tx.now})
    await tx.connection.execute(select(func.tollkeeper_drop_month(partition.name)))
    await tx.connection.execute(insert(USAGE_DROPPED).values(until=until, dropped_at=tx.now))


async def dropped_until(tx: Tx) -> datetime | None:
    """Return before which moment recorded events are gone; None when none ever was dropped."""
    found: datetime | None = (await tx.connection.execute(select(func.max(USAGE_DROPPED.c.until)))).scalar_one()
    return found
