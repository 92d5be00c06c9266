"""The queue on disk: append, look, settle."""

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec

from .letters import DeadLetters
from .model import DeadLetter, Entry, SpoolError, SpoolFullError, SpoolStats, WhenFull
from .store import Store, checksum_of, is_right

T = TypeVar("T")

MAX_BYTES = 64 * 1024 * 1024
MAX_AGE = timedelta(days=30)
BLOCK_SECONDS = 5.0
_ROOM_POLL_SECONDS = 0.05
_EXPIRED_AT_ONCE = 1_000
# After damage a number may come again, for another entry.
_TAKE_OUT = "delete from entries where id = ? and checksum = ?"
_FAILED_ONCE_MORE = "update entries set attempts = attempts + 1 where id = ? and checksum = ?"


@dataclass(slots=True, eq=False)
class _Ticket:
    """An append that waits for its commit."""

    name: str
    """Unique: customer, feature and idempotency key."""
    lane: str
    body: bytes
    done: bool = False
    error: BaseException | None = None


class Spool:
    """Usage on disk until the server has it. Safe between threads, processes and across forks.

    Args:
        directory: made when missing; on a local disk. Entries left there by a process that died are sent, too.
        max_bytes: the most the entries may hold; the files are about half as large again.
        max_age: what could not be sent for so long is set aside as a dead letter (`too_old`).
        when_full: see WhenFull.
        block_seconds: how long an append waits for room with WhenFull.BLOCK.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        max_bytes: int = MAX_BYTES,
        max_age: timedelta = MAX_AGE,
        when_full: WhenFull | str = WhenFull.BLOCK,
        block_seconds: float = BLOCK_SECONDS,
    ) -> None:
        self._directory = Path(directory)
        self._max_bytes = max_bytes
        self._max_age = max_age
        self._when_full = WhenFull(when_full)
        self._block_seconds = block_seconds
        self._store = Store(self._directory)
        self._letters = DeadLetters(self._directory)
        self._writer = threading.Lock()
        self._gathering = threading.Lock()
        self._waiting: list[_Ticket] = []
        self._sender: sqlite3.Connection | None = None
        self._told: Callable[[], None] | None = None
        _spools.add(self)

    def append(
        self,
        feature: str,
        count: int = 1,
        *,
        customer: str | None = None,
        at: datetime | None = None,
        idempotency_key: str,
        wait: bool = True,
    ) -> None:
        """Keep a use; it is on disk when this returns. The same key again changes nothing. `at` None: now.

        `wait` False: there is no waiting for room, whatever `when_full` says.

        Raises:
            SpoolFullError: there is no room (see `when_full`).
            SpoolError: the disk failed.
        """
        moment = at or datetime.now(UTC)
        body = {"feature": feature, "count": count, "idempotency_key": idempotency_key, "at": moment.isoformat()}
        if customer is not None:
            body["customer"] = customer
        lane = msgspec.json.encode([customer, feature]).decode()
        content = msgspec.json.encode(body)
        if len(content) > self._max_bytes:
            raise SpoolFullError(f"An entry of {len(content)} bytes is larger than the whole spool.")
        ticket = _Ticket(f"{lane} {idempotency_key}", lane, content)
        with self._gathering:
            self._waiting.append(ticket)
        self._await(ticket, self._block_seconds if wait else 0.0)
        if self._told is not None:
            self._told()

    def _await(self, ticket: _Ticket, seconds: float) -> None:
        """Whoever gets the writer's lock commits for all that wait, so that they share one fsync."""
        deadline = time.monotonic() + seconds
        while True:
            with self._writer:
                if not ticket.done:
                    self._commit_waiting()
                if not ticket.done and time.monotonic() >= deadline:
                    self._waiting.remove(ticket)
                    raise SpoolFullError(f"No room was made within {seconds} s.")
            if ticket.error is not None:
                raise ticket.error
            if ticket.done:
                return
            time.sleep(_ROOM_POLL_SECONDS)

    def _commit_waiting(self) -> None:
        with self._gathering:
            tickets, self._waiting = self._waiting, []
        fitting: list[_Ticket] = []
        error: BaseException | None = None
        try:
            fitting = self._store.transaction(lambda connection: self._insert(connection, tickets))
        except BaseException as failure:  # noqa: BLE001 - each who waits is told, and raises it
            fitting, error = tickets, failure
        for ticket in fitting:
            ticket.done, ticket.error = True, error
        left = [ticket for ticket in tickets if not ticket.done]
        if self._when_full is WhenFull.RAISE:
            for ticket in left:
                ticket.done, ticket.error = True, SpoolFullError(f"The spool holds {self._max_bytes} bytes already.")
        elif left:
            with self._gathering:
                self._waiting[:0] = left

    def _insert(self, connection: sqlite3.Connection, tickets: Sequence[_Ticket]) -> list[_Ticket]:
        """Enter what has room, in order; return that."""
        fitting = []
        room = self._max_bytes - _number(connection, "bytes")
        for ticket in tickets:
            size = len(ticket.body)
            if size > room and self._when_full is WhenFull.DROP_OLDEST:
                room += _drop(connection, size - room)
            if size > room:
                break
            row = (ticket.name, ticket.lane, ticket.body, time.time())
            entered = connection.execute(
                "insert or ignore into entries (name, lane, body, created, checksum) values (?, ?, ?, ?, ?)",
                (*row, checksum_of(*row)),
            )
            room -= size * entered.rowcount
            fitting.append(ticket)
        return fitting

    def pending(self) -> int:
        """How many entries wait to be sent."""
        return self.stats().pending

    def stats(self) -> SpoolStats:
        """The spool at a glance."""
        return self._transaction(self._stats)

    def _stats(self, connection: sqlite3.Connection) -> SpoolStats:
        numbers = dict(connection.execute("select name, value from numbers"))
        oldest = connection.execute("select created from entries order by id limit 1").fetchone()
        age = max(0.0, time.time() - oldest[0]) if oldest else 0.0
        sent, dead, dropped = numbers["sent"], numbers["dead"], numbers["dropped"]
        return SpoolStats(numbers["pending"], numbers["bytes"], age, sent, dead, dropped)

    def dead_letters(self) -> list[DeadLetter]:
        """What was set aside, oldest first."""
        return self._letters.read()

    def first(self, count: int) -> list[Entry]:
        """The oldest entries, in order."""
        query = "select id, name, lane, body, created, attempts, checksum from entries order by id limit ?"
        rows = self._transaction(lambda connection: connection.execute(query, (count,)).fetchall())
        return [
            Entry(number, lane, body, created, attempts, checksum, is_right(name, lane, body, created, checksum))
            for number, name, lane, body, created, attempts, checksum in rows
        ]

    def settle(
        self,
        sent: Iterable[Entry] = (),
        dead: Iterable[tuple[Entry, int, str, str]] = (),
        failed: Iterable[Entry] = (),
    ) -> None:
        """Take out what was sent and what is set aside (entry, status, code, reason); note what failed once more."""
        sent, dead, failed = list(sent), list(dead), list(failed)

        def work(connection: sqlite3.Connection) -> None:
            # Letters first: after a crash between the two one may be there twice, but none is lost.
            self._letters.add([_letter(*each) for each in dead])
            for number, gone in (("sent", sent), ("dead", [each[0] for each in dead])):
                left = connection.executemany(_TAKE_OUT, [(each.id, each.checksum) for each in gone])
                _count(connection, number, max(0, left.rowcount))
            connection.executemany(_FAILED_ONCE_MORE, [(each.id, each.checksum) for each in failed])

        if sent or dead or failed:
            self._transaction(work)

    def expire(self) -> None:
        """Set aside what is too old, or is not what was written any more."""
        before = time.time() - self._max_age.total_seconds()
        first = self.first(_EXPIRED_AT_ONCE)
        wrong = [(entry, 0, "damaged", "the disk gave back something else") for entry in first if not entry.is_right]
        old = [entry for entry in first if entry.is_right and entry.created < before]
        self.settle(dead=wrong + [(entry, 0, "too_old", f"not sent within {self._max_age}") for entry in old])

    def lead(self) -> bool:
        """Become the one that sends from this directory, or stay it; False: somebody else is. Ends with the process.

        Raises:
            SpoolError: the disk failed.
        """
        with self._writer:
            if self._sender is None:
                try:
                    self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                    self._sender = _try_lock(self._directory / "sender.db")
                except (OSError, sqlite3.Error) as error:
                    raise SpoolError(f"The spool in {self._directory} cannot be sent: {error}") from error
            return self._sender is not None

    def _transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._writer:
            return self._store.transaction(work)

    def tell(self, told: Callable[[], None] | None) -> None:
        """Have this called after every append of this process; None: nobody."""
        self._told = told

    def close(self) -> None:
        """Close the files. What waits stays on disk; used again, the spool opens them again."""
        with self._writer:
            self._let_go()

    def _let_go(self) -> None:
        self._store.close()
        if self._sender is not None:
            self._sender.close()
            self._sender = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# No open SQLite file may cross a fork: spools are closed before, and both sides open their own when they need it.
