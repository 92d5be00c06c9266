"""What is said of the end of a period, and who is said to have used something."""

from datetime import UTC, datetime, timedelta

import pytest

from tollkeeper.catalog import EntitlementPeriod
from tollkeeper.gate import Allowance, Balance
from tollkeeper.metering import Aggregation
from tollkeeper.rating import Period
from tollkeeper.web.portal.forecast import forecast, level_of

START = datetime(2026, 3, 1, tzinfo=UTC)
MONTH = Period(START, START + timedelta(days=30))
LONG_AGO = START - timedelta(days=300)


def balance(used: int, limit: int | None = 1000, **more: object) -> Balance:
    kept: dict[str, object] = {"period": EntitlementPeriod.BILLING, "aggregation": Aggregation.SUM}
    return Balance(Allowance("prompts", 1, limit, hard=True, **(kept | more)), MONTH, used)  # type: ignore[arg-type]


def test_a_period_that_goes_on_as_it_began() -> None:
    found = forecast(balance(300), LONG_AGO, START + timedelta(days=10))
    assert found is not None
    assert (found.by_end, found.a_day, found.ends_at, found.runs_out_at) == (900, 30.0, MONTH.end, None)
    assert found.level == "near"


def test_the_day_is_told_on_which_a_limit_would_be_reached() -> None:
    found = forecast(balance(500), LONG_AGO, START + timedelta(days=10))
    assert found is not None
    assert (found.by_end, found.runs_out_at, found.level) == (1500, START + timedelta(days=20), "over")
    reached = forecast(balance(1000), LONG_AGO, START + timedelta(days=10))
    assert reached is not None
    assert reached.runs_out_at is None


def test_who_came_in_the_middle_of_a_period_is_measured_from_then() -> None:
    found = forecast(balance(100), START + timedelta(days=10), START + timedelta(days=20))
    assert found is not None
    assert (found.by_end, found.a_day) == (200, 10.0)


@pytest.mark.parametrize(
    ("asked", "after"),
    [
        (balance(500), timedelta(hours=12)),
        (balance(0), timedelta(days=10)),
        (balance(5, aggregation=Aggregation.LATEST), timedelta(days=10)),
        (balance(5, aggregation=Aggregation.UNIQUE), timedelta(days=10)),
        (balance(5, period=EntitlementPeriod.NEVER), timedelta(days=10)),
        (balance(5, period=EntitlementPeriod.ROLLING, window=timedelta(days=1)), timedelta(days=10)),
    ],
)
def test_nothing_is_said_where_nothing_can_be(asked: Balance, after: timedelta) -> None:
    assert forecast(asked, LONG_AGO, START + after) is None


def test_without_a_limit_there_is_a_forecast_and_no_day() -> None:
    found = forecast(balance(300, None), LONG_AGO, START + timedelta(days=10))
    assert found is not None
    assert (found.by_end, found.runs_out_at, found.level) == (900, None, "ok")


def test_how_near_a_limit_something_is() -> None:
    assert [level_of(used, 10) for used in (7, 8, 9, 10, 11)] == ["ok", "near", "near", "over", "over"]
    assert level_of(10**9, None) == "ok"
