"""What is asked of a throttle, and what it answers."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

WINDOW_SECONDS = 60
SLOTS = WINDOW_SECONDS + 1
"""A call counts for the second it fell into and the sixty after it: at least a minute, less than a second more."""


class Rate(NamedTuple):
    """So many calls a minute of one caller.

    `key` tells callers apart. `name` is what the limit is called in headers. `needs_redis`: where calls are counted in
    Redis and it is gone, they are refused rather than counted by each process for itself.
    """

    key: str
    per_minute: int
    name: str = "default"
    needs_redis: bool = False


Rates = tuple[Rate, ...]
"""Every limit one call counts against, at least one. It passes all of them or counts against none."""


class Verdict(NamedTuple):
    """The answer for one call, by the limit that is tightest for it.

    `reset_after`, in whole seconds from 1 to 61: until the oldest calls counted no longer count, and for a refused call
    until one more fits. `closed`: refused because it could not be counted, whatever is left.
    """

    allowed: bool
    limit: int
    remaining: int
    reset_after: int
    name: str
    closed: bool = False


Told = Callable[[Verdict], None]


class Throttle(Protocol):
    """Counts calls."""

    def take(self, rates: Rates, told: Told) -> None:
        """Count one call where it is allowed, and tell the verdict: before this returns, or soon."""
        ...

    async def hit(self, *rates: Rate) -> Verdict:
        """Do the same for those who wait."""
        ...

    async def problem(self) -> str | None:
        """Say what is wrong with the shared state; None when nothing is."""
        ...

    async def close(self) -> None:
        """Answer who waits, let go of connections."""
        ...
