"""Applying a catalogue: said in words first, whole or not at all, nothing deleted."""

import psycopg
import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from sqlalchemy.exc import IntegrityError

from tollkeeper import catalog
from tollkeeper.catalog import CatalogueChanged, PlanNotFoundError
from tollkeeper.infra import Runtime, Tx
from tollkeeper.metering import MeterMismatchError, list_meters
from tollkeeper.rating import Interval

BEFORE = """
features:
  calls: {name: Calls, kind: metered, unit: call}
  sso: {name: SSO, kind: switch}
plans:
  free:
    name: Free
    default: true
    entitlements: {calls: {limit: 10}}
  pro:
    name: Pro
    prices: {month: {usd: 2000}, year: {usd: 20000}}
    entitlements: {calls: {limit: 1000}, sso: true}
    rates: {api: 60}
"""
AFTER = """
features:
  calls: {name: Calls, kind: metered, unit: call}
plans:
  starter:
    name: Starter
    default: true
  free:
    name: Free
    public: false
    entitlements: {calls: {limit: 10, hard: false}}
  plus:
    name: Plus
    prices: {month: {usd: 2500, eur: 2400}}
    entitlements: {calls: {limit: null}}
    rates: {api: null}
"""


async def apply(runtime: Runtime, text: str) -> list[str]:
    spec = catalog.read_catalogue_file(text)
    async with runtime.transaction() as tx:
        foreseen = await catalog.diff(tx, spec)
    async with runtime.transaction() as tx:
        done = await catalog.apply(tx, spec)
    assert foreseen == done
    return [str(change) for change in done]


async def test_a_second_time_changes_nothing(runtime: Runtime) -> None:
    assert await apply(runtime, catalog.demo_catalogue())
    assert await apply(runtime, catalog.demo_catalogue()) == []


async def test_changes_are_told_in_words(runtime: Runtime) -> None:
    await apply(runtime, BEFORE)
    assert await apply(runtime, AFTER) == [
        "- feature sso",
        "+ plan starter: Starter",
        "~ plan free: default true becomes false",
        "~ plan free: public true becomes false",
        "~ entitlement of free: calls 10 (hard, a billing period) becomes 10 (soft, a billing period)",
        "+ plan plus: Plus",
        "+ price of plus: 25.00 USD a month",
        "+ price of plus: 24.00 EUR a month",
        "+ entitlement of plus: calls unlimited (hard, a billing period)",
        "+ rate of plus: api by contract",
        "- plan pro: not sold any more; those who have it keep it",
    ]


async def test_a_vanished_plan_is_archived_and_comes_back(runtime: Runtime) -> None:
    await apply(runtime, BEFORE)
    await apply(runtime, AFTER)
    async with runtime.transaction() as tx:
        assert [plan.key for plan in await catalog.list_plans(tx)] == ["starter", "plus"]
        assert [plan.key for plan in await catalog.list_plans(tx, public_only=False)] == ["starter", "free", "plus"]
        gone = await catalog.get_plan(tx, "pro")
        assert gone.archived_at == tx.now
        assert gone.prices == ()
        kept = gone.entitlement("sso")
        assert kept is not None
        assert kept.value is True
        assert await catalog.default_plan_key(tx) == "starter"
    back = await apply(runtime, BEFORE)
    assert "+ plan pro: back from the archive" in back
    assert "+ feature sso: back from the archive" in back


async def test_a_changed_amount_is_a_new_price(runtime: Runtime) -> None:
    await apply(runtime, BEFORE)
    async with runtime.transaction() as tx:
        old = (await catalog.get_plan(tx, "pro")).price(Interval.MONTH)
    said = await apply(runtime, BEFORE.replace("usd: 2000}", "usd: 2100}"))
    assert said == ["+ price of pro: 21.00 USD a month", "- price of pro: 20.00 USD a month; subscribers keep it"]
    async with runtime.transaction() as tx:
        new = (await catalog.get_plan(tx, "pro")).price(Interval.MONTH)
        every = await catalog.list_prices(tx)
    assert old is not None
    assert new is not None
    assert new.id != old.id
    assert {(price.money.amount, price.active) for price in every} == {(2000, False), (2100, True), (20000, True)}


