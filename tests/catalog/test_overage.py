"""What usage beyond a soft limit costs: read from the file, kept in versions, shown to anybody, calculated exactly."""

from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from tollkeeper import catalog
from tollkeeper.catalog import CatalogueFileError, read_catalogue_file
from tollkeeper.catalog.charges import charge_from_json, charge_to_json
from tollkeeper.infra import Runtime
from tollkeeper.kit import FixedClock, Money
from tollkeeper.rating import (
    Charge,
    Flat,
    Graduated,
    Package,
    Percentage,
    PerUnit,
    PriceVersion,
    Tier,
    Usage,
    Volume,
    rate_overage,
)

D = Decimal
SOLD = """
features:
  calls: {name: Calls, kind: metered, unit: call}
plans:
  free: {name: Free, default: true}
  pro:
    name: Pro
    prices: {month: {usd: 2000, eur: 1900}}
    entitlements:
      calls:
        limit: 1000
        hard: false
        overage:
          usd: {model: package, size: 100, amount: 50}
          eur: {model: per_unit, unit: '0.45', maximum: 5000}
"""


async def apply(runtime: Runtime, text: str) -> list[str]:
    async with runtime.transaction() as tx:
        return [str(change) for change in await catalog.apply(tx, read_catalogue_file(text))]


async def versions(runtime: Runtime) -> dict[str, PriceVersion]:
    async with runtime.transaction() as tx:
        entitlement = (await catalog.get_plan(tx, "pro")).entitlement("calls")
    assert entitlement is not None
    return {each.currency: each for each in entitlement.overage}


async def test_it_is_told_in_words_and_a_second_time_changes_nothing(runtime: Runtime) -> None:
    said = await apply(runtime, SOLD)
    words = "0.0045 EUR each, at most 50.00 EUR or 0.50 USD for each 100"
    assert f"+ entitlement of pro: calls 1,000 (soft, a billing period; beyond it {words})" in said
    assert await apply(runtime, SOLD) == []
    assert await apply(runtime, SOLD.replace("amount: 50", "amount: '50.0'")) == []


async def test_a_changed_charge_is_a_new_version_and_the_old_one_can_be_asked_for(
    runtime: Runtime, clock: FixedClock
) -> None:
    await apply(runtime, SOLD)
    before, first = await versions(runtime), clock.now()
    clock.advance(timedelta(days=3))
    await apply(runtime, SOLD.replace("amount: 50", "amount: 60"))
    after = await versions(runtime)
    assert after["eur"] == before["eur"]
    assert after["usd"].id != before["usd"].id
    async with runtime.transaction() as tx:
        assert await catalog.overage_in_force(tx, "pro", "calls", first) == (before["eur"], before["usd"])
        assert await catalog.overage_in_force(tx, "pro", "calls", clock.now()) == (after["eur"], after["usd"])
        assert await catalog.find_overage_price(tx, before["usd"].id) == before["usd"]
    (line,) = rate_overage(before["usd"], Usage(D(1201), D(1000)))
    assert line.money == Money(150, "usd")


async def test_what_is_taken_away_holds_no_longer_but_an_archived_plan_keeps_it(
    runtime: Runtime, clock: FixedClock
) -> None:
    await apply(runtime, SOLD)
    held = await versions(runtime)
    await apply(runtime, SOLD[: SOLD.index("  pro:")])
    assert await versions(runtime) == held
    clock.advance(timedelta(days=1))
    await apply(runtime, SOLD[: SOLD.index("        overage:")])
    assert await versions(runtime) == {}
    async with runtime.transaction() as tx:
        assert await catalog.overage_in_force(tx, "pro", "calls", clock.now()) == ()
        assert await catalog.find_overage_price(tx, held["usd"].id) == held["usd"]


async def test_the_database_itself_refuses_a_second_current_version(runtime: Runtime) -> None:
    await apply(runtime, SOLD)
    again = """
        insert into overage_prices (id, plan, feature, currency, charge, created_at)
        select gen_random_uuid(), plan, feature, currency, charge, created_at from overage_prices
    """
    with psycopg.connect(runtime.database.url) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(again)


async def test_anybody_can_read_what_it_costs(runtime: Runtime) -> None:
    await apply(runtime, catalog.demo_catalogue())
    app = FastAPI()
    app.state.runtime = runtime
    app.include_router(catalog.router, prefix="/api")
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        plans = (await client.get("/api/plans")).json()["data"]
    (premium,) = [plan for plan in plans if plan["key"] == "premium"]
    (overage,) = premium["entitlements"][0]["overage"]
    assert overage.pop("id")
    assert overage == {
        "currency": "usd",
        "charge": {
            "minimum": None,
            "maximum": None,
            "model": "package",
            "size": "1000",
            "amount": "10",
            "free": "0",
        },
        "text": "0.10 USD for each 1,000",
    }


@pytest.mark.parametrize(
    "charge",
    [
        Charge(Flat(D(500)), minimum=D(1), maximum=D("900.5")),
        Charge(PerUnit(D("0.05"), D(10))),
        Charge(Package(D(1000), D(50), D(5))),
        Charge(Graduated((Tier(D(1000), D("0.5"), D(9)), Tier(None, D("0.25"))), D(10))),
        Charge(Volume((Tier(None, D("0.25"), D(100)),))),
        Charge(Percentage(D("2.9"), D(30))),
    ],
)
def test_a_charge_survives_being_kept(charge: Charge) -> None:
    assert charge_from_json(charge_to_json(charge)) == charge


USD = "usd: {model: package, size: 100, amount: 50}"


@pytest.mark.parametrize(
    ("old", "new", "field", "says"),
    [
        ("hard: false", "hard: true", "overage", "write `hard: false`"),
        ("limit: 1000", "limit: null", "overage", "beyond an unlimited amount"),
        ("limit: 1000", "limit: 1000\n        period: never", "overage", "no period"),
        (USD, "gbp: {model: flat, amount: 5}", "overage", "sold in: eur, usd"),
        ("prices: {month: {usd: 2000, eur: 1900}}", "prices: {}", "overage", "nobody could be charged"),
        ("'0.45'", "0.45", "overage.eur.unit", "in quotes"),
        ("'0.45'", "'0.0000000000001'", "overage.eur.unit", "at most 12 decimals"),
        ("'0.45'", "-1", "overage.eur.unit", "greater than or equal to 0"),
        ("size: 100", "size: 0", "overage.usd.size", "greater than 0"),
        ("amount: 50", "amount: true", "overage.usd.amount", "whole number"),
        ("model: package", "model: gratis", "overage.usd", "'per_unit', 'package', 'graduated'"),
        ("maximum: 5000", "maximum: 5, minimum: 6", "overage.eur", "above the maximum"),
        (USD, "usd: {model: volume, tiers: []}", "overage.usd", "last tier has no upper bound"),
        (USD, "usd: {model: graduated, tiers: [{up_to: 5}]}", "overage.usd", "last tier has no upper bound"),
        (USD, "usd: {model: graduated, tiers: [{up_to: 5, unit: 0.5}]}", "overage.usd.tiers", "in quotes"),
    ],
)
def test_a_mistake_is_refused_with_its_line(old: str, new: str, field: str, says: str) -> None:
    assert SOLD.count(old) == 1
    with pytest.raises(CatalogueFileError) as caught:
        read_catalogue_file(SOLD.replace(old, new))
    found = {problem.field: problem.message for problem in caught.value.problems}
    assert says in found[f"plans.pro.entitlements.calls.{field}"]
    assert all(message.startswith("line ") for message in found.values())
