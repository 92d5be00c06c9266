from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tollkeeper.catalog import EntitlementPeriod, Feature, FeatureKind
from tollkeeper.gate import Allowance, Balance
from tollkeeper.identity import ApiKey, KeyKind
from tollkeeper.metering import Bucket, HistoryPoint
from tollkeeper.rating import Period
from tollkeeper.web.portal.views import (
    OVERVIEW_SPAN,
    key_rows,
    keys_fact,
    left_fact,
    limit_banners,
    series_of,
    span_of,
    usage_lines,
    window,
)

NOW = datetime(2026, 3, 10, 12, 34, 56, tzinfo=UTC)
MONTH = Period(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
PROMPTS = Feature("prompts", "Prompts", FeatureKind.METERED, "prompt")


def balance(used: int, limit: int | None, *, hard: bool = True, offered: bool = True) -> Balance:
    allowance = Allowance("prompts", 1, limit, hard, EntitlementPeriod.BILLING, offered)
    return Balance(allowance, MONTH, used)


@pytest.mark.parametrize(
    ("used", "limit", "level"),
    [
        (0, 1000, "ok"),
        (799, 1000, "ok"),
        (800, 1000, "near"),
        (999, 1000, "near"),
        (1000, 1000, "over"),
        (9, None, "ok"),
    ],
)
def test_a_line_warns_from_four_fifths_and_stops_at_the_limit(used: int, limit: int | None, level: str) -> None:
    (line,) = usage_lines([balance(used, limit)], {"prompts": PROMPTS})
    assert line.level == level
    assert line.reset_at == MONTH.end


def test_features_the_plan_does_not_offer_are_left_out() -> None:
    assert usage_lines([balance(0, 0, offered=False)], {"prompts": PROMPTS}) == []


def test_only_a_hard_limit_that_is_reached_is_announced() -> None:
    features = {"prompts": PROMPTS}
    assert limit_banners(usage_lines([balance(999, 1000)], features)) == []
    assert limit_banners(usage_lines([balance(1000, 1000, hard=False)], features)) == []
    (banner,) = limit_banners(usage_lines([balance(1000, 1000)], features))
    assert banner.title == "All 1,000 prompts of this period are used"
    assert "until 1 Apr 2026" in banner.text


def test_what_is_left_is_never_negative() -> None:
    fact = left_fact(usage_lines([balance(1200, 1000, hard=False)], {"prompts": PROMPTS}))
    assert (fact.label, fact.value) == ("Prompts left", "0")
    assert left_fact([]).value == "None"


def test_a_window_holds_whole_buckets_up_to_now() -> None:
    assert window(span_of("24h"), NOW) == Period(
        datetime(2026, 3, 9, 13, tzinfo=UTC), datetime(2026, 3, 10, 13, tzinfo=UTC)
    )
    days = window(OVERVIEW_SPAN, NOW)
    assert days == Period(datetime(2026, 2, 25, tzinfo=UTC), datetime(2026, 3, 11, tzinfo=UTC))
    assert NOW in days


def test_an_unknown_span_is_a_week() -> None:
    assert span_of("a while").key == "7d"


def test_buckets_without_usage_are_shown_as_zero() -> None:
    period = window(OVERVIEW_SPAN, NOW)
    points = [HistoryPoint(datetime(2026, 3, 8, tzinfo=UTC), 7), HistoryPoint(datetime(2026, 3, 10, tzinfo=UTC), 5)]
    series = series_of(PROMPTS, OVERVIEW_SPAN, period, points)
    assert len(series.points) == 14
    assert [point.value for point in series.points[-3:]] == [7, 0, 5]
    assert series.total == 12
    assert series.bucket == Bucket.DAY.value


def key(**changes: object) -> ApiKey:
    made: dict[str, object] = {
        "id": uuid4(),
        "organization_id": uuid4(),
        "created_by": None,
        "name": "server",
        "kind": KeyKind.LIVE,
        "scopes": (),
        "prefix": "tk_live_abcd",
        "last_four": "wxyz",
        "created_at": NOW,
        "expires_at": None,
        "revoked_at": None,
        "last_used_at": None,
        "use_count": 0,
    }
    return ApiKey(**(made | changes))  # type: ignore[arg-type]


def test_keys_are_listed_without_their_secret_and_with_why_they_are_refused() -> None:
    good, revoked, expired = key_rows(
        [key(), key(revoked_at=NOW), key(expires_at=NOW - timedelta(seconds=1))],
        NOW,
    )
    assert (good.masked, good.active, good.state) == ("tk_live_abcd…wxyz", True, "")
    assert (revoked.active, revoked.state) == (False, "Revoked")
    assert (expired.active, expired.state) == (False, "Expired")


def test_the_overview_counts_keys_that_work_and_tells_the_last_use() -> None:
    rows = key_rows([key(last_used_at=NOW), key(revoked_at=NOW)], NOW)
    fact = keys_fact(rows, NOW + timedelta(minutes=5))
    assert (fact.value, fact.note) == ("1", "Last used 5 minutes ago")
    assert keys_fact([], NOW).note == "Create one to make a call"
