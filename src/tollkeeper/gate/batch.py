"""Group commit: requests gather in memory while the batch before them commits, then share one transaction.

This is one of the two places that commit (the other is the edge in infra): its transaction belongs to hundreds of
requests at once, so no single request could.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

import psycopg
import structlog
from psycopg import errors as pg

from tollkeeper.infra import Database, DatabaseUnavailableError, Runtime, is_outage
from tollkeeper.metering import (
    CounterKey,
    Crossing,
    Outcome,
    Request,
    Standing,
    ThresholdReached,
    announce_threshold,
    consume,
    expired_reservations,
    read_counters,
)

from .model import OutcomeUnknownError, OverloadedError

log = structlog.get_logger(__name__)

Q = TypeVar("Q")
A = TypeVar("A")

# Bounds memory and the worst wait: at ten thousand a second the last of these waits two seconds.
MAX_WAITING = 20_000
MAX_BATCH = 1_000
TRIES = 3
_UNUSED = Standing()
# A batch takes milliseconds; one that waits this long waits for a lock somebody forgot. Milliseconds.
STATEMENT_TIMEOUT = 5_000


class Batcher(Generic[Q, A]):
    """Collects questions while `flush` answers those before them. `flush` answers in the order asked, one for one."""

    def __init__(self, flush: Callable[[Sequence[Q]], Awaitable[Sequence[A | Exception]]]) -> None:
        self._flush = flush
        self._waiting: list[tuple[Q, Callable[[A | Exception], None]]] = []
        self._draining: asyncio.Task[None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether nothing more is queued at the moment."""
        return len(self._waiting) >= MAX_WAITING

    def put(self, question: Q, done: Callable[[A | Exception], None]) -> None:
        """Queue a question; `done` is called with its answer, or with the error its batch ended with.

        Raises:
            OverloadedError: too many are waiting; the question was not queued.
        """
        if self.is_full:
            raise OverloadedError(retry_after=1)
        self._waiting.append((question, done))
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain())

    def submit(self, question: Q) -> "asyncio.Future[A]":
        """The same for those who wait; raises as `put`."""
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()

        def done(answer: A | Exception) -> None:
            if future.done():
                return
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

        self.put(question, done)
        return future

    async def close(self) -> None:
        """Wait until everything queued is answered."""
        if self._draining is not None:
            await self._draining

    async def _drain(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
                await self._answer(batch)
        finally:
            self._draining = None

    async def _answer(self, batch: list[tuple[Q, Callable[[A | Exception], None]]]) -> None:
        answers: Sequence[A | Exception]
        try:
            answers = await self._flush([question for question, _ in batch])
        except Exception as error:  # noqa: BLE001 - each caller is told
            answers = [error] * len(batch)
        for (_, done), answer in zip(batch, answers, strict=True):
            try:
                done(answer)
            except Exception:  # one caller's trouble is not the others'
                log.exception("an answer could not be handed over")


class _Link:
    """One connection kept open, made again after a failure."""

    def __init__(self, database: Database, application: str) -> None:
        self._database = database
        self._application = application
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def open(self) -> psycopg.AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await self._database.connect(application=self._application)
            await self._connection.execute(f"set statement_timeout = {STATEMENT_TIMEOUT}")
        return self._connection

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


class Counters:
    """Takes from and reads the counters, many requests to a transaction."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        database = runtime.database
        self._writing = _Link(database, "tollkeeper-consume")
        self._reading = _Link(database, "tollkeeper-check")
        self.consuming: Batcher[Request, Outcome] = Batcher(self._consume)
        self.checking: Batcher[CounterKey, Standing] = Batcher(self._read)

    async def close(self) -> None:
        """Answer what waits, then close the connections."""
        await asyncio.gather(self.consuming.close(), self.checking.close())
        await asyncio.gather(self._writing.close(), self._reading.close())

    async def _consume(self, requests: Sequence[Request]) -> Sequence[Outcome | Exception]:
        """Commit a batch. One that the database refuses is committed in halves, so that only the culprit fails."""
        try:
            return await self._commit(requests)
        except psycopg.Error as error:
            if is_outage(error):
                raise
            if len(requests) == 1:
                log.exception("a request was refused by the database", request=requests[0].counter)
                return [error]
        middle = len(requests) // 2
        return [*await self._consume(requests[:middle]), *await self._consume(requests[middle:])]

    async def _commit(self, requests: Sequence[Request]) -> Sequence[Outcome]:
        """Commit a batch, again when that is safe: a transaction the server refused or never got left nothing."""
        for left in reversed(range(TRIES)):
            attempt = _Attempt(self._runtime)
            try:
                return await attempt.run(await self._writing.open(), requests)
            except (pg.DeadlockDetected, pg.SerializationFailure, pg.QueryCanceled, pg.LockNotAvailable) as error:
                await self._writing.close()
                if not left:
                    raise DatabaseUnavailableError from error
            except (psycopg.Error, OSError) as error:
                await self._writing.close()
                if not is_outage(error):
                    raise
                log.warning("batch lost its connection", error=str(error).strip(), committing=attempt.committing)
                if attempt.committing:
                    raise OutcomeUnknownError from error
                if not left:
                    raise DatabaseUnavailableError from error
        raise AssertionError("unreachable")

    async def give_up_expired(self) -> None:
        """Close the reservations that are held beyond their time. Calls for their counters do so by themselves."""
        due = await expired_reservations(await self._reading.open(), self._runtime.clock.now())
        await asyncio.gather(*(self.consuming.submit(each) for each in due))

    async def _read(self, keys: Sequence[CounterKey]) -> Sequence[Standing]:
        wanted = list(dict.fromkeys(keys))
        for left in reversed(range(TRIES)):
            try:
                used = await read_counters(await self._reading.open(), wanted)
            except (psycopg.Error, OSError) as error:
                await self._reading.close()
                if not is_outage(error):
                    raise
                if not left:
                    raise DatabaseUnavailableError from error
            else:
                return [used.get(key, _UNUSED) for key in keys]
        raise AssertionError("unreachable")


class _Attempt:
    """One try at committing a batch. `committing` tells whether the server may have seen the commit."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.committing = False

    async def run(self, connection: psycopg.AsyncConnection[Any], requests: Sequence[Request]) -> Sequence[Outcome]:
        async with connection.pipeline():
            await connection.execute("begin")
            outcomes, crossings = await consume(connection, requests, self._runtime.clock.now())
            for crossing in crossings:
                await self._tell(connection, crossing)
            self.committing = True
            await connection.execute("commit")
        return outcomes

    async def _tell(self, connection: psycopg.AsyncConnection[Any], crossing: Crossing) -> None:
        """Have a threshold told, if this batch commits."""
        told = ThresholdReached(
            organization_id=crossing.counter.organization_id,
            meter_id=crossing.counter.meter_id,
            period_start=crossing.counter.period_start,
            percent=crossing.percent,
            limit=crossing.limit,
            used=crossing.used,
            at=crossing.at,
        )
        await self._runtime.jobs.defer(connection, announce_threshold, told.payload())
