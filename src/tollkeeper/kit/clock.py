"""Time is passed in. The clock is the one place that asks the system for it."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the current moment, aware and in UTC."""

    def now(self) -> datetime:
        """Return the current moment in UTC."""
        ...

    def wall(self) -> datetime:
        """Return what clocks of other machines show now, however far this one was moved."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)

    def wall(self) -> datetime:
        """See Clock."""
        return self.now()


class FixedClock:
    """A clock that stands still until moved; for tests and simulations."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        """Return the moment the clock stands at."""
        return self._at

    def wall(self) -> datetime:
        """See Clock: tests that hold this clock still hold the world still."""
        return self._at

    def advance(self, by: timedelta) -> None:
        """Move the clock forward (or back, with a negative step)."""
        self._at += by


class MovableClock:
    """Another clock, shifted: time goes on at its own speed from wherever it was moved to. Never in production."""

    def __init__(self, base: Clock | None = None) -> None:
        """`base` None is the machine's own clock; it starts unmoved."""
        self._base = base or SystemClock()
        self.offset = timedelta()

    def now(self) -> datetime:
        """Return the moment this clock was moved to, going on since."""
        return self._base.now() + self.offset

    def wall(self) -> datetime:
        """See Clock."""
        return self._base.wall()
