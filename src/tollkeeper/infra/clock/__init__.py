"""The clock that all processes of a trial system share, so that months can pass in a minute. Never in production.

Owns: how far the clock was moved. Does not own: what happens on the way (wiring's time machine).
Invariants: every process has the same offset a moment after a move; without a row, or in production, it is zero.
What each time means: `moved_at` is the machine's own.
"""

from .service import clock_offset, follow_clock, load_clock, move_clock

__all__ = ["clock_offset", "follow_clock", "load_clock", "move_clock"]
