"""All state, in one SQLite file: objects as JSON documents, deliveries, idempotent answers, the clock's offset.

One process, one connection, one transaction per request: a change, its events and their deliveries commit together.
WAL with synchronous=NORMAL survives kill -9 of the process; that is what the promise covers.
"""

import fcntl
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stripe_twin.core.json import Json, compact, parse

_SCHEMA = """
create table if not exists objects (
    seq integer primary key autoincrement,
    id text not null unique,
    kind text not null,
    created integer not null,
    due_at integer,
    body text not null
);
create index if not exists objects_kind on objects (kind, seq);
create index if not exists objects_due on objects (due_at) where due_at is not null;
create index if not exists objects_customer on objects (kind, body ->> '$.customer');
create index if not exists objects_subscription on objects (kind, body ->> '$.subscription');
create index if not exists objects_invoice on objects (kind, body ->> '$.invoice');
create index if not exists objects_email on objects (kind, body ->> '$.email');
create index if not exists objects_lookup_key on objects (kind, body ->> '$.lookup_key');
create index if not exists objects_clock on objects (body ->> '$.test_clock') where body ->> '$.test_clock' is not null;
create index if not exists objects_intent on objects (kind, body ->> '$.payment.payment_intent');
create table if not exists deliveries (
    id integer primary key autoincrement,
    event text not null,
    endpoint text not null,
    status text not null default 'pending',
    attempts integer not null default 0,
    next_at real,
    last_status integer,
    last_error text,
    updated real not null
);
create index if not exists deliveries_due on deliveries (next_at) where next_at is not null;
create index if not exists deliveries_event on deliveries (event);
create table if not exists attempts (
    delivery integer not null,
    at real not null,
    status integer,
    error text
);
create index if not exists attempts_delivery on attempts (delivery);
create table if not exists answers (
    key text primary key,
    path text not null,
    fingerprint text not null,
    status integer not null,
    request text not null,
    created real not null,
    body blob not null
);
create table if not exists settings (name text primary key, value text not null);
"""


@dataclass(frozen=True)
class Filter:
    """A condition on a list: an SQL fragment over `objects` and its arguments."""

    sql: str
    args: tuple[Any, ...]


def equals(path: str, value: Any) -> Filter:
    """The field at the JSON path (`$.customer`) has this value; booleans are JSON booleans."""
    return Filter(f"body ->> '{path}' = ?", (int(value) if isinstance(value, bool) else value,))


def one_of(path: str, values: Sequence[Any]) -> Filter:
    """The field at the JSON path is one of the values."""
    return Filter(f"body ->> '{path}' in ({', '.join('?' * len(values))})", tuple(values))


def within(path: str, bounds: Json) -> Filter:
    """The number at the JSON path lies within gt, gte, lt, lte bounds."""
    signs = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
    parts = [f"body ->> '{path}' {signs[name]} ?" for name in bounds]
    return Filter(" and ".join(parts) or "true", tuple(bounds.values()))


@dataclass(frozen=True)
class Delivery:
    """One event on its way to one endpoint. `next_at` is None when nothing more will be tried."""

    id: int
    event: str
    endpoint: str
    status: str
    attempts: int
    next_at: float | None
    last_status: int | None
    last_error: str | None
    updated: float


@dataclass(frozen=True)
class Answer:
    """What was answered under an idempotency key; `fingerprint` is that of the request, `request` its id."""

    path: str
    fingerprint: str
    status: int
    request: str
    body: bytes


