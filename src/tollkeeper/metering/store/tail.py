"""Reading events in commit order: each event once, none skipped, in pieces of a bounded size.

The order is `(tx, id)`: the transaction that recorded the event, then its id. A reader only goes as far as every
transaction before has ended (`pg_snapshot_xmin`), so what is committed later never lies behind it. Events from before
transactions were kept have none: they come first, as transaction 0.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    Uuid,
    and_,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert

from tollkeeper.infra import Tx
from tollkeeper.kit import UnavailableError
from tollkeeper.metering.tables import USAGE_CURSORS, USAGE_EVENTS

# How many transactions are looked through at first; doubled as long as there is room for their events, halved when not.
FIRST_WINDOW = 4
MOST_LOOKED_AT = 1000

SINK_CURSOR = "clickhouse"
"""The reader that passes events on."""

_FIRST_ID = UUID(int=0)
_LAST_ID = UUID(int=(1 << 128) - 1)

# Another server counts its transactions anew. What each reader has come to gets one number, in their order: all that
# matters is what lies before and after whom. No transaction of a server has a number so low.
_READERS = text(
    """
create temporary table readers on commit drop as
select name, tx, event_id, row_number() over (order by tx, event_id) as place from usage_cursors where tx > 0
"""
)
_RENUMBER_EVENTS = text(
    """
update usage_events e set tx = 1 + (select count(*) from readers r where (r.tx, r.event_id) < (e.tx, e.id))
where tx is not null
"""
)
_RENUMBER_CURSORS = text(
    "update usage_cursors c set tx = r.place, event_id = :last from readers r where r.name = c.name"
)


# The planner knows nothing yet of the newest events, which are those a reader wants: it would look through all of them.
_BY_INDEX = text("set local enable_seqscan = off")
_AS_BEFORE = text("reset enable_seqscan")


class OtherServerError(UnavailableError):
    """Events have transactions this server has yet to make: they were restored from a dump of another one."""

    code = "events_of_another_server"
    title = "Events were restored from another server"
    hint = "Stop every worker and run `tollkeeper usage restored`."


class Position(NamedTuple):
    """How far a reader has come: everything up to and including this event. Compares in the order of reading."""

    tx: int = 0
    event_id: UUID = _FIRST_ID


BEFORE_ALL = Position()
"""Where a new reader starts."""


@dataclass(frozen=True, slots=True)
class Span:
    """The events after `start`, up to and including `end`. `reached`: nothing more was committed for certain then."""

    start: Position
    end: Position
    count: int
    reached: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """The next events after a position, all columns of the table, in the order of reading.

    `end` is the position after them, `reached` whether nothing was left then.
    """

    events: tuple[Row[Any], ...]
    end: Position
    reached: bool


async def lock_cursor(tx: Tx, name: str) -> Position | None:
    """Return the position of a named reader, locked until the transaction ends; None when another process has it.

    A reader that is new starts before every event.
    """
    await tx.connection.execute(_BY_INDEX)
    table = USAGE_CURSORS.c
    found = select(table.tx, table.event_id).where(table.name == name).with_for_update(skip_locked=True)
    if row := (await tx.connection.execute(found)).one_or_none():
        return Position(*row)
    if await read_cursor(tx, name):
        return None
    fresh = insert(USAGE_CURSORS).values(name=name, tx=BEFORE_ALL.tx, event_id=BEFORE_ALL.event_id)
    made = await tx.connection.execute(fresh.on_conflict_do_nothing().returning(table.name))
    return BEFORE_ALL if made.one_or_none() else None


async def read_cursor(tx: Tx, name: str) -> Position | None:
    """Return the position of a named reader without locking it; None when there is no such reader."""
    table = USAGE_CURSORS.c
    row = (await tx.connection.execute(select(table.tx, table.event_id).where(table.name == name))).one_or_none()
    return None if row is None else Position(*row)


async def move_cursor(tx: Tx, name: str, position: Position) -> None:
    """Note how far a named reader has come, in the transaction that keeps what it made of the events."""
    values = {"tx": position.tx, "event_id": position.event_id}
    await tx.connection.execute(USAGE_CURSORS.update().where(USAGE_CURSORS.c.name == name).values(values))


async def renumber(tx: Tx) -> None:
    """Give events that were restored from a dump, and their readers, transactions that come before this server's."""
    await tx.connection.execute(text("set local statement_timeout = 0"))
    await tx.connection.execute(_READERS)
    await tx.connection.execute(_RENUMBER_EVENTS)
    await tx.connection.execute(_RENUMBER_CURSORS, {"last": _LAST_ID})


