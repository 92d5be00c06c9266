"""Questions gather in memory while those before them are answered, then share one answer's work.

Both queues are bounded by what they hold, so that load beyond the database's speed is refused at once rather than kept
until memory ends. They differ in whose turn it is: single requests are answered in the order they came; arrays of
events in turns by organization, so that nobody waits behind all that another has sent.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, Generic, TypeVar

import structlog

from .model import OverloadedError

log = structlog.get_logger(__name__)

Q = TypeVar("Q")
A = TypeVar("A")

# Bounds memory and the worst wait: at ten thousand a second the last of these waits two seconds.
MAX_WAITING = 20_000
MAX_BATCH = 1_000
# As many events as one transaction takes of arrays: enough to share its commit, few enough to keep locks short.
MAX_EVENTS = 8_000


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

    def _next(self) -> list[tuple[Q, Callable[[A | Exception], None]]]:
        """Take what is answered next out of the queue; nothing when it is empty."""
        batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
        return batch

    async def _drain(self) -> None:
        try:
            while batch := self._next():
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


class FairBatcher(Batcher[Q, A]):
    """Takes questions that hold many events each, one of each owner in turn.

    `MAX_WAITING` counts events, and one owner's may be half of them, so that there is room for the others.
    """

    def __init__(
        self,
        flush: Callable[[Sequence[Q]], Awaitable[Sequence[A | Exception]]],
        *,
        owner: Callable[[Q], Hashable],
        size: Callable[[Q], int],
    ) -> None:
        super().__init__(flush)
        self._owner = owner
        self._size = size
        self._lanes: OrderedDict[Hashable, deque[tuple[Q, Callable[[A | Exception], None]]]] = OrderedDict()
        self._held: dict[Hashable, int] = {}
        self._events = 0

    @property
    def is_full(self) -> bool:
        """Whether nothing more is queued at the moment."""
        return self._events >= MAX_WAITING

    def put(self, question: Q, done: Callable[[A | Exception], None]) -> None:
        """Queue a question; see Batcher.

        Raises:
            OverloadedError: too many events are waiting, or too many of this owner's; the question was not queued.
        """
        owner, size = self._owner(question), self._size(question)
        held = self._held.get(owner, 0)
        # What comes into an empty lane is taken whatever its size, or it would never be.
        if self._events + size > MAX_WAITING or (held and held + size > MAX_WAITING // 2):
            raise OverloadedError(retry_after=1)
        self._lanes.setdefault(owner, deque()).append((question, done))
        self._held[owner] = held + size
        self._events += size
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain())

    def _next(self) -> list[tuple[Q, Callable[[A | Exception], None]]]:
        batch: list[Any] = []
        room = MAX_EVENTS
        while self._lanes and room > 0:
            owner, lane = self._lanes.popitem(last=False)
            entry = lane.popleft()
            size = self._size(entry[0])
            room -= size
            self._events -= size
            self._held[owner] -= size
            batch.append(entry)
            if lane:
                self._lanes[owner] = lane  # behind the others
            else:
                del self._held[owner]
        return batch
