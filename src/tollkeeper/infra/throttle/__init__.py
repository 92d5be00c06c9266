"""Rate limits: so many calls a minute, in a sliding window, shared through Redis when there is one.

Owns: counting calls by caller, and what becomes of it while Redis is gone.
Does not own: who is limited by how much.
Invariants: never more than the limit within any minute, of all processes together while Redis is there and of each
process always; a call that is refused by one of its limits counts against none.
What each time means: a window is the last minute, to the second; Redis' clock rules it, or this process' own.
"""

from .local import LocalThrottle
from .model import Rate, Rates, Throttle, Verdict
from .shared import SharedThrottle

__all__ = ["LocalThrottle", "Rate", "Rates", "SharedThrottle", "Throttle", "Verdict"]