class Store:
    """The SQLite file, held by one process: OSError when another has it. Not for use from several threads."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.lock = (directory / "stripe_twin.lock").open("w")
        fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.db = sqlite3.connect(directory / "stripe_twin.sqlite3", isolation_level=None)
        self.db.execute("pragma journal_mode = wal")
        self.db.execute("pragma synchronous = normal")
        self.db.execute("pragma busy_timeout = 5000")
        self.db.executescript(_SCHEMA)

    def close(self) -> None:
        """Release the file and the directory."""
        self.db.close()
        self.lock.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything done inside, or nothing when an exception leaves it."""
        self.db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self.db.execute("rollback")
            raise
        self.db.execute("commit")

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Inside a transaction: what is done here is always undone."""
        self.db.execute("savepoint trial")
        try:
            yield
        finally:
            self.db.execute("rollback to trial")
            self.db.execute("release trial")

    # objects

    def get(self, ident: str, kind: str | None = None) -> Json | None:
        """The document of that id, if it is of that kind."""
        row = self.db.execute("select kind, body from objects where id = ?", (ident,)).fetchone()
        if row is None or (kind is not None and row[0] != kind):
            return None
        return parse(row[1])

    def put(self, document: Json, due_at: int | None) -> None:
        """Insert or replace; `due_at` is when the document wants attention by itself."""
        self.db.execute(
            "insert into objects (id, kind, created, due_at, body) values (?, ?, ?, ?, ?) "
            "on conflict (id) do update set due_at = excluded.due_at, body = excluded.body",
            (document["id"], document["object"], document.get("created", 0), due_at, compact(document)),
        )

    def remove(self, ident: str) -> None:
        """Forget the document."""
        self.db.execute("delete from objects where id = ?", (ident,))

    def find(
        self, kind: str, *filters: Filter, limit: int = -1, oldest_first: bool = False, beyond: Filter | None = None
    ) -> list[Json]:
        """Documents of a kind, newest first unless asked otherwise."""
        conditions = [Filter("kind = ?", (kind,)), *filters, *([beyond] if beyond else [])]
        where = " and ".join(f"({condition.sql})" for condition in conditions)
        args = [arg for condition in conditions for arg in condition.args]
        order = "asc" if oldest_first else "desc"
        # Every fragment is written in this package; values travel as arguments.
        query = f"select body from objects where {where} order by seq {order} limit ?"  # noqa: S608 -- see above
        return [parse(row[0]) for row in self.db.execute(query, (*args, limit))]

    def position(self, ident: str, kind: str) -> int | None:
        """The place of a document in the order of creation."""
        row = self.db.execute("select seq from objects where id = ? and kind = ?", (ident, kind)).fetchone()
        return None if row is None else int(row[0])

    def next_due(self, until: float) -> tuple[int, Json] | None:
        """The document that has waited longest for attention, with the moment it wanted it."""
        row = self.db.execute(
            "select due_at, body from objects where due_at <= ? order by due_at, seq limit 1", (until,)
        ).fetchone()
        return None if row is None else (int(row[0]), parse(row[1]))

    def on_clock(self, test_clock: str) -> list[Json]:
        """Everything that lives on that test clock, oldest first."""
        query = "select body from objects where body ->> '$.test_clock' = ? order by seq"
        return [parse(row[0]) for row in self.db.execute(query, (test_clock,))]

    # deliveries

    def add_delivery(self, event: str, endpoint: str, at: float) -> None:
        """Queue an event for an endpoint."""
        self.db.execute(
            "insert into deliveries (event, endpoint, next_at, updated) values (?, ?, ?, ?)", (event, endpoint, at, at)
        )

    def due_deliveries(self, now: float, limit: int) -> list[Delivery]:
        """Deliveries to try now, the longest due first."""
        return self._deliveries("next_at <= ? order by next_at, id limit ?", now, limit)

    def next_delivery_at(self) -> float | None:
        """When the next delivery is due."""
        value: float | None = self.db.execute(
            "select min(next_at) from deliveries where next_at is not null"
        ).fetchone()[0]
        return value

    def deliveries(self, event: str) -> list[Delivery]:
        """All deliveries of an event."""
        return self._deliveries("event = ? order by id", event)

    def delivery(self, ident: int) -> Delivery | None:
        """The delivery of that number."""
        found = self._deliveries("id = ?", ident)
        return found[0] if found else None

    def number_of_deliveries(self) -> int:
        """How many were ever queued."""
        return int(self.db.execute("select coalesce(max(id), 0) from deliveries").fetchone()[0])

    def select_deliveries(
        self, limit: int, *, status: str = "", endpoint: str = "", event_type: str = ""
    ) -> list[Delivery]:
        """The newest deliveries of that status, endpoint and event type (its beginning); "" is any."""
        return self._deliveries(
            "(? in ('', status)) and (? in ('', endpoint)) and (? = '' or exists (select 1 from objects o "
            "where o.id = event and substr(o.body ->> '$.type', 1, length(?)) = ?)) order by id desc limit ?",
            status,
            endpoint,
            *([event_type] * 3),
            limit,
        )

    def recent_deliveries(self, limit: int) -> list[Delivery]:
        """The newest deliveries."""
        return self._deliveries("true order by id desc limit ?", limit)

    def _deliveries(self, clause: str, *args: Any) -> list[Delivery]:
        columns = "id, event, endpoint, status, attempts, next_at, last_status, last_error, updated"
        rows = self.db.execute(f"select {columns} from deliveries where {clause}", args)  # noqa: S608 -- own clauses
        return [Delivery(*row) for row in rows]

    def add_attempt(self, delivery: int, at: float, status: int | None, error: str | None) -> None:
        """Note a try: the status answered, None when nothing was, and what was wrong with it."""
        self.db.execute("insert into attempts values (?, ?, ?, ?)", (delivery, at, status, error))

    def attempts(self, delivery: int) -> list[tuple[float, int | None, str | None]]:
        """When, status and error of every try, oldest first."""
        query = "select at, status, error from attempts where delivery = ? order by rowid"
        return list(self.db.execute(query, (delivery,)))

    def save_delivery(self, delivery: Delivery) -> None:
        """Record the outcome of an attempt."""
        self.db.execute(
            "update deliveries set status = ?, attempts = ?, next_at = ?, last_status = ?, last_error = ?, updated = ? "
            "where id = ?",
            (
                delivery.status,
                delivery.attempts,
                delivery.next_at,
                delivery.last_status,
                delivery.last_error,
                delivery.updated,
                delivery.id,
            ),
        )

    # idempotent answers and settings

    def answer(self, key: str) -> Answer | None:
        """The stored answer under an idempotency key."""
        row = self.db.execute("select path, fingerprint, status, request, body from answers where key = ?", (key,))
        found = row.fetchone()
        return None if found is None else Answer(*found)

    def save_answer(self, key: str, answer: Answer, now: float) -> None:
        """Keep an answer for replay."""
        self.db.execute(
            "insert into answers (key, path, fingerprint, status, request, created, body) values (?, ?, ?, ?, ?, ?, ?)",
            (key, answer.path, answer.fingerprint, answer.status, answer.request, now, answer.body),
        )

    def forget_answers(self, before: float) -> None:
        """Drop answers older than that; Stripe keeps them for at least a day."""
        self.db.execute("delete from answers where created < ?", (before,))

    def setting(self, name: str) -> str | None:
        """A named value, None when never set."""
        row = self.db.execute("select value from settings where name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def save_setting(self, name: str, value: str) -> None:
        """Set a named value."""
        self.db.execute(
            "insert into settings (name, value) values (?, ?) on conflict (name) do update set value = excluded.value",
            (name, value),
        )
