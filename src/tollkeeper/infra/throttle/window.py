"""The sliding window: how many calls each of the last sixty-one seconds has seen. Time is passed in.

Never more than the limit in any sixty seconds, wherever they begin; and a call is refused only when as many were made
within the last sixty-one. The script for Redis keeps the same window.
"""

import math
from array import array
from collections.abc import Sequence

from .model import SLOTS, Rate, Verdict

_EMPTY = bytes(SLOTS * array("I").itemsize)


class Window:
    """The calls of one caller. `now` is in seconds; one that lies before the last counts as the last."""

    __slots__ = ("_calls", "_first", "_last", "total")

    def __init__(self, now: float) -> None:
        self._calls = array("I", _EMPTY)
        self._first = self._last = int(now)
        self.total = 0

    def move(self, now: float) -> None:
        """Let calls go that no longer count."""
        second, last = int(now), self._last
        if second <= last:
            return
        self._last = second
        if not self.total:
            self._first = second
        elif second - last >= SLOTS:
            self._calls = array("I", _EMPTY)
            self._first, self.total = second, 0
        else:
            calls = self._calls
            for gone in range(last + 1, second + 1):
                place = gone % SLOTS
                if calls[place]:
                    self.total -= calls[place]
                    calls[place] = 0

    def add(self) -> None:
        """Count a call now."""
        self._calls[self._last % SLOTS] += 1
        self.total += 1

    def wait(self, now: float, limit: int) -> float:
        """Return in how many seconds calls no longer count that do now, so many that fewer than `limit` are left."""
        calls, left = self._calls, self.total
        first = max(self._first, self._last - SLOTS + 1)
        while first < self._last and not calls[first % SLOTS]:
            first += 1
        self._first = first
        for second in range(first, self._last + 1):
            left -= calls[second % SLOTS]
            if left < limit:
                return second + SLOTS - now
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
