"""Lines of an invoice: rounding, sharing out, discounts, tax, proration. Parts sum to their whole."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tollkeeper.kit import Money
from tollkeeper.rating import (
    AmountOff,
    Interval,
    PercentOff,
    Period,
    TaxRate,
    allocate,
    boundary,
    change_interval,
    change_plan,
    discount_lines,
    in_major,
    next_boundary,
    period_at,
    previous_boundary,
    prorate,
    remaining,
    round_half_away,
    tax_line,
    to_money,
)

D = Decimal
START = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
AMOUNT = st.integers(-(10**9), 10**9)
POSITIVE = st.integers(0, 10**9)
PERCENT = st.decimals(0, 100, places=4)
SECONDS = st.integers(0, 400 * 86_400)
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive by hypothesis' rule


def usd(amount: int) -> Money:
    return Money(amount, "usd")


@pytest.mark.parametrize(
    ("value", "rounded"),
    [("0.5", 1), ("1.5", 2), ("2.5", 3), ("-0.5", -1), ("-2.5", -3), ("2.4999", 2), ("-2.4999", -2), ("0", 0)],
)
def test_a_half_goes_away_from_zero(value: str, rounded: int) -> None:
    assert round_half_away(D(value)) == rounded


@given(value=st.fractions(), whole=st.integers())
def test_rounding_is_nearest_and_symmetric(value: Fraction, whole: int) -> None:
    assert abs(round_half_away(value) - value) <= Fraction(1, 2)
    assert round_half_away(-value) == -round_half_away(value)
    assert round_half_away(whole) == whole


@pytest.mark.parametrize(
    ("major", "currency", "amount"),
    [("10.275", "usd", 1028), ("1000.5", "jpy", 1001), ("1.0005", "kwd", 1001), ("-10.275", "eur", -1028)],
)
def test_decimals_are_the_currencys(major: str, currency: str, amount: int) -> None:
    assert to_money(D(major), currency) == Money(amount, currency)


def test_amounts_are_written_to_the_last_digit() -> None:
    assert in_major(D("0.5"), "usd") == "0.005 USD"
    assert in_major(D(123_456_700), "usd") == "1,234,567.00 USD"
    assert in_major(D("-0.05"), "jpy") == "-0.05 JPY"
    assert in_major(D(0), "jpy") == "0 JPY"


@given(total=AMOUNT, weights=st.lists(POSITIVE, min_size=1, max_size=20))
def test_shares_sum_to_the_whole(total: int, weights: list[int]) -> None:
    assume(sum(weights))
    parts = allocate(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1
        assert weight or not part
    assert allocate(-total, weights) == [-part for part in parts]


def test_what_is_left_goes_to_the_largest_remainder_then_to_the_first_line() -> None:
    assert allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert allocate(10, [1, 5, 3]) == [1, 6, 3]
    assert allocate(0, [0, 0]) == [0, 0]
    for weights in ([0, 0], [-1, 2], []):
        with pytest.raises(ValueError, match="weights"):
            allocate(1, weights)


@given(lines=st.lists(AMOUNT, min_size=1, max_size=9), off=POSITIVE, percent=PERCENT)
def test_a_discount_never_exceeds_its_line_and_spares_credits(lines: list[int], off: int, percent: D) -> None:
    money = [usd(line) for line in lines]
    for discount in (AmountOff(usd(off)), PercentOff(percent)):
        taken = [each.amount for each in discount_lines(money, discount)]
        assert all(0 <= part <= max(line, 0) for part, line in zip(taken, lines, strict=True))
    open_sum = sum(max(line, 0) for line in lines)
    assert sum(each.amount for each in discount_lines(money, AmountOff(usd(off)))) == min(off, open_sum)


def test_a_discount_is_zero_to_all_and_of_the_same_currency() -> None:
    for percent in ("-1", "100.1"):
        with pytest.raises(ValueError, match="per cent"):
            PercentOff(D(percent))
    with pytest.raises(ValueError, match="surcharge"):
        AmountOff(usd(-1))
    with pytest.raises(ValueError, match="needs lines"):
        discount_lines([Money(1, "eur")], AmountOff(usd(1)))


@given(line=AMOUNT, rates=st.lists(st.builds(TaxRate, PERCENT, st.booleans()), max_size=4))
def test_net_and_taxes_make_the_gross(line: int, rates: list[TaxRate]) -> None:
    taxed = tax_line(usd(line), rates)
    assert taxed.net.amount + sum(tax.amount for tax in taxed.taxes) == taxed.gross.amount
    if all(rate.inclusive for rate in rates):
        assert taxed.gross == usd(line)
    if not any(rate.inclusive for rate in rates):
        assert taxed.net == usd(line)
    mirrored = tax_line(usd(-line), rates)
    assert [tax.amount for tax in mirrored.taxes] == [-tax.amount for tax in taxed.taxes]


def test_taxes_of_known_lines() -> None:
    inclusive = tax_line(usd(2000), [TaxRate(D(19), inclusive=True)])
    assert (inclusive.net.amount, inclusive.taxes[0].amount) == (1681, 319)
    two = tax_line(usd(1130), [TaxRate(D(5), inclusive=True), TaxRate(D(8), inclusive=True), TaxRate(D(10))])
    assert [tax.amount for tax in two.taxes] == [50, 80, 100]
    assert two.gross == usd(1230)
    with pytest.raises(ValueError, match="tax rate"):
        TaxRate(D(-1))


@given(amount=AMOUNT, length=st.integers(1, 400 * 86_400), one=SECONDS, other=SECONDS)
def test_proration_falls_with_time_and_its_ends_are_whole(amount: int, length: int, one: int, other: int) -> None:
    period = Period(START, START + timedelta(seconds=length))
    early, late = (START + timedelta(seconds=each) for each in sorted([one, other]))
    assert abs(prorate(usd(amount), period, late).amount) <= abs(prorate(usd(amount), period, early).amount)
    assert prorate(usd(amount), period, period.start - timedelta(days=1)) == usd(amount)
    assert prorate(usd(amount), period, period.end) == usd(0)
    assert prorate(usd(-amount), period, early) == -prorate(usd(amount), period, early)


@given(amount=POSITIVE, seconds=st.lists(SECONDS, min_size=1, max_size=5))
def test_the_pieces_of_a_period_sum_to_it(amount: int, seconds: list[int]) -> None:
    """However often a period is cut, the parts between the cuts are what the whole costs."""
    period = Period(START, START + timedelta(days=400))
    cuts = [START, *(START + timedelta(seconds=each) for each in sorted(seconds)), period.end]
    left = [prorate(usd(amount), period, cut).amount for cut in cuts]
    assert sum(before - after for before, after in pairwise(left)) == amount


@given(amount=POSITIVE, second=SECONDS)
def test_a_change_to_the_same_amount_costs_nothing(amount: int, second: int) -> None:
    period = Period(START, START + timedelta(days=400))
    change = change_plan(usd(amount), usd(amount), period, START + timedelta(seconds=second))
    assert change.net == usd(0)


def test_parts_of_a_second_do_not_count() -> None:
    period = Period(START, START + timedelta(seconds=10))
    assert remaining(period, START + timedelta(seconds=5, microseconds=999_999)) == Fraction(1, 2)
    with pytest.raises(ValueError, match="length"):
        remaining(Period(START, START), START)


def test_a_change_of_interval_starts_a_new_full_cycle() -> None:
    month = period_at(START, Interval.MONTH, START)
    moment = START + (month.end - month.start) / 2
    change = change_interval(usd(2000), usd(20_000), month, moment, interval=Interval.YEAR)
    assert (change.credit, change.charge, change.net) == (usd(-1000), usd(20_000), usd(19_000))
    assert change.period == period_at(moment, Interval.YEAR, moment)


@given(anchor=MOMENTS, now=MOMENTS, interval=st.sampled_from(Interval), count=st.integers(1, 24))
def test_boundaries_enclose_the_moment(anchor: datetime, now: datetime, interval: Interval, count: int) -> None:
    before, later = previous_boundary(anchor, interval, now, count), next_boundary(anchor, interval, now, count)
    assert before <= now < later
    assert period_at(anchor, interval, now, count) == Period(before, later)
    assert next_boundary(anchor, interval, before, count) == later
    assert previous_boundary(anchor, interval, later - timedelta(microseconds=1), count) == before


@given(anchor=MOMENTS, index=st.integers(-200, 200), count=st.integers(1, 6))
def test_the_day_never_drifts(anchor: datetime, index: int, count: int) -> None:
    found = boundary(anchor, Interval.MONTH, index, count)
    assert found.timetz() == anchor.timetz()
    assert found.day == anchor.day or (found.day < anchor.day and (found + timedelta(days=1)).day == 1)


def test_a_period_lasts_at_least_one_interval() -> None:
    for use in (period_at, next_boundary):
        with pytest.raises(ValueError, match="at least one"):
            use(START, Interval.MONTH, START, 0)
