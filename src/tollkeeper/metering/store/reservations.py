"""Statements about reservations, on the driver's own connection. Their counters are locked wherever they change."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from tollkeeper.metering.model import CounterKey, Hold, Reservation, ReservationState

from .counters import Connection, columns

_COLUMNS = """
    id, organization_id, meter_id, period_start, held, expires_at, state, settled, idempotency_key, credential_id,
    member_id
"""

_BY_ID = f"select {_COLUMNS} from usage_reservations where id = any(%b::uuid[])"  # noqa: S608 - our own columns

_BY_KEY = f"""
select {_COLUMNS} from usage_reservations join unnest(%b::uuid[], %b::smallint[], %s::text[])
    as wanted (organization_id, meter_id, idempotency_key) using (organization_id, meter_id, idempotency_key)
"""  # noqa: S608 - our own columns

_EXPIRED_OF = f"""
select {_COLUMNS} from usage_reservations join unnest(%b::uuid[], %b::smallint[], %b::timestamptz[])
    as wanted (organization_id, meter_id, period_start) using (organization_id, meter_id, period_start)
where state = 'held' and expires_at <= %b
"""  # noqa: S608 - our own columns

_EXPIRED = f"""
select {_COLUMNS} from usage_reservations where state = 'held' and expires_at <= %b order by expires_at limit %b
"""  # noqa: S608 - our own columns

_INSERT = """
insert into usage_reservations
    (id, organization_id, meter_id, period_start, held, expires_at, state, idempotency_key, credential_id, member_id)
select * from unnest(%b::uuid[], %b::uuid[], %b::smallint[], %b::timestamptz[], %b::bigint[], %b::timestamptz[],
    %s::text[], %s::text[], %b::uuid[], %b::uuid[])
"""

_CLOSE = """
update usage_reservations set state = done.state, settled = done.settled
from unnest(%b::uuid[], %s::text[], %b::bigint[]) as done (id, state, settled)
where usage_reservations.id = done.id
"""


async def find_reservations(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Reservation]:
    """Return the reservations of these ids that exist."""
    cursor = await connection.execute(_BY_ID, [list(ids)], prepare=True, binary=True)
    return {row[0]: _reservation(row) for row in await cursor.fetchall()}


async def held_under(connection: Connection, holds: Iterable[Hold]) -> dict[tuple[UUID, int, str], Reservation]:
    """Return the reservations that were made under these holds' idempotency keys."""
    wanted = [(each.counter[0], each.counter[1], each.idempotency_key) for each in holds]
    cursor = await connection.execute(_BY_KEY, columns(wanted), prepare=True, binary=True)
    found = [_reservation(row) for row in await cursor.fetchall()]
    return {(each.counter[0], each.counter[1], each.idempotency_key or ""): each for each in found}


async def expired_of(connection: Connection, keys: Sequence[CounterKey], now: datetime) -> list[Reservation]:
    """Return the reservations of these counters that are held beyond their time."""
    cursor = await connection.execute(
        _EXPIRED_OF, [*columns([key[:3] for key in keys]), now], prepare=True, binary=True
    )
    return [_reservation(row) for row in await cursor.fetchall()]


async def expired(connection: Connection, now: datetime, *, limit: int) -> list[Reservation]:
    """Return reservations of any counter that are held beyond their time, oldest first."""
    cursor = await connection.execute(_EXPIRED, [now, limit], prepare=True, binary=True)
    return [_reservation(row) for row in await cursor.fetchall()]


async def insert_reservations(connection: Connection, made: Sequence[Reservation]) -> None:
    """Record new reservations, all of them held."""
    rows = [(each.id, *each.counter[:3], each.held, each.expires_at, "held", *_whose(each)) for each in made]
    await connection.execute(_INSERT, columns(rows), prepare=True)


def _whose(made: Reservation) -> tuple[object, ...]:
    return made.idempotency_key, made.credential_id, made.member_id


async def close_reservations(connection: Connection, closed: Sequence[Reservation]) -> None:
    """Record what became of reservations."""
    rows = [(each.id, each.state.value, each.settled) for each in closed]
    await connection.execute(_CLOSE, columns(rows), prepare=True)


def _reservation(row: tuple[Any, ...]) -> Reservation:
    key = CounterKey(row[1], row[2], row[3])
    return Reservation(row[0], key, row[4], row[5], ReservationState(row[6]), *row[7:])
