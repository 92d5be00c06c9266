"""The file of the spool: SQLite with a write-ahead log, and what is done when the file is found damaged.

SQLite rather than a log of our own: its log is check-summed frame by frame, so a tail cut anywhere reads as the last
whole commit; its locks hold between processes and end with them; and room is given back entry by entry.
"""

import contextlib
import functools
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from .model import SpoolError

T = TypeVar("T")

BUSY_SECONDS = 30.0
# What the machine is to blame for. All else, with statements that are right, means that the file is not what it was.
_NOT_DAMAGE = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOLFS,
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_MISUSE,
    }
)
_SCHEMA = """
create table if not exists entries (
    id integer primary key,
    name text not null unique,
    lane text not null,
    body blob not null,
    created real not null,
    attempts integer not null default 0,
    checksum integer not null
);
create table if not exists numbers (name text primary key, value integer not null) without rowid;
insert or ignore into numbers values ('pending', 0), ('bytes', 0), ('sent', 0), ('dead', 0), ('dropped', 0);
create trigger if not exists entry_came after insert on entries begin
    update numbers set value = value + 1 where name = 'pending';
    update numbers set value = value + length(new.body) where name = 'bytes';
end;
create trigger if not exists entry_left after delete on entries begin
    update numbers set value = value - 1 where name = 'pending';
    update numbers set value = value - length(old.body) where name = 'bytes';
end;
"""
_COLUMNS = "name, lane, body, created, attempts, checksum"
_COUNTED = """select (select count(*) from entries) = (select value from numbers where name = 'pending')
and (select total(length(body)) from entries) = (select value from numbers where name = 'bytes')
and (select count(*) from numbers) = 5"""


