"""Calls counted in Redis by all processes together, many to a round trip."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from .local import LocalThrottle
from .model import SLOTS, Rate, Rates, Told, Verdict
from .script import WINDOW
from .window import verdict_of

log = structlog.get_logger(__name__)

MAX_BATCH = 500
# Redis answers within a millisecond or is in trouble; whoever waits for it must not wait long.
TIMEOUT_SECONDS = 0.25
# How often Redis is asked whether it is back.
PROBE_SECONDS = 0.5
PREFIX = "tollkeeper:rate:"
PROBLEM = "not reachable; rate limits are counted by each process"
# Never reached, so that a probe always writes: a Redis that only reads is of no use.
_PROBE: Rates = (Rate("probe", 1_000_000_000),)

Asked = dict[Rates, list[Told]]


class SharedThrottle:
    """Counts in Redis. Calls that arrive while a round trip is under way share the next one; all are decided exactly.

    Besides, each process counts for itself what it let through, and never lets through more than the limit alone: so
    whatever becomes of Redis, P processes let through P times the limit at most. When Redis does not answer, that count
    decides without waiting, until a probe in the background finds Redis back.
    """

    def __init__(self, redis_url: str, clock: Callable[[], float] | None = None) -> None:
        """`clock` tells seconds; None is Redis' own clock, the same for all."""
        self._redis = Redis.from_url(
            redis_url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._script = self._redis.register_script(WINDOW)
        self._clock = clock
        self._alone = LocalThrottle(clock) if clock else LocalThrottle()
        self._waiting: list[tuple[Rates, Told]] = []
        self._draining: asyncio.Task[None] | None = None
        self._probing: asyncio.Task[None] | None = None

    @property
    def is_gone(self) -> bool:
        """Whether Redis did not answer when it was last asked."""
        return self._probing is not None

    def take(self, rates: Rates, told: Told) -> None:
        """See Throttle.take."""
        if self.is_gone:
            told(self._decide_alone(rates))
            return
        self._waiting.append((rates, told))
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain())

    async def hit(self, *rates: Rate) -> Verdict:
        """See Throttle.hit."""
        verdict: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self.take(rates, lambda found: None if verdict.done() else verdict.set_result(found))
        return await verdict

    async def _drain(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
                for told, verdict in await self._decide(batch):
                    try:
                        told(verdict)
                    except Exception:  # one caller's trouble is not the others'
                        log.exception("a verdict could not be handed over")
        finally:
            self._draining = None

    async def _decide(self, batch: Sequence[tuple[Rates, Told]]) -> Sequence[tuple[Told, Verdict]]:
        if self.is_gone:
            return [(told, self._decide_alone(rates)) for rates, told in batch]
        asked: Asked = {}
        for rates, told in batch:
            asked.setdefault(rates, []).append(told)
        try:
            answer = await self._ask({rates: len(callers) for rates, callers in asked.items()})
            return list(self._verdicts(asked, iter(answer)))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with Redis, callers wait for an answer
            self._lose(error)
            return [(told, self._decide_alone(rates)) for rates, told in batch]

    async def _ask(self, calls: dict[Rates, int]) -> Sequence[int]:
        """Have Redis decide calls of these kinds; raises RedisError, OSError or TimeoutError."""
        places: dict[str, int] = {}
        words: list[Any] = [SLOTS, self._clock() if self._clock else ""]
        for rates, count in calls.items():
            words += (count, len(rates))
            for rate in rates:
                words += (places.setdefault(PREFIX + rate.key, len(places) + 1), rate.per_minute)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            answer: Sequence[int] = await self._script(list(places), words)
        return answer

    def _verdicts(self, asked: Asked, numbers: Iterator[int]) -> Iterator[tuple[Told, Verdict]]:
        for rates, callers in asked.items():
            room = next(numbers)
            standings = [(rate, next(numbers), next(numbers) / 1000) for rate in rates]
            for place, told in enumerate(callers):
                if place >= room:
                    yield told, verdict_of(standings, allowed=False)
                    continue
                after = room - 1 - place  # calls of the same kind counted after this one
                there = verdict_of([(rate, left + after, wait) for rate, left, wait in standings], allowed=True)
                here = self._alone.decide(rates)
                yield told, there if here.allowed and there.remaining <= here.remaining else here

    def _decide_alone(self, rates: Rates) -> Verdict:
        closed = next((rate for rate in rates if rate.needs_redis), None)
        if closed is not None:
            return Verdict(
                allowed=False, limit=closed.per_minute, remaining=0, reset_after=1, name=closed.name, closed=True
            )
        return self._alone.decide(rates)

    def _lose(self, error: Exception) -> None:
        if self._probing is None:
            log.error("redis is gone; rate limits are counted by each process", error=str(error) or repr(error))
            self._probing = asyncio.create_task(self._probe())

    async def _probe(self) -> None:
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            try:
                await self._ask({_PROBE: 1})  # what is needed of it: not only a sign of life
            except (RedisError, OSError, TimeoutError):
                continue
            log.warning("redis is back; rate limits are counted by all processes together")
            self._probing = None
            return

    async def problem(self) -> str | None:
        """See Throttle.problem."""
        if not self.is_gone:
            try:
                await self._ask({_PROBE: 1})
            except (RedisError, OSError, TimeoutError) as error:
                self._lose(error)
        return PROBLEM if self.is_gone else None

    async def close(self) -> None:
        """See Throttle.close."""
        if self._draining is not None:
            await self._draining
        if self._probing is not None:
            self._probing.cancel()
        await self._redis.aclose()
