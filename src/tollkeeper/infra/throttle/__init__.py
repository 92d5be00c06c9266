"""Rate limits: so many calls a minute, in a sliding window, shared through Redis when there is one.

Owns: counting calls by caller, and what becomes of it while Redis is gone.
Does not own: who is limited by how much.
Invariants: never more than the limit within any minute, of all processes together while Redis is there and of each
process always; a call that is refused by one of its limits counts against none.
What each time means: a window is the last minute, to the second; Redis' clock rules it, or this process' own.
"""

from .local import LocalThrottle
from .model import Rate, Rates, Throttle, Verdict

__all__ = ["LocalThrottle", "Rate", "Rates", "Throttle", "Verdict", "throttle_of"]


def throttle_of(redis_url: str | None) -> Throttle:
    """Return what counts calls: all processes together in Redis; None: each process by itself."""
    if redis_url is None:
        return LocalThrottle()
    from .shared import SharedThrottle  # noqa: PLC0415 - slow to load, used by few

    return SharedThrottle(redis_url)
