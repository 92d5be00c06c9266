"""The only source of time. Virtual time runs at the speed of real time, shifted by an offset that can only grow."""

import time


class Clock:
    """`now` is what objects, renewals and retries go by; `wall` is what signatures and network time-outs go by."""

    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset

    def wall(self) -> float:
        """Real Unix time in seconds."""
        return time.time()

    def now(self) -> float:
        """Virtual Unix time in seconds."""
        return self.wall() + self.offset

    def advance(self, seconds: float) -> None:
        """Shift virtual time forward; going back is refused with ValueError."""
        if seconds < 0:
            raise ValueError("time does not run backwards")
        self.offset += seconds