class Store:
    """One connection to `spool.db`, opened when first needed. Not safe between threads: its owner locks."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.path = directory / "spool.db"
        self._connection: sqlite3.Connection | None = None
        self._inode = 0

    def transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` in one transaction; it is on disk when this returns. `work` may be done again.

        Raises:
            SpoolError: it could not be written; nothing of it is.
        """
        try:
            return self._lasting(work)
        except (sqlite3.DatabaseError, OSError) as error:
            if isinstance(error, OSError) or not _is_damage(error):
                raise SpoolError(f"The spool in {self._directory} cannot be written: {error}") from error
        try:
            self._mend()
            return self._lasting(work)
        except sqlite3.DatabaseError as error:
            raise SpoolError(f"The spool in {self._directory} is damaged: {error}") from error

    def _lasting(self, work: Callable[[sqlite3.Connection], T]) -> T:
        while True:
            connection = self._opened()
            connection.execute("begin immediate")
            try:
                done = work(connection)
                connection.execute("commit")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("rollback")
                raise
            # Another process may have set the file aside as damaged meanwhile; what it salvaged is in a new one.
            if _inode_of(self.path) == self._inode:
                return done
            self.close()

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._opening():
                self._connection = _connect(self.path)
                self._inode = _inode_of(self.path)
                _sync_directory(self._directory)
        return self._connection

    @contextlib.contextmanager
    def _opening(self) -> Iterator[None]:
        """Only one process at a time makes or mends the file."""
        lock = sqlite3.connect(self._directory / "opening.db", timeout=BUSY_SECONDS, isolation_level=None)
        try:
            lock.execute("begin exclusive")
            yield
        finally:
            lock.close()

    def _mend(self) -> None:
        """Set a damaged file aside as `spool.damaged.db` and put what can still be read of it into a new one."""
        self.close()
        with self._opening():
            if _is_whole(self.path):
                return  # somebody else was faster
            # Renamed first, read afterwards: whoever commits to the old file after this notices and does it again.
            aside = self._directory / "spool.damaged.db"
            for ending in ("", "-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    os.replace(f"{self.path}{ending}", f"{aside}{ending}")  # noqa: PTH105 - three names made of one
            fresh = _connect(self.path)
            try:
                fresh.execute("begin immediate")
                # From the other end first those behind the damage, so that all are entered in their old order.
                rows = dict(_salvaged(aside, "desc"))
                rows |= dict(_salvaged(aside, "asc"))
                fresh.executemany(
                    f"insert or ignore into entries (id, {_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants
                    [rows[number] for number in sorted(rows)],
                )
                fresh.execute("commit")
            finally:
                fresh.close()
            _sync_directory(self._directory)

    def close(self) -> None:
        """Close the file; it is opened again when needed."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def _connect(path: Path) -> sqlite3.Connection:
    _check_format(path)
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.text_factory = _text
    try:
        connection.execute("pragma page_size = 1024")  # entries are small, and whole pages are logged
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")  # a commit is on disk, through a power cut, too
        connection.execute("pragma journal_size_limit = 4194304")
        connection.executescript(_SCHEMA)
        _check(connection)
    except (UnicodeDecodeError, OverflowError, MemoryError) as error:
        connection.close()  # a damaged description of the tables can claim any size, and its message quotes it
        raise _damage(str(error)) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _check_format(path: Path) -> None:
    """Refuse a file whose head claims a format nobody writes: the database would take it for one it may only read.

    Bytes 18 and 19 are the versions for writing and reading, 1 or 2 (SQLite's file format, section 1.3).
    """
    try:
        with path.open("rb") as file:
            head = file.read(20)
    except FileNotFoundError:
        return
    if not set(head[18:]) <= {1, 2}:
        raise _damage("the head of the file claims an unknown format")


def _check(connection: sqlite3.Connection) -> None:
    """Refuse a file that is not whole: its pages and indexes, its tables and triggers, its counts."""
    (found,) = connection.execute("pragma integrity_check(1)").fetchone()
    if found == "ok" and _tables(connection) == _right_tables() and connection.execute(_COUNTED).fetchone() == (1,):
        return
    raise _damage(found)


def _damage(words: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(words)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _tables(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    return connection.execute("select type, name, tbl_name, sql from sqlite_master order by name").fetchall()


@functools.cache
def _right_tables() -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(_SCHEMA)
        return _tables(connection)


def _text(content: bytes) -> str:
    """Damaged text is told by the checksum of its row, not by a failure to read it."""
    return content.decode(errors="replace")


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_MISUSE)
    return code & 0xFF not in _NOT_DAMAGE or code == sqlite3.SQLITE_IOERR_SHORT_READ


def _is_whole(path: Path) -> bool:
    try:
        _connect(path).close()
    except sqlite3.DatabaseError as error:
        if _is_damage(error):
            return False
        raise
    return True


def _salvaged(path: Path, direction: str) -> Iterator[tuple[int, tuple[object, ...]]]:
    """Rows of a damaged file by number, from one end up to the damage."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.text_factory = _text
    try:
        # By "rowid", which is whole even where the description of the table is not, and "id" no key any more.
        query = f"select rowid, {_COLUMNS} from entries order by rowid {direction}"  # noqa: S608 - constants
        for number, name, lane, body, created, attempts, checksum in connection.execute(query):
            if is_right(name, lane, body, created, checksum):
                tries = attempts if isinstance(attempts, int) else 0  # the one value without a checksum
                yield number, (number, name, lane, body, created, tries, checksum)
    except (sqlite3.DatabaseError, OverflowError, UnicodeDecodeError, MemoryError):
        return
    finally:
        connection.close()


def checksum_of(name: str, lane: str, body: bytes, created: float) -> int:
    """What tells that a row is as it was written; the database itself does not sum its pages."""
    return zlib.crc32(f"{name}\0{lane}\0{created!r}\0".encode() + body)


def is_right(name: object, lane: object, body: object, created: object, checksum: object) -> bool:
    """Whether a row is as it was written."""
    if not (isinstance(name, str) and isinstance(lane, str) and isinstance(body, bytes) and isinstance(created, float)):
        return False
    return checksum == checksum_of(name, lane, body, created)


def _inode_of(path: Path) -> int:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0


def _sync_directory(directory: Path) -> None:
    """Make the names of new files last; where directories cannot be synced (Windows) they need not be."""
    with contextlib.suppress(PermissionError):
        opened = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
