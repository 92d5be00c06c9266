"""Add-ons in the catalogue: read from the file with every mistake named, compared in words, kept, summed up."""

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from hypothesis import given
from hypothesis import strategies as st

from tollkeeper import catalog
from tollkeeper.catalog import (
    Addon,
    Catalogue,
    CatalogueFileError,
    Entitlement,
    Feature,
    FeatureKind,
    Grant,
    Plan,
    entitled,
    read_catalogue_file,
    sources_of,
)
from tollkeeper.infra import Runtime

SOLD = """
features:
  calls: {name: Calls, kind: metered, unit: call}
  help: {name: Help, kind: switch}
  days: {name: Days, kind: setting}
plans:
  free: {name: Free, default: true}
  pro:
    name: Pro
    prices: {month: {usd: 2000}, year: {usd: 20000}}
    entitlements: {calls: {limit: 1000}, help: false}
  max:
    name: Max
    prices: {month: {usd: 9000}, year: {usd: 90000}}
    entitlements: {calls: {limit: null}, help: true}
addons:
  more:
    name: More calls
    plans: [pro]
    prices: {month: {usd: 500}, year: {usd: 5000}}
    entitlements: {calls: 250, help: true}
    max_quantity: 9
"""


async def apply(runtime: Runtime, text: str) -> list[str]:
    async with runtime.transaction() as tx:
        return [str(change) for change in await catalog.apply(tx, read_catalogue_file(text))]


async def standing(runtime: Runtime) -> Catalogue:
    async with runtime.transaction() as tx:
        return await catalog.load_catalogue(tx)


async def test_it_is_told_in_words_kept_and_a_second_time_changes_nothing(runtime: Runtime) -> None:
    assert [line for line in await apply(runtime, SOLD) if "add-on" in line] == [
        "+ add-on more: More calls, for pro",
        "+ price of add-on more: 5.00 USD a month",
        "+ price of add-on more: 50.00 USD a year",
        "+ entitlement of add-on more: calls +250",
        "+ entitlement of add-on more: help on",
    ]
    assert await apply(runtime, SOLD) == []
    more = (await standing(runtime)).addons["more"]
    assert [(each.feature.key, each.amount) for each in more.grants] == [("calls", 250), ("help", None)]
    assert (more.plans, more.max_quantity, more.amount_of("calls")) == (("pro",), 9, 250)


async def test_a_changed_price_is_a_new_one_and_what_is_gone_is_archived(runtime: Runtime) -> None:
    await apply(runtime, SOLD)
    before = {price.interval: price.id for price in (await standing(runtime)).addons["more"].prices}
    changed = SOLD.replace("month: {usd: 500}", "month: {usd: 600}").replace("calls: 250", "calls: 300")
    assert await apply(
        runtime, changed.replace("max_quantity: 9", "max_quantity: 8").replace("300, help: true}", "300}")
    ) == [
        "~ add-on more: max_quantity 9 becomes 8",
        "+ price of add-on more: 6.00 USD a month",
        "- price of add-on more: 5.00 USD a month; those who have it keep it",
        "~ entitlement of add-on more: calls +250 becomes +300",
        "- entitlement of add-on more: help",
    ]
    after = {price.interval: price.id for price in (await standing(runtime)).addons["more"].prices}
    assert [key for key in before if before[key] != after[key]] == ["month"]
    assert await apply(runtime, SOLD[: SOLD.index("addons:")]) == [
        "- add-on more: not sold any more; those who have it keep it"
    ]
    gone = await standing(runtime)
    assert gone.addons["more"].archived_at is not None
    assert gone.addons["more"].prices == ()
    assert gone.beside("pro") == []
    async with runtime.transaction() as tx:
        assert [price.active for price in await catalog.list_addon_prices(tx)] == [False, False, False]
    assert (await apply(runtime, changed))[0] == "+ add-on more: back from the archive"


