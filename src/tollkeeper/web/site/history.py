"""How the service was over the last months: a day at a time, and the disturbances, from what was seen every minute."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from math import floor

from tollkeeper.infra import UptimeSpan

DAYS = 90
MOST_INCIDENTS = 20
_DAY = timedelta(days=1)
_BAD = ("slow", "down")  # from bad to worse
_WORKS = "works"


@dataclass(frozen=True, slots=True)
class Day:
    """A day in UTC, by when it began. `state`: the worst there was, `works`, `slow` or `down`; empty: nobody looked.

    `disturbed` is for how long it was not as it should be.
    """

    at: datetime
    state: str
    disturbed: timedelta


@dataclass(frozen=True, slots=True)
class Past:
    """How one part was: every day, oldest first, and `share` of the time looked at in which it worked.

    `share` None: nobody looked long enough to say.
    """

    days: Sequence[Day]
    share: float | None

    @property
    def bad_days(self) -> Sequence[Day]:
        """The days on which it was disturbed."""
        return [day for day in self.days if day.state in _BAD]


@dataclass(frozen=True, slots=True)
class Incident:
    """A part was not as it should be from `since` to `until`; `state` the worst it was. `is_over`: something else was
    seen after it, or nothing for a while.

    The moment it was first seen may come up to a minute after it began.
    """

    part: str
    state: str
    since: datetime
    until: datetime
    is_over: bool


def past_of(spans: Iterable[UptimeSpan], now: datetime, *, days: int = DAYS) -> Past:
    """Return how one part was by its spans, over the days up to today."""
    first = now.date() - (days - 1) * _DAY
    worst: dict[date, str] = {}
    disturbed: dict[date, timedelta] = {}
    looked = wrong = timedelta()
    for span in spans:
        for day, lasted in _by_day(span, first):
            worst[day] = _worse(worst.get(day, ""), span.state)
            looked += lasted
            if span.state in _BAD:
                wrong += lasted
                disturbed[day] = disturbed.get(day, timedelta()) + lasted
    all_days = [first + number * _DAY for number in range(days)]
    shown = [
        Day(datetime.combine(day, time(), UTC), worst.get(day, ""), disturbed.get(day, timedelta())) for day in all_days
    ]
    return Past(shown, 1 - wrong / looked if looked else None)


def incidents_of(spans: Iterable[UptimeSpan]) -> list[Incident]:
    """Return the disturbances in these spans, which are ordered by when they end; newest first, MOST_INCIDENTS at most.

    What follows at once on a disturbance of the same part belongs to it, however bad.
    """
    open_ones: dict[str, Incident] = {}
    found: list[Incident] = []
    for span in sorted(spans, key=lambda each: each.since):
        running = open_ones.pop(span.part, None)
        if running is not None and (span.since > running.until or span.state not in _BAD):
            found.append(replace(running, is_over=True))
            running = None
        if span.state in _BAD:
            since, state = (running.since, running.state) if running else (span.since, "")
            open_ones[span.part] = Incident(span.part, _worse(state, span.state), since, span.until, is_over=False)
    ordered = sorted([*found, *open_ones.values()], key=lambda each: each.since, reverse=True)
    return ordered[:MOST_INCIDENTS]


def lasted(duration: timedelta) -> str:
    """Return for how long something was so, for people: `less than a minute`, `12 minutes`, `2 h 5 min`, `3 days`."""
    minutes = round(duration.total_seconds() / 60)
    hours, rest = divmod(minutes, 60)
    if minutes < 1:
        return "less than a minute"
    if hours < 1:
        return f"{minutes} minute{'s' if minutes > 1 else ''}"
    return f"{round(hours / 24)} days" if hours >= 48 else f"{hours} h {rest} min" if rest else f"{hours} h"  # noqa: PLR2004 - two days


def share(part: float) -> str:
    """Return a share of the time as people read it: `100 %`, `99.98 %`, never rounded up to the whole."""
    hundredths = floor(part * 10_000)
    return "100 %" if hundredths == 10_000 else f"{hundredths / 100:.2f} %"  # noqa: PLR2004 - the whole


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _by_day(span: UptimeSpan, first: date) -> Iterable[tuple[date, timedelta]]:
    """Cut a span at midnight, UTC; what lies before the first day is left out."""
    since = max(span.since.astimezone(UTC), _midnight(first))
    while since <= span.until:
        midnight = _midnight(since.date() + _DAY)
        yield since.date(), min(span.until, midnight) - since
        since = midnight


def _worse(one: str, other: str) -> str:
    order = ("", "unknown", _WORKS, *_BAD)
    return max(one, other, key=order.index)
