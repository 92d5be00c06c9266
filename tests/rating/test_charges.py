"""Charge models: exact, monotonic, the same however a scale is written; and what is no charge is refused."""

from collections.abc import Callable
from decimal import Decimal, Inexact
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollkeeper.rating import (
    Charge,
    Flat,
    Graduated,
    Model,
    Package,
    Percentage,
    PerUnit,
    QuantityChange,
    Tier,
    Volume,
    charge_in_words,
    rate,
    rate_graduated_over_time,
    rate_payments,
)

D = Decimal
COUNTS = st.integers(0, 10**15)
UNITS = st.decimals(0, 10**15, places=6)
AMOUNTS = st.decimals(0, 10**8, places=12)
SIZES = st.integers(1, 10**6).map(D)


@st.composite
def tiers(draw: st.DrawFn) -> tuple[Tier, ...]:
    bounds = sorted(draw(st.sets(st.integers(1, 10**9), max_size=5)))
    return tuple(Tier(bound, draw(AMOUNTS), draw(AMOUNTS)) for bound in [*map(D, bounds), None])


MODELS: st.SearchStrategy[Model] = st.one_of(
    st.builds(Flat, AMOUNTS),
    st.builds(PerUnit, AMOUNTS, UNITS),
    st.builds(Package, SIZES, AMOUNTS, UNITS),
    st.builds(Graduated, tiers()),
    st.builds(Percentage, st.decimals(0, 100, places=4), AMOUNTS),
)


@given(model=MODELS | st.builds(Volume, tiers()), units=UNITS)
def test_the_steps_add_up_and_are_rounded_once(model: Model, units: D) -> None:
    rated = rate(Charge(model), units)
    assert sum(Fraction(each.amount) for each in rated.steps) == Fraction(rated.exact)
    assert all(Fraction(each.quantity) * Fraction(each.unit_amount) == Fraction(each.amount) for each in rated.steps)
    assert abs(rated.amount - Fraction(rated.exact)) <= Fraction(1, 2)


@given(model=MODELS, less=UNITS, more=UNITS, least=AMOUNTS, room=AMOUNTS)
def test_more_usage_never_costs_less(model: Model, less: D, more: D, least: D, room: D) -> None:
    less, more = sorted([less, more])
    assert rate(Charge(model), less).amount <= rate(Charge(model), more).amount
    bounded = Charge(model, least, least + room)
    assert least <= rate(bounded, less).exact <= rate(bounded, more).exact <= least + room


@given(unit=AMOUNTS, parts=st.lists(UNITS, min_size=1, max_size=6))
def test_units_cost_the_same_together_and_apart(unit: D, parts: list[D]) -> None:
    charge = Charge(PerUnit(unit))
    apart = sum(Fraction(rate(charge, part).exact) for part in parts)
    assert Fraction(rate(charge, sum(parts, D(0))).exact) == apart


@given(scale=tiers(), cut=st.integers(1, 2 * 10**9).map(D), units=UNITS)
def test_a_tier_cut_in_two_costs_the_same(scale: tuple[Tier, ...], cut: D, units: D) -> None:
    place = next(i for i, tier in enumerate(scale) if tier.up_to is None or cut <= tier.up_to)
    tier = scale[place]
    if tier.up_to == cut:
        return
    finer = (*scale[:place], Tier(cut, tier.unit, tier.flat), Tier(tier.up_to, tier.unit), *scale[place + 1 :])
    assert rate(Charge(Graduated(scale)), units).exact == rate(Charge(Graduated(finer)), units).exact


@given(model=MODELS | st.builds(Volume, tiers()), units=UNITS)
def test_a_credit_mirrors_its_charge(model: Model, units: D) -> None:
    charge = Charge(model)
    if units:
        assert rate(charge, -units, credit=True).amount == -rate(charge, units).amount
    assert rate(charge, -units) == rate(charge, 0)


