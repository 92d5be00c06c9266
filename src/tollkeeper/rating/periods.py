"""Billing periods: which one a moment falls into."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from dateutil.relativedelta import relativedelta


class Interval(StrEnum):
    """How often something renews."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open span of time `[start, end)` in UTC."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


def period_at(anchor: datetime, interval: Interval, now: datetime) -> Period:
    """Return the period holding `now` in the series that starts at `anchor` and renews every `interval`.

    Every boundary is counted from the anchor itself, never from the boundary before it, so that 31 January is
    followed by 28 February and then 31 March. Moments before the anchor fall into earlier periods of the series.
    """
    if interval in {Interval.DAY, Interval.WEEK}:
        step = timedelta(days=1 if interval is Interval.DAY else 7)
        count = (now - anchor) // step
        return Period(anchor + count * step, anchor + (count + 1) * step)
    local, moment = anchor.astimezone(UTC), now.astimezone(UTC)
    months = (moment.year - local.year) * 12 + moment.month - local.month
    size = 1 if interval is Interval.MONTH else 12
    count = months // size
    if local + relativedelta(months=count * size) > moment:
        count -= 1
    return Period(local + relativedelta(months=count * size), local + relativedelta(months=(count + 1) * size))
