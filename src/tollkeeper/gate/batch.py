"""Group commit: what gathered in memory while the batch before it committed shares one transaction.

This is one of the two places that commit (the other is the edge in infra): its transaction belongs to hundreds of
requests at once, so no single request could. Single requests and arrays of events have a connection each, so that
neither waits for the other but where they move the same counter.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

import psycopg
import structlog
from procrastinate.exceptions import ConnectorException
from psycopg import errors as pg

from tollkeeper.infra import Database, DatabaseUnavailableError, Runtime, is_outage
from tollkeeper.metering import (
    MISSED,
    Bundle,
    CounterKey,
    Crossing,
    Foresight,
    Look,
    Outcome,
    Request,
    Seen,
    Standing,
    Tally,
    ThresholdReached,
    announce_threshold,
    consume_bundles,
    expired_reservations,
    look,
    read_counters,
)

from .model import OutcomeUnknownError, UnstorableError
from .queueing import Batcher, FairBatcher

log = structlog.get_logger(__name__)

Q = TypeVar("Q")
A = TypeVar("A")
Connection = psycopg.AsyncConnection[Any]
Work = Callable[[Connection, Sequence[Q]], Awaitable[tuple[list[A], list[Crossing]]]]
Array = Sequence[Bundle]
"""What one call brought, in one bundle a counter; answered with a tally each."""

TRIES = 3
_UNUSED = Standing()
# A batch takes milliseconds; one that waits this long waits for a lock somebody forgot. Milliseconds.
STATEMENT_TIMEOUT = 5_000


class _Link:
    """One connection kept open, made again after a failure."""

    def __init__(self, database: Database, application: str) -> None:
        self._database = database
        self._application = application
        self._connection: Connection | None = None

    async def open(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = await self._database.connect(application=self._application)
            await self._connection.execute(f"set statement_timeout = {STATEMENT_TIMEOUT}")
        return self._connection

    async def read(self, ask: Callable[[Connection], Awaitable[A]]) -> A:
        """Return what `ask` reads; asked again over a new connection when this one is lost.

        Raises:
            DatabaseUnavailableError: every try was lost.
        """
        for left in reversed(range(TRIES)):
            try:
                return await ask(await self.open())
            except (psycopg.Error, OSError) as error:
                await self.close()
                if not is_outage(error):
                    raise
                if not left:
                    raise DatabaseUnavailableError from error
        raise AssertionError("unreachable")

    async def undo(self) -> None:
        """End a transaction that failed; the connection stays."""
        try:
            if self._connection is not None:
                await self._connection.rollback()
        except psycopg.Error:
            await self.close()

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


class Counters:
    """Takes from and reads the counters, many requests to a transaction."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._foresight = Foresight()
        self._writing = _Writer(runtime, "tollkeeper-consume", self._consume, pipelined=True, foresight=self._foresight)
        # The driver cannot copy rows in a pipeline.
        self._copying = _Writer(runtime, "tollkeeper-events", self._consume_arrays, pipelined=False)
        self._reading = _Link(runtime.database, "tollkeeper-check")
        self._looking = _Link(runtime.database, "tollkeeper-look")
        self.consuming: Batcher[Request, Outcome] = Batcher(self._writing.flush)
        self.arrays: FairBatcher[Array, list[Tally]] = FairBatcher(
            self._copying.flush, owner=_owner, size=lambda array: sum(len(each.entries) for each in array)
        )
        self.checking: Batcher[CounterKey, Standing] = Batcher(self._read)
        self.looking: Batcher[Look, Seen] = Batcher(self._look)

    async def close(self) -> None:
        """Answer what waits, then close the connections."""
        await asyncio.gather(self.consuming.close(), self.arrays.close(), self.checking.close(), self.looking.close())
        await asyncio.gather(self._writing.close(), self._copying.close(), self._reading.close(), self._looking.close())

    async def _consume(
        self, connection: Connection, requests: Sequence[Request]
    ) -> tuple[list[Outcome], list[Crossing]]:
        return await self._foresight.consume(connection, requests, self._runtime.clock.now())

    async def _consume_arrays(
        self, connection: Connection, arrays: Sequence[Array]
    ) -> tuple[list[list[Tally]], list[Crossing]]:
        bundles = [bundle for array in arrays for bundle in array]
        tallies, crossings = await consume_bundles(connection, bundles, self._runtime.clock.now())
        each = iter(tallies)
        return [[next(each) for _ in array] for array in arrays], crossings

    async def give_up_expired(self) -> None:
        """Close the reservations that are held beyond their time. Calls for their counters do so by themselves."""
        due = await expired_reservations(await self._reading.open(), self._runtime.clock.now())
        await asyncio.gather(*(self.consuming.submit(each) for each in due))

    async def _read(self, keys: Sequence[CounterKey]) -> Sequence[Standing]:
        wanted = list(dict.fromkeys(keys))
        used = await self._reading.read(lambda connection: read_counters(connection, wanted))
        return [used.get(key, _UNUSED) for key in keys]

    async def _look(self, looks: Sequence[Look]) -> Sequence[Seen]:
        """Look at counters with all that bears on them, in one snapshot."""

        async def in_one_snapshot(connection: Connection) -> Sequence[Seen]:
            async with connection.transaction():
                await connection.execute("set transaction isolation level repeatable read read only")
                return await look(connection, looks, self._runtime.clock.now())

        return await self._looking.read(in_one_snapshot)