async def test_a_meter_keeps_its_meaning(runtime: Runtime) -> None:
    await apply(runtime, BEFORE)
    changed = catalog.read_catalogue_file(BEFORE.replace("unit: call", "unit: call, event_type: api.call"))
    for use in (catalog.diff, catalog.apply):
        with pytest.raises(MeterMismatchError):
            async with runtime.transaction() as tx:
                await use(tx, changed)
    async with runtime.transaction() as tx:
        assert [(meter.key, meter.event_type) for meter in await list_meters(tx)] == [("calls", "calls")]


async def test_the_history_of_a_meter_can_be_split_by_more_but_not_by_less(runtime: Runtime) -> None:
    def grouped(by: str) -> str:
        return BEFORE.replace("unit: call}", f"unit: call, group_by: [{by}]}}")

    await apply(runtime, BEFORE)
    assert await apply(runtime, grouped("model")) == ["~ feature calls: history can be split by model"]
    assert len(await apply(runtime, grouped("model, region"))) == 1
    assert await apply(runtime, grouped("model, region")) == []
    with pytest.raises(MeterMismatchError, match="is split by model"):
        await apply(runtime, grouped("region"))
    async with runtime.transaction() as tx:
        assert [meter.group_by for meter in await list_meters(tx)] == [("model", "region")]


@pytest.mark.parametrize("more", ["aggregation: max", "value: tokens", "filter: {model: x}", "event_type: other"])
async def test_what_a_meter_counts_does_not_change(runtime: Runtime, more: str) -> None:
    await apply(runtime, BEFORE)
    with pytest.raises(MeterMismatchError):
        await apply(runtime, BEFORE.replace("unit: call}", f"unit: call, {more}}}"))


async def test_the_change_is_announced_once(runtime: Runtime) -> None:
    heard: list[CatalogueChanged] = []

    async def hear(_: Tx, event: CatalogueChanged) -> None:
        heard.append(event)

    runtime.routes.add(projections={CatalogueChanged: hear})
    await apply(runtime, BEFORE)
    await apply(runtime, BEFORE)
    assert len(heard) == 1


async def test_the_database_itself_refuses_a_second_default_plan(runtime: Runtime) -> None:
    await apply(runtime, BEFORE)
    async with runtime.transaction() as tx:
        assert await catalog.one_default_plan(tx) is None
    with psycopg.connect(runtime.database.url) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("update plans set is_default = true")


async def test_a_failed_change_leaves_everything_as_it_was(runtime: Runtime) -> None:
    await apply(runtime, BEFORE)

    async def refuse(_tx: Tx, _event: CatalogueChanged) -> None:
        raise IntegrityError("planted", None, Exception("planted"))

    runtime.routes.add(projections={CatalogueChanged: refuse})
    with pytest.raises(IntegrityError):
        await apply(runtime, AFTER)
    async with runtime.transaction() as tx:
        assert [plan.key for plan in await catalog.list_plans(tx)] == ["free", "pro"]


async def test_an_unknown_plan_is_not_found(runtime: Runtime) -> None:
    await apply(runtime, BEFORE)
    async with runtime.transaction() as tx:
        with pytest.raises(PlanNotFoundError):
            await catalog.get_plan(tx, "gold")


async def test_an_empty_catalogue_says_so(runtime: Runtime) -> None:
    async with runtime.transaction() as tx:
        assert await catalog.list_plans(tx) == []
        assert "0 plans" in (await catalog.one_default_plan(tx) or "")
        with pytest.raises(catalog.NoDefaultPlanError):
            await catalog.default_plan_key(tx)


async def test_anybody_can_read_the_plans(runtime: Runtime) -> None:
    await apply(runtime, catalog.demo_catalogue())
    app = FastAPI()
    app.state.runtime = runtime
    app.include_router(catalog.router, prefix="/api")
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        answer = (await client.get("/api/plans")).json()
    free, pro = answer["data"][:2]
    assert answer["next_cursor"] is None
    assert free["is_default"] is True
    assert free["entitlements"][0] == {
        "feature": "prompts",
        "name": "Prompts",
        "kind": "metered",
        "unit": "prompt",
        "limit": 1000,
        "value": None,
        "hard": True,
        "period": "billing",
        "window_seconds": None,
        "grace": 0,
        "thresholds": [80, 90, 100],
        "rollover": None,
        "per_member": None,
        "overage": [],
    }
    assert [(price["interval"], price["amount"], price["currency"]) for price in pro["prices"]] == [
        ("month", 2000, "usd"),
        ("year", 20000, "usd"),
    ]
    assert pro["rates"] == {"api": 1200, "chat": 60}
