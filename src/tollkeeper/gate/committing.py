"""Group commit: what gathered in memory while the batch before it committed shares one transaction.

This is one of the two places that commit (the other is the edge in infra): its transaction belongs to hundreds of
requests at once, so no single request could.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import psycopg
import structlog
from procrastinate.exceptions import ConnectorException
from psycopg import errors as pg

from tollkeeper.infra import Database, DatabaseUnavailableError, Runtime, is_outage
from tollkeeper.metering import (
    Bundle,
    CounterKey,
    Crossing,
    Foreseen,
    ForeseenBundles,
    Foresight,
    NotAsForeseenError,
    Outcome,
    Request,
    Standing,
    Tally,
    ThresholdReached,
    announce_threshold,
)

from .model import OutcomeUnknownError, UnstorableError
from .queueing import Expect

log = structlog.get_logger(__name__)

Q = TypeVar("Q")
A = TypeVar("A")
Connection = psycopg.AsyncConnection[Any]
Array = Sequence[Bundle]
"""What one call brought, in one bundle a counter; answered with a tally each."""


class Decided(NamedTuple, Generic[A]):
    """What became of a batch: an answer a request, thresholds to be told, and what the counters stand at now."""

    answers: list[A]
    crossings: list[Crossing]
    counters: Mapping[CounterKey, Standing]


Work = Callable[[Connection, Sequence[Q]], Awaitable[Decided[A]]]

TRIES = 3
# A batch takes milliseconds; one that waits this long waits for a lock somebody forgot. Milliseconds.
STATEMENT_TIMEOUT = 5_000
# So many batches of arrays are under way at once: the events of one are copied while the one before it is committed.
ABREAST = 2


class Link:
    """One connection kept open, made again after a failure."""

    def __init__(self, database: Database, application: str) -> None:
        self._database = database
        self._application = application
        self._connection: Connection | None = None
        self._opening = asyncio.Lock()

    async def open(self, *, alone: bool = False) -> Connection:
        """Return the connection; with `alone`, which says that nobody else waits for its answer, one that lives."""
        found = self._connection
        if found is not None and not found.closed and (not alone or _lives(found)):
            return found
        async with self._opening:  # those who share it may come at once
            if self._connection is None or self._connection is found:
                await self.close()
                self._connection = await self._connect()
            return self._connection

    async def _connect(self) -> Connection:
        fresh = await self._database.connect(application=self._application)
        try:
            await fresh.execute(f"set statement_timeout = {STATEMENT_TIMEOUT}")
        except BaseException:  # cancelled, above all
            await fresh.close()
            raise
        return fresh

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

    async def read_snapshot(self, ask: Callable[[Connection], Awaitable[A]]) -> A:
        """Do the same in one snapshot: everything `ask` reads is of one moment."""

        async def in_one_snapshot(connection: Connection) -> A:
            async with connection.transaction():
                await connection.execute("set transaction isolation level repeatable read read only")
                return await ask(connection)

        return await self.read(in_one_snapshot)

    async def undo(self) -> None:
        """End a transaction that is not to count; the connection stays."""
        try:
            if self._connection is not None:
                await self._connection.rollback()
        except psycopg.Error:
            await self.close()

    async def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def _lives(connection: Connection) -> bool:
    """Whether the server has not said good-bye meanwhile: what was never sent may be sent over another connection.

    It reads what has arrived, so nobody else may be waiting for that.
    """
    try:
        connection.pgconn.consume_input()  # its last words
        connection.pgconn.consume_input()  # that it has gone
    except psycopg.Error:
        return False
    return not connection.closed


class _Writer(Generic[Q, A]):
    """Commits batches; `work` decides and records one, one answer a request."""

    def __init__(self, runtime: Runtime, application: str, work: Work[Q, A], *, pipelined: bool, links: int) -> None:
        self._runtime = runtime
        self._work = work
        self._pipelined = pipelined
        self._foresight = Foresight()
        self._links = [Link(runtime.database, application) for _ in range(links)]

    async def close(self) -> None:
        """Let go of the connections; nothing is under way any more."""
        for link in self._links:
            await link.close()

    async def _write(self, link: Link, requests: Sequence[Q]) -> Sequence[A | Exception]:
        """Commit a batch. One that the database refuses is committed in halves, so that only the culprit fails."""
        try:
            return await self._commit(link, requests)
        except psycopg.Error as error:
            if is_outage(error):
                raise
            if len(requests) == 1:
                log.exception("a request was refused by the database")
                return [UnstorableError() if isinstance(error, _UNSTORABLE) else error]
        middle = len(requests) // 2
        return [*await self._half(link, requests[:middle]), *await self._half(link, requests[middle:])]

    async def _half(self, link: Link, requests: Sequence[Q]) -> Sequence[A | Exception]:
        """Commit a part of a batch; an outage is told to its callers alone, since the other may be committed."""
        try:
            return await self._write(link, requests)
        except (DatabaseUnavailableError, OutcomeUnknownError) as error:
            return [error] * len(requests)

    async def _commit(self, link: Link, requests: Sequence[Q]) -> Sequence[A]:
        """Commit a batch, again when that is safe: a transaction the server refused or never got left nothing."""
        for left in reversed(range(TRIES)):
            attempt = _Attempt(self._runtime, self._work, pipelined=self._pipelined)
            try:
                decided = await attempt.run(await link.open(alone=True), requests)
            except (psycopg.Error, OSError) as error:
                await self._gave_up(link)
                # A key that was not there and now is was recorded under another period's lock: next time it is seen.
                if left and isinstance(error, pg.UniqueViolation):
                    continue
                if not isinstance(error, _AGAIN):
                    if not is_outage(error):
                        raise
                    _must_be_known(error, committing=attempt.committing)
                if not left:
                    raise DatabaseUnavailableError from error
            except BaseException:  # ours: nothing may stay locked behind it
                await self._gave_up(link)
                raise
            else:
                self._foresight.remember(decided.counters)
                return decided.answers
        raise AssertionError("unreachable")

    async def _foreseen(self, link: Link, commit: Callable[[Connection, Callable[[], None]], Awaitable[None]]) -> bool:
        """Have a batch committed that was foreseen; False: nothing of it counts, and it is to be decided as any other.

        `commit` says when it is committing.

        Raises:
            OutcomeUnknownError: the connection was lost meanwhile.
        """
        committing = False

        def begin() -> None:
            nonlocal committing
            committing = True

        try:
            await commit(await link.open(alone=True), begin)
        except NotAsForeseenError:
            await link.undo()
            return False
        except (psycopg.Error, OSError) as error:
            await self._gave_up(link)
            if is_outage(error) and not isinstance(error, _AGAIN):
                _must_be_known(error, committing=committing)
            return False
        except BaseException:  # as above
            await self._gave_up(link)
            raise
        return True

    async def _gave_up(self, link: Link) -> None:
        self._foresight.forget()
        await link.close()


def _must_be_known(error: Exception, *, committing: bool) -> None:
    """Raise OutcomeUnknownError when a connection was lost while it committed."""
    log.warning("batch lost its connection", error=str(error).strip(), committing=committing)
    if committing:
        raise OutcomeUnknownError from error


class RequestWriter(_Writer[Request, Outcome]):
    """Commits single requests: what can be foreseen in one statement, everything else in a transaction."""

    def __init__(self, runtime: Runtime, work: Work[Request, Outcome]) -> None:
        super().__init__(runtime, "tollkeeper-consume", work, pipelined=True, links=1)

    async def flush(self, requests: Sequence[Request], expect: Expect[Outcome]) -> Sequence[Outcome | Exception]:
        """Commit a batch; of one that is foreseen, what it comes to is told while the database is at work."""
        (link,) = self._links
        foreseen = self._foresight.foresee(requests)
        if foreseen is None or not await self._foreseen(link, self._committing(foreseen, expect)):
            return await self._write(link, requests)
        return foreseen.outcomes

    def _committing(
        self, foreseen: Foreseen, expect: Expect[Outcome]
    ) -> Callable[[Connection, Callable[[], None]], Awaitable[None]]:
        async def commit(connection: Connection, begin: Callable[[], None]) -> None:
            begin()
            await self._foresight.commit(connection, foreseen, lambda: expect(foreseen.outcomes))

        return commit


class ArrayWriter(_Writer[Array, list[Tally]]):
    """Commits arrays of events, several batches abreast.

    A batch that is foreseen has its events copied while those before it are committed; it is itself committed in its
    turn, since it was decided by what they come to. Any other is wholly worked on in its turn.
    """

    def __init__(self, runtime: Runtime, work: Work[Array, list[Tally]]) -> None:
        # The driver cannot copy rows in a pipeline.
        super().__init__(runtime, "tollkeeper-events", work, pipelined=False, links=ABREAST)
        self._last = asyncio.Event()
        self._last.set()
        self._unforeseen = 0

    async def flush(self, arrays: Sequence[Array]) -> Sequence[list[Tally] | Exception]:
        """Commit a batch; to be called at most `ABREAST` times at once."""
        bundles = [bundle for array in arrays for bundle in array]
        # Behind one that is not, nothing is foreseen.
        foreseen = None if self._unforeseen else self._foresight.foresee_bundles(bundles)
        before, self._last = self._last, asyncio.Event()
        mine, link = self._last, self._links.pop()
        try:
            if foreseen is not None and await self._foreseen(link, self._committing(foreseen, before)):
                return divided(foreseen.tallies, arrays)
            self._unforeseen += 1
            try:
                await before.wait()
                return await self._write(link, arrays)
            finally:
                self._unforeseen -= 1
        finally:
            self._links.append(link)
            mine.set()

    def _committing(
        self, foreseen: ForeseenBundles, before: asyncio.Event
    ) -> Callable[[Connection, Callable[[], None]], Awaitable[None]]:
        async def turn() -> None:
            await before.wait()

        async def commit(connection: Connection, begin: Callable[[], None]) -> None:
            await connection.execute("begin")
            await self._foresight.record(connection, foreseen, turn)
            begin()
            await connection.execute("commit")

        return commit


def divided(tallies: Sequence[Tally], arrays: Sequence[Array]) -> list[list[Tally]]:
    """Return the tallies of several arrays' bundles array by array."""
    each = iter(tallies)
    return [[next(each) for _ in array] for array in arrays]


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

    async def run(self, connection: Connection, requests: Sequence[Q]) -> Decided[A]:
        async with connection.pipeline() if self._pipelined else contextlib.nullcontext():
            await connection.execute("begin")
            decided = await self._work(connection, requests)
            for crossing in decided.crossings:
                await self._tell(connection, crossing)
            self.committing = True
            await connection.execute("commit")
        return decided

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
