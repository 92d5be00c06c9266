"""Coupons, codes, trials and currencies in the catalogue file."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tollkeeper.catalog import (
    CatalogueFileError,
    CodeTerms,
    Coupon,
    CouponTerms,
    Duration,
    PromotionCode,
    apply,
    coupon_in_words,
    list_codes,
    load_catalogue,
    read_catalogue_file,
    why_not,
)
from tollkeeper.infra import Runtime
from tollkeeper.kit import Money, new_id

NOW = datetime(2026, 5, 3, tzinfo=UTC)
PLANS = """
features: {}
plans:
  free: {name: Free, default: true}
  pro:
    name: Pro
    prices: {month: {usd: 2000}}
    trial: {days: 14, card: optional, without_card: pause}
"""


def mistakes(text: str) -> dict[str, str]:
    with pytest.raises(CatalogueFileError) as caught:
        read_catalogue_file(text)
    return {problem.field: problem.message for problem in caught.value.problems}


def test_every_mistake_in_offers_is_named_with_its_line() -> None:
    found = mistakes(
        PLANS.replace("default: true}", "default: true, trial: {days: 3}}")
        + """coupons:
  both: {name: Both, percent_off: 5, amount_off: {usd: 5}}
  fine: {name: Fine, percent_off: '0.125'}
  months: {name: Months, percent_off: 5, duration: repeating}
  other: {name: Other, percent_off: 5, plans: [gold, free]}
  euros: {name: Euros, amount_off: {eur: 5}}
codes:
  SAME: {coupon: months}
  same: {coupon: months}
  LOST: {coupon: nothing}
  "A B": {coupon: months}
  LATE: {coupon: months, expires_at: 2027-01-01}
"""
    )
    assert found["plans.free.trial"].startswith("line 4: ")
    assert found["coupons.both"] == "line 10: it takes one of `percent_off` and `amount_off`"
    assert "two decimals" in found["coupons.fine"]
    assert found["coupons.months"].endswith("`months` goes with `duration: repeating`, and only with it")
    assert "gold" in found["coupons.other.plans"] or "no price" in found["coupons.other.plans"]
    assert "usd" in found["coupons.euros.amount_off"]
    assert found["codes.same"].startswith("line 17: ")
    assert found["codes.LOST.coupon"].startswith("line 18: ")
    assert "codes.A B" in found
    assert "time zone" in found["codes.LATE.expires_at"]


def test_plans_are_sold_in_the_same_currencies_or_those_that_are_listed() -> None:
    text = """features: {}
plans:
  free: {name: Free, default: true}
  pro:
    name: Pro
    prices:
      month: {usd: 2000, eur: 1800}
      year: {usd: 20000}
  max:
    name: Max
    prices:
      month: {usd: 5000}
"""
    found = mistakes(text)
    assert list(found) == ["plans.max.prices.month"]
    assert found["plans.max.prices.month"].startswith("line 12: it lacks a price in eur: other plans are sold in it")
    assert read_catalogue_file(text + "currencies: [usd]\n").currencies == ("usd",)
    assert "`currencies` asks for it" in mistakes(text + "currencies: [usd, eur]\n")["plans.pro.prices.year"]


def test_thousandths_end_in_nought() -> None:
    text = PLANS.replace("usd: 2000", "kwd: 2005")
    assert mistakes(text) == {"plans.pro.prices.month.kwd": "line 7: amounts in kwd are thousandths and must end in 0"}
    assert str(Money(2010, "kwd")) == "2.010 KWD"
    assert str(Money(2010, "jpy")) == "2,010 JPY"


def test_coupons_in_words() -> None:
    assert coupon_in_words(CouponTerms(Decimal("12.50"), duration=Duration.REPEATING, months=3)) == (
        "12.5 % off for 3 months"
    )
    fixed = CouponTerms(amounts_off={"usd": 500, "jpy": 700}, plans=("pro",), max_redemptions=1000, redeem_by=NOW)
    assert coupon_in_words(fixed) == (
        "700 JPY or 5.00 USD off once, for pro, 1,000 times at most, until 2026-05-03 00:00 UTC"
    )


def test_what_speaks_against_a_code() -> None:
    def against(coupon: CouponTerms, terms: CodeTerms | None = None) -> str | None:
        code = PromotionCode(new_id(), "X", Coupon(new_id(), "x", "X", coupon), terms or CodeTerms())
        return why_not(code, "pro", Money(2000, "usd"), NOW)

    half = CouponTerms(Decimal(50))
    assert against(half) is None
    assert against(half, CodeTerms(expires_at=NOW)) == "This code expired on 3 May 2026."
    assert against(half, CodeTerms(expires_at=NOW + timedelta(seconds=1))) is None
    assert against(CouponTerms(Decimal(50), redeem_by=NOW)) == "This code expired on 3 May 2026."
    assert against(CouponTerms(Decimal(50), plans=("max",))) == "This code is not for this plan."
    assert against(CouponTerms(amounts_off={"eur": 5})) == "This code is not for prices in USD."
    assert against(half, CodeTerms(minimum={"usd": 2000})) is None
    assert against(half, CodeTerms(minimum={"usd": 2001})) == "This code is for purchases of 20.01 USD or more."
    assert against(half, CodeTerms(minimum={"eur": 1})) == "This code is not for prices in USD."


async def test_a_file_with_offers_is_kept_whole_and_changed_in_words(runtime: Runtime) -> None:
    text = PLANS + "coupons:\n  c: {name: C, percent_off: 10}\ncodes:\n  GO: {coupon: c, max_redemptions: 5}\n"

    async def put(text: str) -> list[str]:
        async with runtime.transaction() as tx:
            return [str(each) for each in await apply(tx, read_catalogue_file(text))]

    said = await put(text)
    assert "+ trial of pro: 14 days free, no card needed; without one it rests" in said
    assert said[-2:] == ["+ coupon c: 10 % off once", "+ code GO: c, 5 times at most"]
    assert await put(text) == [], "a second time changes nothing"
    async with runtime.transaction() as tx:
        before = (await load_catalogue(tx)).codes["go"]
    assert await put(text.replace("name: C", "name: See")) == ['~ coupon c: name "C" becomes "See"']
    async with runtime.transaction() as tx:
        renamed = (await load_catalogue(tx)).codes["go"]
    assert (renamed.id, renamed.coupon.name) == (before.id, "See"), "a name is no other coupon"
    [longer] = await put(text.replace("days: 14", "days: 30").replace("name: C", "name: See"))
    assert longer.startswith("~ trial of pro: 14 days free, no card needed; without one it rests becomes 30 days free")
    await put(PLANS)
    async with runtime.transaction() as tx:
        assert not (await load_catalogue(tx)).codes
        assert [code.archived_at is None for code in await list_codes(tx)] == [False], "nothing is deleted"
