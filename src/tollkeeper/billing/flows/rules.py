"""When a change takes effect. Pure."""

from datetime import datetime, timedelta
from typing import NamedTuple

from tollkeeper.kit import FieldProblem, InvalidInputError
from tollkeeper.rating import Interval

from .model import ChangeAt

PREVIEW_HOLDS = timedelta(hours=1)
"""How long what a preview said can be had: as of its moment, not of the moment of the change."""
_LENGTHS = {Interval.MONTH: 1, Interval.YEAR: 12}


class Level(NamedTuple):
    """What decides whether a change is one up or one down: the plan's place, the interval, the number of seats."""

    position: int
    interval: Interval
    quantity: int


def when(before: Level, after: Level) -> ChangeAt:
    """Return when a change takes effect unless somebody says otherwise.

    A higher plan, a longer interval and more seats are had at once; a lower plan, a shorter interval and fewer seats
    when what was paid for is used up. The plan decides first, then the interval, then the seats.
    """
    for old, new in (
        (before.position, after.position),
        (_LENGTHS[before.interval], _LENGTHS[after.interval]),
        (before.quantity, after.quantity),
    ):
        if new != old:
            return ChangeAt.NOW if new > old else ChangeAt.PERIOD_END
    return ChangeAt.NOW


def counted_from(as_of: datetime | None, *, period_start: datetime | None, now: datetime) -> datetime:
    """Return the moment that the parts of the period are counted from: the preview's, or now.

    Never before the period began: the provider's clock may be a little ahead of ours.

    Raises:
        InvalidInputError: `as_of` is later than that, too long ago, or before the period began.
    """
    latest = max(now, period_start or now)
    earliest = max(latest - PREVIEW_HOLDS, period_start or latest - PREVIEW_HOLDS)
    if as_of is None:
        return latest
    if not earliest <= as_of <= latest:
        raise InvalidInputError([FieldProblem("as_of", "Use the `as_of` of a preview made within the last hour.")])
    return as_of
