"""Periods are half-open, counted from the anchor, and cover time without gaps."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollkeeper.rating import Interval, Period, period_at

MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive by hypothesis' rule


@pytest.mark.parametrize(
    ("anchor", "interval", "now", "start", "end"),
    [
        ("2026-01-31", "month", "2026-02-10", "2026-01-31", "2026-02-28"),
        ("2026-01-31", "month", "2026-02-28", "2026-02-28", "2026-03-31"),
        ("2026-01-31", "month", "2026-04-30", "2026-04-30", "2026-05-31"),
        ("2024-02-29", "year", "2025-03-01", "2025-02-28", "2026-02-28"),
        ("2024-02-29", "year", "2028-02-29", "2028-02-29", "2029-02-28"),
        ("2026-01-01", "week", "2026-01-08", "2026-01-08", "2026-01-15"),
        ("2026-01-01", "day", "2025-12-31", "2025-12-31", "2026-01-01"),
        ("2026-01-31", "month", "2026-01-30", "2025-12-31", "2026-01-31"),
    ],
)
def test_known_periods(anchor: str, interval: str, now: str, start: str, end: str) -> None:
    def at(day: str) -> datetime:
        return datetime.fromisoformat(day).replace(tzinfo=UTC)

    assert period_at(at(anchor), Interval(interval), at(now)) == Period(at(start), at(end))


@given(anchor=MOMENTS, now=MOMENTS, interval=st.sampled_from(Interval))
def test_every_moment_has_one_period_and_periods_touch(anchor: datetime, now: datetime, interval: Interval) -> None:
    period = period_at(anchor, interval, now)
    assert now in period
    assert period_at(anchor, interval, period.start) == period
    assert period_at(anchor, interval, period.end).start == period.end
    assert period_at(anchor, interval, period.start - timedelta(microseconds=1)).end == period.start
