"""Where usage will stand when the period ends, if it goes on as it began. Pure: `now` is passed in."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tollkeeper.catalog import EntitlementPeriod
from tollkeeper.gate import Balance
from tollkeeper.metering import ADDITIVE

SHARE_NEEDED = 0.04
"""So much of a period must have passed before anything is said of its end."""
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a period comes to at its pace so far.

    `runs_out_at` is when the limit would be reached; None: not in this period, or it is reached already.
    `level` is ok, near (80 % of the limit) or over, as of the end of the period.
    """

    by_end: int
    a_day: float
    ends_at: datetime
    runs_out_at: datetime | None
    level: str


def forecast(balance: Balance, begun: datetime, now: datetime) -> Forecast | None:
    """Return what the period comes to; None where it cannot be said.

    That is for what does not add up, for what never resets or looks back all the time, and too early in a period.

    Args:
        balance: where the feature stands.
        begun: when the organization was made: periods that began before it have run since then only.
        now: the moment it is asked.
    """
    allowance, period = balance.allowance, balance.period
    if allowance.aggregation not in ADDITIVE or allowance.window or allowance.period is EntitlementPeriod.NEVER:
        return None
    start = max(period.start, begun)
    passed, whole = now - start, period.end - start
    if passed < whole * SHARE_NEEDED or not balance.used:
        return None
    by_end, limit = round(balance.used * (whole / passed)), balance.limit
    out = start + passed * (limit / balance.used) if limit and balance.used < limit <= by_end else None
    return Forecast(by_end, balance.used / (passed / DAY), period.end, out, level_of(by_end, limit))


NEAR = 0.8
"""From this part of a limit on, the page warns."""


def level_of(used: int, limit: int | None) -> str:
    """Return how near a limit something is: ok, near or over; None: there is no limit."""
    if limit is None or used < NEAR * limit:
        return "ok"
    return "over" if used >= limit else "near"
