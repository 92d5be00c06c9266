"""Billing periods: which one a moment falls into, and where the series has its boundaries.

Convention: boundary `k` of a series is its anchor plus `k * count` intervals, for every integer `k`, counted from the
anchor and never from the boundary before it: 31 January, 28 February, 31 March. So does Stripe
(docs.stripe.com/billing/subscriptions/billing-cycle). Time of day is kept, in UTC. Periods are half-open.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from dateutil.relativedelta import relativedelta


class Interval(StrEnum):
    """How often something renews. A quarter is three months: `count=3`."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


_FIXED = {Interval.HOUR: timedelta(hours=1), Interval.DAY: timedelta(days=1), Interval.WEEK: timedelta(weeks=1)}
_MONTHS = {Interval.MONTH: 1, Interval.YEAR: 12}


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open span of time `[start, end)` in UTC."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


def boundary(anchor: datetime, interval: Interval, index: int, count: int = 1) -> datetime:
    """Return boundary `index` of the series that renews every `count` intervals; 0 is the anchor, below 0 before it.

    The day is the anchor's, or the last one of a month that is too short for it.
    """
    _check(count)
    if interval in _FIXED:
        return anchor + index * count * _FIXED[interval]
    return anchor.astimezone(UTC) + relativedelta(months=index * count * _MONTHS[interval])


def period_at(anchor: datetime, interval: Interval, now: datetime, count: int = 1) -> Period:
    """Return the period holding `now` in the series that starts at `anchor` and renews every `count` intervals.

    Moments before the anchor fall into earlier periods of the series.
    """
    index = _index(anchor, interval, now, count)
    return Period(boundary(anchor, interval, index, count), boundary(anchor, interval, index + 1, count))


def next_boundary(anchor: datetime, interval: Interval, now: datetime, count: int = 1) -> datetime:
    """Return the first boundary strictly after `now`."""
    return boundary(anchor, interval, _index(anchor, interval, now, count) + 1, count)


def previous_boundary(anchor: datetime, interval: Interval, now: datetime, count: int = 1) -> datetime:
    """Return the last boundary at or before `now`."""
    return boundary(anchor, interval, _index(anchor, interval, now, count), count)


def _index(anchor: datetime, interval: Interval, now: datetime, count: int) -> int:
    _check(count)
    if interval in _FIXED:
        return (now - anchor) // (count * _FIXED[interval])
    local, moment = anchor.astimezone(UTC), now.astimezone(UTC)
    months = (moment.year - local.year) * 12 + moment.month - local.month
    index = months // (count * _MONTHS[interval])
    return index - 1 if boundary(anchor, interval, index, count) > moment else index


def _check(count: int) -> None:
    if count < 1:
        raise ValueError(f"a period lasts at least one interval, not {count}")