def horizon() -> ColumnElement[int]:
    """Before which transaction every one has ended."""
    return literal_column("pg_snapshot_xmin(pg_current_snapshot())::text::bigint", BigInteger)


def after(position: Position) -> ColumnElement[bool]:
    """Whether an event lies after a position."""
    event = USAGE_EVENTS.c
    if position.tx == 0:
        return or_(event.tx.is_not(None), event.id > position.event_id)
    later = tuple_(event.tx, event.id) > _pair(position)
    return and_(event.tx >= position.tx, later)  # said twice, because the index only understands the first


def within(span: Span) -> ColumnElement[bool]:
    """Whether an event belongs to a span."""
    event, end = USAGE_EVENTS.c, span.end
    if end.tx == 0:
        return and_(event.tx.is_(None), event.id > span.start.event_id, event.id <= end.event_id)
    return and_(event.tx <= end.tx, after(span.start), tuple_(event.tx, event.id) <= _pair(end))


def _pair(position: Position) -> ColumnElement[Any]:
    return tuple_(literal(position.tx, BigInteger), literal(position.event_id, Uuid))


async def next_span(tx: Tx, start: Position, *, most: int) -> Span:
    """Return where the next `most` events after a position end, without reading them.

    The transaction must be in PostgreSQL's ordinary isolation, READ COMMITTED: it is the statements after this one to
    which the whole span is visible.

    Raises:
        OtherServerError: the position is one of another server.
    """
    event = USAGE_EVENTS.c
    if start.tx == 0:
        old = select(literal(0).label("tx"), event.id).where(event.tx.is_(None), event.id > start.event_id)
        if last := await _last(tx, old.order_by(event.id).limit(most)):
            return Span(start, *last, reached=False)
        start = Position(1)
    until: int = (await tx.connection.execute(select(horizon()))).scalar_one()
    if start.tx > until:
        raise OtherServerError
    position, window, count = start, FIRST_WINDOW, 0
    at_once = True  # first, since as a rule there is little or nothing
    while (first := position.tx + (position.event_id == _LAST_ID)) < until or at_once:
        before = until if at_once else min(first + window, until)
        these = and_(after(position), event.tx < before)
        some = select(event.id).where(these).limit(most - count).subquery()
        more: int = (await tx.connection.execute(select(func.count()).select_from(some))).scalar_one()
        if more < most - count:  # all of them, in whatever order
            at_once, position, count = False, max(position, Position(before - 1, _LAST_ID)), count + more
            room = window * (most - count) // more if more else window * 2
            window = max(1, min(window * 2, room))
        elif at_once:
            at_once = False
        elif before - first > 1:
            window = (before - first) // 2
        else:
            found = select(event.tx, event.id).where(these).order_by(event.tx, event.id)
            if last := await _last(tx, found.limit(most - count)):
                return Span(start, last[0], most, reached=False)
    return Span(start, position, count, reached=True)


async def oldest_waiting(tx: Tx, position: Position) -> UUID | None:
    """Return the event after a position that waits the longest, as far as storage order tells; None when none waits.

    So does one that no reader may go to yet, because a transaction from before its own is still open.

    Raises:
        OtherServerError: the position is one of another server.
    """
    span = await next_span(tx, position, most=1)
    if span.count:
        return span.end.event_id
    await tx.connection.execute(_BY_INDEX)
    some = select(USAGE_EVENTS.c.id).where(after(span.end)).limit(MOST_LOOKED_AT).subquery()
    found = (await tx.connection.execute(select(some.c.id).order_by(some.c.id).limit(1))).scalar_one_or_none()
    await tx.connection.execute(_AS_BEFORE)
    return found


async def _last(tx: Tx, query: Select[Any]) -> tuple[Position, int] | None:
    """Return the position of the last row of a query, and how many rows there are; None when there is none."""
    found = query.subquery()
    counted = select(found.c.tx, found.c.id, func.count().over().label("total")).order_by(
        found.c.tx.desc(), found.c.id.desc()
    )
    row = (await tx.connection.execute(counted.limit(1))).one_or_none()
    return None if row is None else (Position(row.tx, row.id), row.total)


async def read_piece(tx: Tx, position: Position, *, most: int) -> Piece:
    """Return up to `most` events after the position. Isolation as for `next_span`."""
    span = await next_span(tx, position, most=most)
    if not span.count:
        return Piece((), span.end, span.reached)
    event = USAGE_EVENTS.c
    rows = await tx.connection.execute(select(USAGE_EVENTS).where(within(span)).order_by(event.tx, event.id))
    return Piece(tuple(rows.all()), span.end, span.reached)
