"""Pure arithmetic of money and time.

Owns: periods. Does not own: any state; every function takes the moment it is asked about.
Invariants: periods are half-open `[start, end)` in UTC; month ends are re-clamped from the anchor's day.
"""

from .periods import Interval, Period, period_at

__all__ = ["Interval", "Period", "period_at"]
