"""Statements of passing events on: which process does it, what is next, and how far it has come."""

import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from tollkeeper.infra import Tx
from tollkeeper.metering.rules import moment_of
from tollkeeper.metering.store import Connection, list_meters, tail

from .model import PassedEvent

TABLE_AT_CLICKHOUSE = "tollkeeper_usage_events"

# The sorting key says which rows are one event; it and the partition never change between versions. The highest
# `revision` wins, and a void one is left out by `FINAL`.
CREATE_AT_CLICKHOUSE = f"""
create table if not exists {TABLE_AT_CLICKHOUSE} (
    id UUID,
    revision UInt16,
    voided UInt8,
    organization_id UUID,
    meter LowCardinality(String),
    quantity Int64,
    at DateTime64(6, 'UTC'),
    period_start DateTime64(6, 'UTC'),
    recorded_at DateTime64(3, 'UTC'),
    member_id Nullable(UUID),
    credential_id Nullable(UUID),
    idempotency_key Nullable(String),
    value Nullable(String),
    properties String,
    reason Nullable(String)
) engine = ReplacingMergeTree(revision, voided)
partition by toYYYYMM(at)
order by (organization_id, meter, at, id)
"""

_LEAD = "select pg_try_advisory_lock(hashtext('tollkeeper events to clickhouse'))"


async def lead(connection: Connection) -> bool:
    """Whether this connection is the one that passes events on, until it closes."""
    row = await (await connection.execute(_LEAD)).fetchone()
    return bool(row and row[0])


async def next_events(tx: Tx, *, most: int) -> tuple[tail.Position, tail.Piece, list[PassedEvent]]:
    """Return where the reader stands, and the events after it as they are passed on."""
    position = await tail.read_cursor(tx, tail.SINK_CURSOR) or tail.BEFORE_ALL
    piece = await tail.read_piece(tx, position, most=most)
    meters = {each.id: each.key for each in await list_meters(tx)} if piece.events else {}
    return position, piece, [_passed(row, meters[row.meter_id]) for row in piece.events]


def _passed(row: Row[Any], meter: str) -> PassedEvent:
    return PassedEvent(
        id=row.corrects or row.id,
        revision=row.revision or 0,
        voided=bool(row.voided),
        organization_id=row.organization_id,
        meter=meter,
        quantity=row.quantity,
        at=row.at,
        period_start=row.period_start,
        recorded_at=moment_of(row.id),
        member_id=row.member_id,
        credential_id=row.credential_id,
        idempotency_key=row.idempotency_key,
        value=row.value,
        properties="" if row.properties is None else json.dumps(row.properties, ensure_ascii=False),
        reason=row.reason,
    )


async def move(tx: Tx, start: tail.Position, end: tail.Position) -> bool:
    """Note how far the reader has come, unless it stands elsewhere than where it started from; returns whether."""
    if await tail.lock_cursor(tx, tail.SINK_CURSOR) != start:
        return False
    await tail.move_cursor(tx, tail.SINK_CURSOR, end)
    return True


async def waiting(tx: Tx, now: datetime) -> timedelta:
    """Return for how long the oldest event that was not passed on has been waiting; zero when none is."""
    position = await tail.read_cursor(tx, tail.SINK_CURSOR) or tail.BEFORE_ALL
    oldest = await tail.oldest_waiting(tx, position)
    return max(timedelta(), now - moment_of(oldest)) if oldest else timedelta()
