"""Statements that are run straight over libpq: for the few of which one process runs thousands a second.

The driver looks at every parameter's type, takes a lock and builds a cursor for each statement, which costs more than
the database takes for a small one. Here the caller has packed the parameters in PostgreSQL's binary format already,
and what is left is to send them and to wait for the answer. The connection is still the driver's own; nobody else may
use it meanwhile.
"""

import asyncio
import itertools
from collections.abc import Callable, Generator, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result

_FORMAT = 1  # binary
_BINARY = [_FORMAT]
_FAILED = (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE)
_numbers = itertools.count()


def _nothing() -> None:
    pass


class Direct:
    """One statement, prepared on a connection when it first runs there."""

    def __init__(self, statement: str) -> None:
        """`statement` names its parameters `$1`, `$2`... and says the types of those that the context does not tell."""
        self._statement = statement.encode()
        self._name = b"tollkeeper_%d" % next(_numbers)
        self._prepared: WeakKeyDictionary[psycopg.AsyncConnection[Any], bool] = WeakKeyDictionary()

    async def run(
        self,
        connection: psycopg.AsyncConnection[Any],
        parameters: Sequence[bytes | None],
        meanwhile: Callable[[], None] = _nothing,
    ) -> int:
        """Run it with parameters in binary format, None for null; outside a transaction it has committed by then.

        `meanwhile` is called while the server works. Cancelled, the connection is of no more use: close it.

        Returns:
            How many rows it wrote or returned.

        Raises:
            psycopg.Error: what the server refused it with, or that the connection is lost.
        """
        wire = connection.pgconn
        if connection not in self._prepared:
            wire.send_prepare(self._name, self._statement)
            _last(await _Answer(wire, _nothing))
            self._prepared[connection] = True
        wire.send_query_prepared(self._name, parameters, _BINARY * len(parameters), _FORMAT)
        return _last(await _Answer(wire, meanwhile)).command_tuples or 0


def _last(results: list[pq.abc.PGresult]) -> pq.abc.PGresult:
    for result in results:
        if result.status in _FAILED:
            error = error_from_result(result)
            # What has no code was not said by the server: the library tells so that the line is cut.
            raise error if error.sqlstate else psycopg.OperationalError(str(error))
    return results[-1]


class _Answer:
    """What was put into a connection's buffer being sent, and the answer being read, as the socket allows.

    Awaited, it is the results; only once the server says that it is ready do they count.
    """

    __slots__ = ("_loop", "_meanwhile", "_ready", "_results", "_socket", "_wire")

    def __init__(self, wire: pq.abc.PGconn, meanwhile: Callable[[], None]) -> None:
        self._meanwhile = meanwhile
        self._wire = wire
        self._socket = wire.socket
        self._loop = asyncio.get_running_loop()
        self._results: list[pq.abc.PGresult] = []
        self._ready: asyncio.Future[list[pq.abc.PGresult]] = self._loop.create_future()

    def __await__(self) -> Generator[Any, None, list[pq.abc.PGresult]]:
        unsent = self._wire.flush()
        self._loop.add_reader(self._socket, self._read)
        try:
            if unsent:
                self._loop.add_writer(self._socket, self._write)
            self._meanwhile()
            return (yield from self._ready)
        finally:
            if not self._ready.done() or self._ready.cancelled():
                self._leave()

    def _read(self) -> None:
        wire = self._wire
        try:
            wire.consume_input()
            while not wire.is_busy():
                result = wire.get_result()
                if result is None:
                    self._leave()
                    self._ready.set_result(self._results)
                    return
                self._results.append(result)
        except psycopg.Error as error:
            self._leave()
            self._ready.set_exception(error)

    def _write(self) -> None:
        try:
            left = self._wire.flush()
        except psycopg.Error:  # what is left to read tells why
            left = 0
        if not left:
            self._loop.remove_writer(self._socket)

    def _leave(self) -> None:
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