_spools: "weakref.WeakSet[Spool]" = weakref.WeakSet()
_resting: list[Spool] = []


def _before_fork() -> None:
    for spool in list(_spools):
        spool._writer.acquire()  # noqa: SLF001 - this module's own
        spool._gathering.acquire()  # noqa: SLF001
        spool._let_go()  # noqa: SLF001
        _resting.append(spool)


def _after_fork() -> None:
    while _resting:
        spool = _resting.pop()
        spool._gathering.release()  # noqa: SLF001
        spool._writer.release()  # noqa: SLF001


def _after_fork_in_child() -> None:
    for spool in _resting:
        spool._waiting.clear()  # noqa: SLF001 - their threads are the parent's
    _after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child)


def _try_lock(path: Path) -> sqlite3.Connection | None:
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("begin exclusive")
    except sqlite3.OperationalError:
        connection.close()
        return None
    return connection


def _number(connection: sqlite3.Connection, name: str) -> int:
    row = connection.execute("select value from numbers where name = ?", (name,)).fetchone()
    return int(row[0])


def _count(connection: sqlite3.Connection, name: str, more: int) -> None:
    connection.execute("update numbers set value = value + ? where name = ?", (more, name))


def _drop(connection: sqlite3.Connection, size: int) -> int:
    """Drop the oldest entries until so many bytes are free; return how many became free."""
    freed = 0
    while freed < size:
        row = connection.execute("select id, length(body) from entries order by id limit 1").fetchone()
        if row is None:
            break
        connection.execute("delete from entries where id = ?", row[:1])
        _count(connection, "dropped", 1)
        freed += row[1]
    return freed


def _letter(entry: Entry, status: int, code: str, reason: str) -> DeadLetter:
    try:
        body = msgspec.json.decode(entry.body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        body = {"unreadable": entry.body.decode(errors="replace")}
    return DeadLetter(body, status, code, reason, datetime.now(UTC))