def _owner(array: Array) -> object:
    """Whose turn an array takes: its organization's; one about several takes a turn of its own."""
    first = array[0].counter.organization_id
    return first if all(each.counter.organization_id == first for each in array) else None


class _Writer(Generic[Q, A]):
    """Commits batches over a connection of its own; `work` decides and records one, one answer a request."""

    def __init__(
        self,
        runtime: Runtime,
        application: str,
        work: Work[Q, A],
        *,
        pipelined: bool,
        foresight: Foresight | None = None,
    ) -> None:
        self._runtime = runtime
        self._foresight = foresight
        self._link = _Link(runtime.database, application)
        self._work = work
        self._pipelined = pipelined

    async def close(self) -> None:
        """Let go of the connection."""
        await self._link.close()

    async def flush(self, requests: Sequence[Q]) -> Sequence[A | Exception]:
        """Commit a batch. One that the database refuses is committed in halves, so that only the culprit fails."""
        try:
            return await self._commit(requests)
        except psycopg.Error as error:
            if is_outage(error):
                raise
            if len(requests) == 1:
                log.exception("a request was refused by the database")
                return [UnstorableError() if isinstance(error, _UNSTORABLE) else error]
        middle = len(requests) // 2
        return [*await self.flush(requests[:middle]), *await self.flush(requests[middle:])]

    async def _commit(self, requests: Sequence[Q]) -> Sequence[A]:
        """Commit a batch, again when that is safe: a transaction the server refused or never got left nothing."""
        for left in reversed(range(TRIES)):
            attempt = _Attempt(self._runtime, self._work, pipelined=self._pipelined)
            try:
                answers = await attempt.run(await self._link.open(), requests)
            except (psycopg.Error, OSError) as error:
                await self._failed(error, attempt, last=not left)
            except BaseException:  # ours: nothing may stay locked behind it
                await self._link.close()
                raise
            else:
                if self._foresight is not None:
                    self._foresight.committed()
                return answers
        raise AssertionError("unreachable")

    async def _failed(self, error: psycopg.Error | OSError, attempt: "_Attempt[Q, A]", *, last: bool) -> None:
        """Raise what the callers are told, or return when the batch may be tried again."""
        if self._foresight is not None:
            self._foresight.failed()
        missed = isinstance(error, MISSED)
        await (self._link.undo() if missed else self._link.close())
        if not missed and not isinstance(error, _AGAIN):
            if not is_outage(error):
                raise error
            log.warning("batch lost its connection", error=str(error).strip(), committing=attempt.committing)
            if attempt.committing:
                raise OutcomeUnknownError from error
        if last:
            raise DatabaseUnavailableError from error


# Weather, not fault.
_AGAIN = (pg.DeadlockDetected, pg.SerializationFailure, pg.QueryCanceled, pg.LockNotAvailable)


# What the caller sent cannot be kept: numbers no database holds, text nested beyond its stack.
_UNSTORABLE = (pg.DataError, pg.ProgramLimitExceeded, pg.StatementTooComplex)


class _Attempt(Generic[Q, A]):
    """One try at committing a batch. `committing` tells whether the server may have seen the commit."""

    def __init__(self, runtime: Runtime, work: Work[Q, A], *, pipelined: bool) -> None:
        self._runtime = runtime
        self._work = work
        self._pipelined = pipelined
        self.committing = False

    async def run(self, connection: Connection, requests: Sequence[Q]) -> Sequence[A]:
        async with connection.pipeline() if self._pipelined else contextlib.nullcontext():
            await connection.execute("begin")
            answers, crossings = await self._work(connection, requests)
            for crossing in crossings:
                await self._tell(connection, crossing)
            self.committing = True
            await connection.execute("commit")
        return answers

    async def _tell(self, connection: Connection, crossing: Crossing) -> None:
        """Have a threshold told, if this batch commits."""
        told = ThresholdReached.of(crossing).payload()
        try:
            await self._runtime.jobs.defer(connection, announce_threshold, told)
        except ConnectorException as error:  # here, too, it is the batch that fails, and the driver says of what
            raise _of_the_driver(error) from None


def _of_the_driver(error: BaseException) -> BaseException:
    """Return what the database driver raised behind an error; the error itself when nothing was."""
    found: BaseException | None = error
    while found is not None and not isinstance(found, psycopg.Error):
        found = found.__cause__ or found.__context__
    return found or error
