"""Usage beyond a limit becomes lines that say how they came about."""

from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from tollkeeper.kit import Money
from tollkeeper.rating import Charge, Flat, Graduated, Package, PerUnit, PriceVersion, Tier, Usage, rate_overage

D = Decimal
ID = UUID(int=7)


def price(charge: Charge) -> PriceVersion:
    return PriceVersion(ID, "prompts", "prompt", "usd", charge)


def test_a_line_replays_step_by_step() -> None:
    scale = Graduated((Tier(D(1000), D("0.5")), Tier(None, D("0.25"), D(100))))
    (line,) = rate_overage(price(Charge(scale)), Usage(D(251_501), D(250_000)))
    assert line.price_id == ID
    assert line.money == Money(725, "usd")
    assert line.exact == D("725.25")
    assert list(line.explain()) == [
        "251,501 used, included: 250,000 at 0.00 USD is 0.00 USD",
        "up to 1,000: 1,000 at 0.005 USD is 5.00 USD",
        "above 1,000: fixed fee: 1 at 1.00 USD is 1.00 USD",
        "above 1,000: 501 at 0.0025 USD is 1.2525 USD",
        "together 7.2525 USD, as charged 7.25 USD",
    ]
    assert line.description == (
        "1,501 prompt of prompts beyond 250,000"
        " (up to 1,000 0.005 USD each, above 1,000 0.0025 USD each and 1.00 USD once)"
    )


def test_nothing_beyond_costs_nothing_whatever_the_model() -> None:
    for charge in (Charge(Flat(D(500))), Charge(PerUnit(D(1)), minimum=D(500))):
        assert rate_overage(price(charge), Usage(D(10), D(10))) == ()
        assert rate_overage(price(charge), Usage(D(0), D(10))) == ()
        assert rate_overage(price(charge), Usage(D(11), D(10)))[0].money == Money(500, "usd")


def test_a_line_may_round_to_zero_and_a_package_begun_is_paid() -> None:
    assert rate_overage(price(Charge(PerUnit(D("0.1")))), Usage(D(1), D(0)))[0].money == Money(0, "usd")
    assert rate_overage(price(Charge(Package(D(1000), D(50)))), Usage(D(250_001), D(250_000)))[0].money.amount == 50


@given(used=st.integers(0, 10**12), included=st.integers(0, 10**12), unit=st.decimals(0, 1000, places=6))
def test_steps_account_for_every_unit_and_every_amount(used: int, included: int, unit: Decimal) -> None:
    for line in rate_overage(price(Charge(PerUnit(unit))), Usage(D(used), D(included))):
        assert sum(each.quantity for each in line.steps) == used
        assert sum(Fraction(each.amount) for each in line.steps) == Fraction(line.exact)
