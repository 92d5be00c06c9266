"""The sliding window: how many calls each of the last sixty-one seconds has seen. Time is passed in.

Never more than the limit in any sixty seconds, wherever they begin; and a call is refused only when as many were made
within the last sixty-one. The script for Redis keeps the same window.
"""

import math
from array import array
from collections.abc import Sequence

from .model import SLOTS, Rate, Verdict


class Window:
    """The calls of one caller. `now` is in seconds; one that lies before the last call counts as its moment."""

    __slots__ = ("_calls", "total")

    def __init__(self) -> None:
        self._calls = array("I")  # second, calls, second, calls, ..., oldest first
        self.total = 0

    def move(self, now: float) -> None:
        """Let calls go that no longer count."""
        calls = self._calls
        while calls and calls[0] + SLOTS <= now:
            self.total -= calls[1]
            del calls[:2]

    def add(self, now: float) -> None:
        """Count a call."""
        calls, second = self._calls, int(now)
        if calls and calls[-2] >= second:
            calls[-1] += 1
        else:
            calls.append(second)
            calls.append(1)
        self.total += 1

    def wait(self, now: float, limit: int) -> float:
        """Return in how many seconds calls no longer count that do now, so many that fewer than `limit` are left."""
        calls, left = self._calls, self.total
        if left <= limit and calls:
            return calls[0] + SLOTS - now
        for place in range(0, len(calls), 2):
            left -= calls[place + 1]
            if left < limit:
                return calls[place] + SLOTS - now
        return SLOTS


def verdict_of(standings: Sequence[tuple[Rate, int, float]], *, allowed: bool) -> Verdict:
    """Return the verdict by the tightest limit; each comes with how many calls are left and in how long more are.

    Of a call that is allowed that is the limit with the fewest left; of one that is not, the one it waits for longest.
    """
    if len(standings) == 1:
        rate, left, wait = standings[0]
    elif allowed:
        rate, left, wait = min(standings, key=lambda each: each[1])
    else:
        rate, left, wait = max((each for each in standings if not each[1]), key=lambda each: each[2])
    return Verdict(allowed, rate.per_minute, left, min(SLOTS, max(1, math.ceil(wait))), rate.name)
