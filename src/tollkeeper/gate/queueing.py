"""Questions gather in memory while those before them are answered, then share one answer's work.

Both queues are bounded by what they hold, so that load beyond the database's speed is refused at once rather than kept
until memory ends. They differ in whose turn it is: single requests are answered in the order they came; arrays of
events in turns by organization, so that nobody waits behind all that another has sent.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from functools import partial
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


Say = Callable[[], None]
"""Tells one caller their answer."""
Done = Callable[[A | Exception], Say]
"""Works out what a caller is told, and does nothing else: it may be asked before the answer counts."""
Expect = Callable[[Sequence[A]], None]
Flush = Callable[[Sequence[Q], Expect[A]], Awaitable[Sequence[A | Exception]]]
"""Answers questions in the order asked, one for one.

One that knows the answers before they count tells them to what it is given, and returns the very same sequence when
they do: so what the callers are told is worked out while it waits.
"""


def unforeseen(ask: Callable[[Sequence[Q]], Awaitable[Sequence[A | Exception]]]) -> Flush[Q, A]:
    """Return a flush that knows no answer before it has it."""

    def flush(questions: Sequence[Q], _: Expect[A]) -> Awaitable[Sequence[A | Exception]]:
        return ask(questions)

    return flush


class Batcher(Generic[Q, A]):
    """Collects questions while `flush` answers those before them."""

    def __init__(self, flush: Flush[Q, A], *, abreast: int = 1) -> None:
        """`abreast` is how many batches may be under way at once; they begin in the order asked."""
        self._flush = flush
        self._abreast = abreast
        self._waiting: list[tuple[Q, Done[A]]] = []
        self._draining: set[asyncio.Task[None]] = set()

    @property
    def is_full(self) -> bool:
        """Whether nothing more is queued at the moment."""
        return len(self._waiting) >= MAX_WAITING

    def put(self, question: Q, done: Done[A]) -> None:
        """Queue a question; `done` is called with its answer, or the error its batch ended with, and what it returns.

        Raises:
            OverloadedError: too many are waiting; the question was not queued.
        """
        if self.is_full:
            raise OverloadedError(retry_after=1)
        self._waiting.append((question, done))
        self._see_to_it()

    def submit(self, question: Q) -> "asyncio.Future[A]":
        """The same for those who wait; raises as `put`."""
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()

        self.put(question, lambda answer: partial(_settle, future, answer))
        return future

    async def close(self) -> None:
        """Wait until everything queued is answered."""
        while self._draining:
            await asyncio.wait(self._draining)

    def _see_to_it(self) -> None:
        if len(self._draining) < self._abreast:
            task = asyncio.get_running_loop().create_task(self._drain())
            self._draining.add(task)

    def _next(self) -> list[tuple[Q, Done[A]]]:
        """Take what is answered next out of the queue; nothing when it is empty."""
        batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
        return batch

    async def _drain(self) -> None:
        try:
            while batch := self._next():
                await self._answer(batch)
        finally:
            self._draining.discard(asyncio.current_task())

    async def _answer(self, batch: list[tuple[Q, Done[A]]]) -> None:
        expected: Sequence[A] | None = None
        says: list[Say] = []

        def expect(foreseen: Sequence[A]) -> None:
            nonlocal expected, says
            expected, says = foreseen, _worked_out(batch, foreseen)

        answers: Sequence[A | Exception]
        try:
            answers = await self._flush([question for question, _ in batch], expect)
        except Exception as error:  # noqa: BLE001 - each caller is told
            answers = [error] * len(batch)
        _tell(says if answers is expected else _worked_out(batch, answers))


def _settle(future: "asyncio.Future[A]", answer: A | Exception) -> None:
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)


def _worked_out(batch: Sequence[tuple[Q, Done[A]]], answers: Sequence[A | Exception]) -> list[Say]:
    says: list[Say] = []
    for (_, done), answer in zip(batch, answers, strict=True):
        try:
            says.append(done(answer))
        except Exception:  # one caller's trouble is not the others'
            log.exception("an answer could not be worked out")
    return says


def _tell(says: Iterable[Say]) -> None:
    for say in says:
        try:
            say()
        except Exception:  # as above
            log.exception("an answer could not be handed over")


class FairBatcher(Batcher[Q, A]):
    """Takes questions that hold many events each, one of each owner in turn.

    `MAX_WAITING` counts events, and one owner's may be half of them, so that there is room for the others.
    """

    def __init__(
        self,
        flush: Flush[Q, A],
        *,
        owner: Callable[[Q], Hashable],
        size: Callable[[Q], int],
        abreast: int = 1,
    ) -> None:
        super().__init__(flush, abreast=abreast)
        self._owner = owner
        self._size = size
        self._lanes: OrderedDict[Hashable, deque[tuple[Q, Done[A]]]] = OrderedDict()
        self._held: dict[Hashable, int] = {}
        self._events = 0

    @property
    def is_full(self) -> bool:
        """Whether nothing more is queued at the moment."""
        return self._events >= MAX_WAITING

    def put(self, question: Q, done: Done[A]) -> None:
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
        self._see_to_it()

    def _next(self) -> list[tuple[Q, Done[A]]]:
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
