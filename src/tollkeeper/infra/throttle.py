"""Rate limits: so many calls a minute, in a sliding window, shared through Redis when there is one."""

import math
import time
from typing import Any, NamedTuple, Protocol

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter as SharedLimiter
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

WINDOW_SECONDS = 60
# After Redis failed, ask it again only so much later; until then the local limiter decides.
REDIS_RETRY_SECONDS = 5.0


class Verdict(NamedTuple):
    """The answer for one call.

    `reset_after`, in whole seconds, at least 1: until the window ends, or for a refused call until one more fits.
    """

    allowed: bool
    limit: int
    remaining: int
    reset_after: int


class Throttle(Protocol):
    """Counts calls per key."""

    async def hit(self, key: str, per_minute: int) -> Verdict:
        """Take one call from the key's allowance, when there is one left."""
        ...

    def hit_at_once(self, key: str, per_minute: int) -> Verdict | None:
        """The same without waiting; None, and nothing taken, where somebody else has to be asked."""
        ...

    async def problem(self) -> str | None:
        """Say what is wrong with the shared state; None when nothing is."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class LocalThrottle:
    """Counts in this process only: the minute before weighs by how much of it is still in sight, as in Redis."""

    def __init__(self) -> None:
        self._window = 0
        self._now: dict[str, int] = {}
        self._before: dict[str, int] = {}

    async def hit(self, key: str, per_minute: int) -> Verdict:
        """See Throttle.hit."""
        return self.hit_at_once(key, per_minute)

    def hit_at_once(self, key: str, per_minute: int) -> Verdict:
        """See Throttle.hit_at_once."""
        moment = time.time()
        window, elapsed = divmod(moment, WINDOW_SECONDS)
        if window != self._window:
            self._before = self._now if window == self._window + 1 else {}
            self._now, self._window = {}, int(window)
        before, taken = self._before.get(key, 0), self._now.get(key, 0)
        weighted = before * (WINDOW_SECONDS - elapsed) / WINDOW_SECONDS + taken
        allowed = weighted + 1 <= per_minute
        if allowed:
            self._now[key] = taken + 1
            weighted += 1
        wait = WINDOW_SECONDS - elapsed if allowed else _wait(before, taken, elapsed, per_minute)
        return Verdict(allowed, per_minute, max(0, int(per_minute - weighted)), max(1, math.ceil(wait)))

    async def problem(self) -> str | None:
        """See Throttle.problem; memory is always there."""
        return None

    async def close(self) -> None:
        """See Throttle.close; there are none."""


class SharedThrottle:
    """Counts in Redis; when Redis is gone each process counts for itself until it is back, and says so."""

    def __init__(self, redis_url: str) -> None:
        self._pool = ConnectionPool.from_url(redis_url)
        options: Any = {"connection_pool": self._pool}
        self._storage = RedisStorage(f"async+{redis_url}", implementation="redispy", **options)
        self._limiter = SharedLimiter(self._storage)
        self._fallback = LocalThrottle()
        self._ask_again_at = 0.0

    async def hit(self, key: str, per_minute: int) -> Verdict:
        """See Throttle.hit."""
        if time.monotonic() < self._ask_again_at:
            return await self._fallback.hit(key, per_minute)
        item = RateLimitItemPerMinute(per_minute)
        try:
            allowed = await self._limiter.hit(item, key)
            stats = await self._limiter.get_window_stats(item, key)
        except (RedisError, OSError) as error:
            log.warning("redis is gone; rate limits are counted per process", error=str(error))
            self._ask_again_at = time.monotonic() + REDIS_RETRY_SECONDS
            return await self._fallback.hit(key, per_minute)
        return _verdict(per_minute, stats.reset_time, stats.remaining, allowed=allowed)

    def hit_at_once(self, _key: str, _per_minute: int) -> None:
        """See Throttle.hit_at_once: Redis has to be asked."""
        return

    async def problem(self) -> str | None:
        """See Throttle.problem."""
        try:
            return None if await self._storage.check() else "not reachable; limits are counted per process"
        except (RedisError, OSError):
            return "not reachable; limits are counted per process"

    async def close(self) -> None:
        """See Throttle.close."""
        await self._pool.aclose()


def _wait(before: int, taken: int, elapsed: float, limit: int) -> float:
    """Return how many seconds a refused caller waits until one more fits, if nobody calls in between."""
    if taken < limit:
        return WINDOW_SECONDS * (1 - (limit - taken - 1) / before) - elapsed
    return WINDOW_SECONDS - elapsed + WINDOW_SECONDS * max(0.0, 1 - (limit - 1) / taken)


def _verdict(limit: int, reset_time: float, remaining: int, *, allowed: bool) -> Verdict:
    after = max(1, math.ceil(reset_time - time.time()))
    return Verdict(allowed, limit, max(0, remaining), min(after, WINDOW_SECONDS))
