"""Billing periods: counted from an anchor, so that the 31st comes back after a short month. Unix seconds, UTC."""

import calendar
from datetime import UTC, datetime, timedelta

DAY = 86_400


def boundary(anchor: int, interval: str, count: int, number: int) -> int:
    """The start of period `number` (0 is the anchor; negative lies before it)."""
    steps = number * count
    if interval in ("day", "week"):
        days = steps * (7 if interval == "week" else 1)
        return int((datetime.fromtimestamp(anchor, UTC) + timedelta(days=days)).timestamp())
    return _months_later(anchor, steps * (12 if interval == "year" else 1))


def _months_later(anchor: int, months: int) -> int:
    start = datetime.fromtimestamp(anchor, UTC)
    year, month0 = divmod(start.year * 12 + start.month - 1 + months, 12)
    last_day = calendar.monthrange(year, month0 + 1)[1]
    return int(start.replace(year=year, month=month0 + 1, day=min(start.day, last_day)).timestamp())


def period_at(anchor: int, interval: str, count: int, moment: int) -> tuple[int, int]:
    """The period `[start, end)` that holds the moment."""
    length = {"day": DAY, "week": 7 * DAY, "month": 31 * DAY, "year": 366 * DAY}[interval] * count
    number = (moment - anchor) // length
    while boundary(anchor, interval, count, number + 1) <= moment:
        number += 1
    while boundary(anchor, interval, count, number) > moment:
        number -= 1
    return boundary(anchor, interval, count, number), boundary(anchor, interval, count, number + 1)