@given(scale=tiers(), units=COUNTS)
def test_seats_that_stay_all_period_cost_what_the_scale_says(scale: tuple[Tier, ...], units: int) -> None:
    whole = [QuantityChange(D(units), D(units))] if units else []
    model = Graduated(scale)
    assert rate_graduated_over_time(model, whole) == rate(Charge(model), units).exact


@pytest.mark.parametrize("model", [Graduated, Volume])
def test_the_first_tiers_flat_fee_is_charged_at_zero_usage(model: Callable[[tuple[Tier, ...]], Model]) -> None:
    charge = Charge(model((Tier(D(10), D(1), D(200)), Tier(None, D(1), D(300)))))
    assert rate(charge, 0).amount == 200
    assert rate(charge, 10).amount == 210
    assert rate(charge, 11).amount == (511 if model is Graduated else 311)


def test_a_fraction_of_a_cent_is_a_price() -> None:
    assert rate(Charge(PerUnit(D("0.05"))), 1_234_567).amount == 61_728
    assert rate(Charge(PerUnit(D("0.05"))), 10).amount == 1
    assert rate(Charge(PerUnit(D("0.05"))), 9).amount == 0


def test_the_first_units_can_be_free() -> None:
    assert [rate(Charge(PerUnit(D(10), D(3))), units).amount for units in (0, 3, 4, 5)] == [0, 0, 10, 20]


def test_a_payment_below_the_free_ones_is_free_and_the_next_pays() -> None:
    model = Percentage(D(10), D(5), free_units=D(100))
    assert rate_payments(model, [D(60), D(40), D(0), D(100)]).amount == 5 + 5 + 10
    assert rate_payments(Percentage(D(10), free_events=1), [D(1000), D(1000)]).amount == 100


def test_a_lost_digit_is_an_error() -> None:
    with pytest.raises(Inexact):
        rate(Charge(PerUnit(D(10**70 + 1))), 10**70 + 1)


@pytest.mark.parametrize(
    "build",
    [
        lambda: Flat(D(-1)),
        lambda: Flat(D("NaN")),
        lambda: PerUnit(D("Infinity")),
        lambda: Package(D(0), D(1)),
        lambda: Graduated(()),
        lambda: Graduated((Tier(D(5)),)),
        lambda: Graduated((Tier(None), Tier(None))),
        lambda: Graduated((Tier(D(0)), Tier(None))),
        lambda: Volume((Tier(D(5)), Tier(D(5)), Tier(None))),
        lambda: Volume((Tier(D(15)), Tier(None)), block=D(10)),
        lambda: Charge(Flat(D(1)), minimum=D(5), maximum=D(4)),
        lambda: Percentage(D(1), free_events=-1),
        lambda: rate_payments(Percentage(D(1)), [D(-5)]),
    ],
)
def test_what_is_no_charge_is_refused(build: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        build()


@pytest.mark.parametrize(
    ("charge", "words"),
    [
        (Charge(Package(D(1000), D(50))), "0.50 USD for each 1,000"),
        (Charge(PerUnit(D("0.05"), D(10))), "0.0005 USD each, first 10 free"),
        (Charge(Flat(D(900)), maximum=D(500)), "9.00 USD flat, at most 5.00 USD"),
        (
            Charge(Graduated((Tier(D(100), D(10), D(200)), Tier(None, D(5)))), minimum=D(100)),
            "up to 100 0.10 USD each and 2.00 USD once, above 100 0.05 USD each, at least 1.00 USD",
        ),
        (
            Charge(Volume((Tier(D(1000), D(10)), Tier(None, D(5))), block=D(100))),
            "all at the last rate reached: up to 1,000 0.10 USD for each 100, above 1,000 0.05 USD for each 100",
        ),
        (
            Charge(Percentage(D("2.9"), D(30), 5, minimum=D(50))),
            "2.9 % and 0.30 USD of each payment, first 5 payments free, at least 0.50 USD a payment",
        ),
    ],
)
def test_a_charge_is_said_in_words(charge: Charge, words: str) -> None:
    assert charge_in_words(charge, "usd") == words
