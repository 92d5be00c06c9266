from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

from tollkeeper.catalog import Entitlement, EntitlementPeriod, Feature, FeatureKind, Plan, Price
from tollkeeper.kit import Money
from tollkeeper.rating import Charge, Interval, Package, PriceVersion
from tollkeeper.web.ui import amount, cards, chosen_interval, comparison, saving

PROMPTS = Feature("prompts", "Prompts", FeatureKind.METERED, "prompt")
TOKENS = Feature("ai_tokens", "AI tokens", FeatureKind.METERED, "token")
DAYS = Feature("history_days", "Days of history", FeatureKind.SETTING, "day")
DOMAINS = Feature("custom_domains", "Custom domains", FeatureKind.SWITCH)


def plan(key: str, *entitlements: Entitlement, month: int = 0, year: int = 0, rate: int | None = 300) -> Plan:
    prices = [(Interval.MONTH, month), (Interval.YEAR, year)]
    return Plan(
        key=key,
        name=key.capitalize(),
        description="",
        position=0,
        is_default=key == "free",
        is_public=True,
        prices=tuple(Price(uuid4(), key, each, Money(money, "usd"), active=True) for each, money in prices if money),
        entitlements=entitlements,
        rates={"api": rate},
    )


BEYOND = PriceVersion(uuid4(), "prompts", "prompt", "usd", Charge(Package(Decimal(1000), Decimal(50))))
FREE = plan("free", Entitlement(PROMPTS, limit=1000), Entitlement(DOMAINS, value=False))
PRO = plan(
    "pro",
    Entitlement(PROMPTS, limit=50000, hard=False),
    Entitlement(TOKENS, limit=10_000_000, period=EntitlementPeriod.NEVER),
    Entitlement(DAYS, value=90),
    Entitlement(DOMAINS, value=True),
    month=2000,
    year=20000,
    rate=1200,
)
ENTERPRISE = plan("enterprise", Entitlement(PROMPTS, limit=None), rate=None)
PLANS = [FREE, PRO, ENTERPRISE]


def test_amounts_are_written_as_in_a_shop() -> None:
    assert amount(Money(2000, "usd")) == "$20"
    assert amount(Money(1950, "eur")) == "€19.50"
    assert amount(Money(123400, "gbp")) == "£1,234"
    assert amount(Money(900, "jpy")) == "¥900"
    assert amount(Money(1200, "sek")) == "12.00 SEK"


def test_a_card_says_what_it_costs_in_the_currency_somebody_pays_in() -> None:
    dinars = tuple(replace(each, money=Money(each.money.amount * 3, "kwd")) for each in PRO.prices)
    free, pro, _ = cards([FREE, replace(PRO, prices=PRO.prices + dinars), ENTERPRISE], Interval.MONTH, currency="kwd")
    assert (free.price, pro.price, pro.price_note) == ("0.000 KWD", "6.000 KWD", "or 60.000 KWD a year")
    assert not cards(PLANS, Interval.MONTH, currency="kwd")[1].for_sale


def test_a_card_says_what_a_plan_costs_and_gives() -> None:
    free, pro, enterprise = cards(PLANS, Interval.MONTH)
    assert (free.price, free.per, free.for_sale) == ("$0", "", False)
    assert (free.monthly, free.always) == (("1,000 prompts",), ("300 requests a minute",))
    assert (pro.price, pro.per, pro.price_note) == ("$20", "a month", "or $200 a year")
    assert pro.monthly == ("50,000 prompts",)
    assert pro.always == (
        "10M AI tokens in total",
        "90 days of history",
        "Custom domains",
        "1,200 requests a minute",
    )
    assert (enterprise.price, enterprise.for_sale) == ("Custom", False)
    assert (enterprise.monthly, enterprise.always) == (("Unlimited prompts",), ())


def test_the_first_paid_plan_is_the_one_recommended() -> None:
    assert [card.key for card in cards(PLANS, Interval.YEAR) if card.recommended] == ["pro"]


def test_the_yearly_card_shows_the_yearly_price() -> None:
    pro = cards(PLANS, Interval.YEAR)[1]
    assert (pro.price, pro.per, pro.price_note) == ("$200", "a year", "or $20 a month")


def test_the_saving_is_never_overstated() -> None:
    assert saving(PLANS) == "\N{MINUS SIGN}16 %"
    assert saving([plan("pro", month=1000, year=9000)]) == "\N{MINUS SIGN}25 %"
    assert saving([plan("pro", month=1000, year=12000)]) == ""
    assert saving([FREE]) == ""


def test_the_comparison_has_every_feature_and_rate() -> None:
    rows = {row.title: row.cells for row in comparison(PLANS)}
    assert rows["Prompts"] == ("1,000", "50,000, soft", "Unlimited")
    priced = plan("priced", Entitlement(PROMPTS, limit=1000, hard=False, overage=(BEYOND,)))
    (row,) = (row for row in comparison([priced]) if row.title == "Prompts")
    assert row.cells == ("1,000, then 0.50 USD for each 1,000",)
    assert rows["Days of history"] == ("\N{EN DASH}", "90", "\N{EN DASH}")
    assert rows["Custom domains"] == ("\N{EN DASH}", "Yes", "\N{EN DASH}")
    assert rows["Requests a minute"] == ("300", "1,200", "By contract")


def test_an_unknown_interval_is_monthly() -> None:
    assert chosen_interval("year") is Interval.YEAR
    assert chosen_interval("fortnight") is Interval.MONTH