@pytest.mark.parametrize(
    ("wrong", "path", "said"),
    [
        (("plans: [pro]", "plans: [gold]"), "addons.more.plans", "there is no plan `gold`"),
        (("plans: [pro]", "plans: [free]"), "addons.more.plans", "`free` has no price"),
        (("plans: [pro]", "plans: []"), "addons.more.plans", "at least 1 item"),
        (("plans: [pro]", "plans: [pro, max]"), "addons.more.plans", "`max` has all of this without it"),
        ((", year: {usd: 5000}}", "}"), "addons.more.prices", "year in usd is missing"),
        (("usd: 500}, year: {usd: 5", "usd: 0}, year: {usd: 5"), "addons.more.prices.month.usd", "greater than"),
        (("{calls: 250", "{\n calls: true"), "addons.more.entitlements.calls", "an add-on adds an amount"),
        (("{calls: 250", "{\n calls: 0"), "addons.more.entitlements.calls", "greater than"),
        (("help: true}\n    max", "help: 3}\n    max"), "addons.more.entitlements.help", "`true`"),
        (("calls: 250", "days: 7"), "addons.more.entitlements.days", "a setting is neither"),
        (("calls: 250", "cals: 7"), "addons.more.entitlements.cals", "no feature of this key"),
        (("max_quantity: 9", "max_quantity: 0"), "addons.more.max_quantity", "greater than"),
        (("max_quantity: 9", "most: 9"), "addons.more.most", "not permitted"),
    ],
)
def test_every_mistake_is_named_with_its_line(wrong: tuple[str, str], path: str, said: str) -> None:
    assert wrong[0] in SOLD
    text = SOLD.replace(*wrong)
    with pytest.raises(CatalogueFileError) as refused:
        read_catalogue_file(text)
    problem = next(each for each in refused.value.problems if each.field == path)
    first = text[: text.index("addons:")].count("\n")
    line = next(n for n, each in enumerate(text.splitlines(), 1) if f"{path.rsplit('.', 1)[1]}:" in each and n > first)
    assert problem.message.startswith(f"line {line}: ")
    assert any(said in each.message for each in refused.value.problems)


async def test_anybody_can_read_what_goes_with_a_plan(runtime: Runtime) -> None:
    await apply(runtime, SOLD)
    app = FastAPI()
    app.state.runtime = runtime
    app.include_router(catalog.router, prefix="/api")
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        plans = {plan["key"]: plan for plan in (await client.get("/api/plans")).json()["data"]}
    assert plans["free"]["addons"] == plans["max"]["addons"] == []
    (more,) = plans["pro"]["addons"]
    assert [(price["interval"], price["amount"]) for price in more["prices"]] == [("month", 500), ("year", 5000)]
    assert [(each["feature"], each["amount"]) for each in more["entitlements"]] == [("calls", 250), ("help", None)]


METERED = [Feature(f"m{number}", f"M{number}", FeatureKind.METERED, "unit") for number in range(3)]
SWITCH = Feature("on", "On", FeatureKind.SWITCH)
limits = st.none() | st.integers(0, 10**9)
amounts = st.lists(st.integers(0, 10**6), min_size=3, max_size=3)


@given(
    plan_limits=st.lists(limits | st.just(-1), min_size=3, max_size=3),
    gives=st.lists(amounts, max_size=4),
    units=st.lists(st.integers(0, 50), min_size=4, max_size=4),
    turns_on=st.booleans(),
)
def test_limits_are_the_plan_and_the_sum_of_all_units(
    plan_limits: list[int | None], gives: list[list[int]], units: list[int], turns_on: bool
) -> None:
    """-1 stands for a feature that the plan does not have."""
    own = [Entitlement(f, limit) for f, limit in zip(METERED, plan_limits, strict=True) if limit != -1]
    plan = Plan("p", "P", "", 1, False, True, (), (*own, Entitlement(SWITCH, value=False)), {})
    addons = {}
    for number, given_amounts in enumerate(gives):
        grants = [Grant(f, amount) for f, amount in zip(METERED, given_amounts, strict=True) if amount]
        grants += [Grant(SWITCH)] if turns_on and number == 0 else []
        addons[f"a{number}"] = Addon(f"a{number}", f"A{number}", "", ("p",), (), tuple(grants), 50)
    held = {f"a{number}": count for number, count in enumerate(units)}
    sold = Catalogue({each.key: each for each in [*METERED, SWITCH]}, {"p": plan}, addons=addons)
    found = {each.feature.key: each for each in entitled(sold, plan, held)}
    for place, (feature, limit) in enumerate(zip(METERED, plan_limits, strict=True)):
        added = [given_amounts[place] * count for given_amounts, count in zip(gives, units, strict=False)]
        got = found.get(feature.key)
        if limit == -1 and not any(added):
            assert got is None
            continue
        assert got is not None
        assert got.limit == (None if limit is None else max(limit, 0) + sum(added))
        parts = [each.amount for each in sources_of(sold, plan, held, feature.key)]
        assert parts[:1] == [None] if limit is None else sum(part or 0 for part in parts) == got.limit
    assert found["on"].value is (turns_on and bool(gives) and units[0] > 0)
