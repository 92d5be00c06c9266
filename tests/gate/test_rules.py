"""Which period is current, what a plan comes to, which plan is offered."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tollkeeper.catalog import (
    Catalogue,
    Entitlement,
    EntitlementPeriod,
    Feature,
    FeatureKind,
    Plan,
    Price,
)
from tollkeeper.gate.model import Standing
from tollkeeper.gate.rules import Purchases, build_access, current_period
from tollkeeper.kit import Money
from tollkeeper.metering import Aggregation, Meter
from tollkeeper.rating import Interval, Period

PROMPTS = Feature("prompts", "Prompts", FeatureKind.METERED, "prompt")
TOKENS = Feature("tokens", "Tokens", FeatureKind.METERED, "token")
ANCHOR = datetime(2026, 1, 31, 10, tzinfo=UTC)


def plan(key: str, position: int, limit: int | None, cents: int | None = None, **extra: bool) -> Plan:
    prices = () if cents is None else (Price(UUID(int=cents), key, Interval.MONTH, Money(cents, "usd"), True),)
    entitlements = (Entitlement(PROMPTS, limit),)
    return Plan(
        key,
        key.title(),
        "",
        position,
        extra.get("is_default", False),
        extra.get("is_public", True),
        prices,
        entitlements,
        {"api": 300},
    )


CATALOGUE = Catalogue(
    {"prompts": PROMPTS, "tokens": TOKENS},
    {
        "free": plan("free", 0, 1000, is_default=True),
        "pro": plan("pro", 1, 50_000, 2000),
        "secret": plan("secret", 2, 90_000, 100, is_public=False),
        "enterprise": plan("enterprise", 3, None),
    },
)
METERS = [Meter(1, "prompts", "prompts", Aggregation.SUM, "prompt"), Meter(2, "tokens", "tokens", Aggregation.SUM, "")]


def standing(bought: Period | None = None, key: str | None = None) -> Standing:
    return Standing(UUID(int=1), ANCHOR, key, bought)


def test_the_default_plan_counts_months_from_the_anchor_with_ends_reclamped() -> None:
    access = build_access(standing(), CATALOGUE, METERS)
    now = datetime(2026, 3, 5, tzinfo=UTC)
    period = current_period(access, EntitlementPeriod.BILLING, now)
    assert period == Period(datetime(2026, 2, 28, 10, tzinfo=UTC), datetime(2026, 3, 31, 10, tzinfo=UTC))


def test_a_bought_period_is_the_provider_s_own() -> None:
    bought = Period(datetime(2026, 2, 28, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC))
    access = build_access(standing(bought, "pro"), CATALOGUE, METERS)
    assert current_period(access, EntitlementPeriod.BILLING, bought.start) == bought
    assert current_period(access, EntitlementPeriod.BILLING, bought.end - timedelta(microseconds=1)) == bought


def test_counting_goes_on_where_a_period_ended_until_the_renewal_is_heard_of() -> None:
    bought = Period(datetime(2026, 2, 28, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC))
    access = build_access(standing(bought, "pro"), CATALOGUE, METERS)
    assert current_period(access, EntitlementPeriod.BILLING, bought.end).start == bought.end


def test_a_year_is_counted_by_the_month_within_it() -> None:
    bought = Period(datetime(2026, 1, 15, tzinfo=UTC), datetime(2027, 1, 15, tzinfo=UTC))
    access = build_access(standing(bought, "pro"), CATALOGUE, METERS)
    period = current_period(access, EntitlementPeriod.BILLING, datetime(2026, 12, 20, tzinfo=UTC))
    assert period == Period(datetime(2026, 12, 15, tzinfo=UTC), bought.end)


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        (EntitlementPeriod.CALENDAR_MONTH, datetime(2026, 3, 1, tzinfo=UTC)),
        (EntitlementPeriod.NEVER, datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_calendar_months_and_lifetimes(kind: EntitlementPeriod, start: datetime) -> None:
    access = build_access(standing(), CATALOGUE, METERS)
    assert current_period(access, kind, datetime(2026, 3, 5, tzinfo=UTC)).start == start


def test_a_period_that_is_over_is_worked_out_anew() -> None:
    access = build_access(standing(), CATALOGUE, METERS)
    first = current_period(access, EntitlementPeriod.BILLING, ANCHOR)
    assert current_period(access, EntitlementPeriod.BILLING, first.end).start == first.end


def test_the_next_public_plan_that_allows_more_is_offered() -> None:
    offer = build_access(standing(), CATALOGUE, METERS).purchase.offers["prompts"]
    assert offer is not None
    assert (offer.plan, offer.limit, offer.price, offer.interval) == ("pro", 50_000, Money(2000, "usd"), "month")


def test_a_plan_without_a_price_can_be_offered_too() -> None:
    bought = Period(ANCHOR, ANCHOR + timedelta(days=30))
    offer = build_access(standing(bought, "pro"), CATALOGUE, METERS).purchase.offers["prompts"]
    assert offer is not None
    assert (offer.plan, offer.limit, offer.price) == ("enterprise", None, None)


def test_nothing_is_offered_beyond_unlimited() -> None:
    bought = Period(ANCHOR, ANCHOR + timedelta(days=30))
    assert build_access(standing(bought, "enterprise"), CATALOGUE, METERS).purchase.offers["prompts"] is None


def test_a_feature_the_plan_does_not_mention_has_a_hard_limit_of_zero() -> None:
    allowance = build_access(standing(), CATALOGUE, METERS).allowances["tokens"]
    assert (allowance.limit, allowance.hard, allowance.offered) == (0, True, False)


def test_a_plan_that_left_the_catalogue_falls_back_to_the_default() -> None:
    bought = Period(ANCHOR, ANCHOR + timedelta(days=30))
    assert build_access(standing(bought, "gone"), CATALOGUE, METERS).plan == "free"


def test_those_who_bought_the_same_share_what_it_comes_to_but_not_their_periods() -> None:
    purchases = Purchases(CATALOGUE, METERS)
    first, second = purchases.access(standing()), purchases.access(Standing(UUID(int=2), ANCHOR + timedelta(days=3)))
    assert first.allowances is second.allowances
    now = datetime(2026, 3, 5, tzinfo=UTC)
    periods = [current_period(each, EntitlementPeriod.BILLING, now) for each in (first, second)]
    assert periods[0] != periods[1]
    with_addons = purchases.access(Standing(UUID(int=3), ANCHOR, addons={"more": 2}))
    assert with_addons.allowances is not first.allowances
