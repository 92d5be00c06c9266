"""Usage beyond soft limits: charged once, whatever happens between writing it down and hearing of the invoice."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollkeeper import billing, catalog, metering
from tollkeeper.billing import overage
from tollkeeper.billing.flows.explaining import Explanation
from tollkeeper.billing.flows.service import explain_invoice
from tollkeeper.billing.overage import Charge, Destination, Reason, State, UsageCharged, UsageNotPriced, placing, store
from tollkeeper.billing.provider import ExtraCharge, PlacedCharge, StripeProvider
from tollkeeper.catalog import EntitlementPeriod
from tollkeeper.gate import rules as gate_rules
from tollkeeper.gate.model import Access, Purchase, Standing
from tollkeeper.infra import Event, run_job
from tollkeeper.kit import ROLE_PERMISSIONS, Actor, ActorKind, Role, new_id
from tollkeeper.orgs import Organization
from tollkeeper.rating import Charge as Model
from tollkeeper.rating import (
    Flat,
    Graduated,
    Package,
    Percentage,
    Period,
    PerUnit,
    PriceVersion,
    Tier,
    Usage,
    Volume,
    rate_overage,
)

from .shop import Shop

D = Decimal
LIMIT = 250_000
BEYOND = 3_400
COST = 40
MONTHLY = Period(datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 2, 28, tzinfo=UTC))
YEARLY = Period(datetime(2026, 1, 31, 12, tzinfo=UTC), datetime(2027, 1, 31, 12, tzinfo=UTC))

amounts = st.decimals(0, 500, places=2, allow_nan=False)
sizes = st.integers(1, 300).map(D)
tiers = st.builds(lambda first, a, b, flat: (Tier(first, a), Tier(None, b, flat)), sizes, amounts, amounts, amounts)
models = st.one_of(
    st.builds(Flat, amounts),
    st.builds(PerUnit, amounts, st.integers(0, 50).map(D)),
    st.builds(Package, sizes, amounts),
    st.builds(Graduated, tiers),
    st.builds(Volume, tiers),
    st.builds(Percentage, st.decimals(0, 100, places=1, allow_nan=False), amounts),
)
charges = st.builds(Model, models, st.none() | amounts, st.none()) | st.builds(Model, models)


@given(model=charges, limit=st.integers(0, 500), marks=st.lists(st.integers(0, 2000), min_size=1, max_size=6))
def test_however_often_a_period_is_charged_the_sum_is_that_of_charging_it_once(
    model: Model, limit: int, marks: list[int]
) -> None:
    price = PriceVersion(UUID(int=1), "calls", "call", "usd", model)
    used, quantity, paid = 0, 0, 0
    for mark in sorted(marks):
        found = overage.beyond(price, included=limit, charged_to=used, used=mark)
        used, quantity, paid = mark, quantity + found.quantity, paid + found.amount
    whole = rate_overage(price, Usage(D(used), D(limit)))
    assert paid == sum(line.money.amount for line in whole)
    assert quantity == max(0, used - limit)


@given(
    billed=st.sampled_from([MONTHLY, YEARLY]),
    kind=st.sampled_from([EntitlementPeriod.BILLING, EntitlementPeriod.CALENDAR_MONTH]),
    seconds=st.integers(0, 500 * 86_400),
)
def test_every_moment_is_counted_in_a_counter_that_is_looked_at(
    billed: Period, kind: EntitlementPeriod, seconds: int
) -> None:
    now = billed.start + timedelta(seconds=seconds)
    access = Access(Standing(UUID(int=1), billed.start, "premium", billed), Purchase("premium", "Premium", {}, {}, {}))
    counted = gate_rules.current_period(access, kind, now)
    looked = [each.start for each in overage.counters(kind, billed, now + timedelta(seconds=1))]
    assert counted.start in looked
    assert len(looked) == len(set(looked))


def test_a_year_has_a_counter_a_month() -> None:
    found = list(overage.counters(EntitlementPeriod.BILLING, YEARLY, YEARLY.end))
    assert [each.start.month for each in found] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    assert found[-1].end == YEARLY.end
    assert list(overage.counters(EntitlementPeriod.BILLING, MONTHLY, MONTHLY.end)) == [MONTHLY]


@pytest.fixture
async def ada(shop: Shop) -> Organization:
    made = await shop.organization()
    shop.caller = Actor(ActorKind.TOKEN, ROLE_PERMISSIONS[Role.OWNER], made.id)
    await shop.told(await shop.buy(made, "premium"))
    return made


@pytest.fixture
def heard(shop: Shop) -> list[Event]:
    found: list[Event] = []

    async def hear(_: Any, event: Event) -> None:
        found.append(event)

    shop.runtime.routes.add(projections=dict.fromkeys((UsageCharged, UsageNotPriced), hear))
    return found


async def use(shop: Shop, who: Organization, count: int, feature: str = "prompts") -> None:
    """Count usage of the running period, as the gate would."""
    start = (await shop.status(who)).current_period_start
    assert start is not None
    async with shop.runtime.transaction() as tx:
        await metering.prepare_partitions(tx)
        meter = next(each for each in await metering.list_meters(tx) if each.key == feature)
        wanted = metering.Consumption(metering.CounterKey(who.id, meter.id, start), count, metering.Limit(None), start)
        await metering.consume(await tx.raw(), [wanted], tx.now)


async def end_now(shop: Shop, who: Organization) -> None:
    async with shop.runtime.transaction() as tx:
        await billing.cancel(tx, who.id, billing.CancelAt.NOW)


async def renew(shop: Shop, who: Organization) -> None:
    """Begin a new period at once, whose invoice is final at once."""
    await asyncio.sleep(1.1)  # periods begin on whole seconds
    customer = await shop.customer_id(who)
    [subscription] = (await shop.api("GET", "subscriptions", customer=customer))["data"]
    change = {"billing_cycle_anchor[type]": "now", "proration_behavior": "none"}
    await shop.api("POST", f"subscriptions/{subscription['id']}", **change)
    await shop.told(customer)


async def charge(shop: Shop, who: Organization) -> None:
    """Do what the job does."""
    await run_job(shop.runtime, overage.charge_usage, organization_id=str(who.id))


async def written(shop: Shop, who: Organization) -> list[Charge]:
    async with shop.runtime.transaction() as tx:
        return await store.everything_of(tx, who.id)


async def items(shop: Shop, who: Organization) -> list[dict[str, Any]]:
    listed = await shop.api("GET", "invoiceitems", customer=await shop.customer_id(who))
    return [each for each in listed["data"] if "tollkeeper_usage" in each["metadata"]]


async def newest(shop: Shop, who: Organization) -> Explanation:
    await shop.told(await shop.customer_id(who))
    async with shop.runtime.transaction() as tx:
        page = await billing.list_invoices(tx, who.id)
        return await explain_invoice(tx, who.id, page.data[0].id)


class KilledError(BaseException):
    """The process is gone: nothing is caught, noted or rolled back by ourselves."""


def dying(provider: StripeProvider, call: str, *, after: bool) -> Callable[..., Awaitable[Any]]:
    """The provider's call, during which we die: before it is sent, or when it was answered and we have not heard."""
    alive = getattr(provider, call)

    async def die(*args: Any, **named: Any) -> Any:
        if after:
            await alive(*args, **named)
        raise KilledError

    return die


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", ["add_charge", "open_invoice", "collect_invoice"])
async def test_killed_anywhere_it_is_charged_once(
    shop: Shop, ada: Organization, monkeypatch: pytest.MonkeyPatch, call: str, *, after: bool
) -> None:
    await use(shop, ada, LIMIT + BEYOND)
    await use(shop, ada, 501, "deployments")
    await end_now(shop, ada)
    for _ in range(2):
        with monkeypatch.context() as dead:
            dead.setattr(shop.provider, call, dying(shop.provider, call, after=after))
            with pytest.raises(KilledError):
                await charge(shop, ada)
    await charge(shop, ada)
    await charge(shop, ada)
    assert sorted(each["amount"] for each in await items(shop, ada)) == [10, COST]
    found = await newest(shop, ada)
    assert found.invoice.status == "paid"
    assert found.invoice.total.amount == 10 + COST
    assert found.matches is True
    assert {each.state for each in await written(shop, ada) if each.amount} == {State.CHARGED}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_killed_on_the_way_to_the_next_invoice_it_waits_there_once(
    shop: Shop, ada: Organization, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    await use(shop, ada, LIMIT + BEYOND)
    await renew(shop, ada)
    with monkeypatch.context() as dead:
        dead.setattr(shop.provider, "add_charge", dying(shop.provider, "add_charge", after=after))
        with pytest.raises(KilledError):
            await charge(shop, ada)
    await charge(shop, ada)
    [item] = await items(shop, ada)
    assert (item["amount"], item["invoice"]) == (COST, None)
    [mine] = [each for each in await written(shop, ada) if each.amount]
    assert (mine.state, mine.destination, mine.reason) == (State.CHARGED, Destination.NEXT, Reason.RENEWAL)


async def test_what_was_asked_long_ago_is_looked_for_before_it_is_asked_again(shop: Shop, ada: Organization) -> None:
    """The provider forgets idempotency keys after a day; here the key is another from the beginning."""
    [wanted] = await _intended(shop, ada)
    extra = ExtraCharge(wanted.id, wanted.customer, wanted.money, "as before", wanted.period_start, wanted.period_end)
    draft = (await shop.api("POST", "invoices", customer=wanted.customer))["id"]
    there = await shop.provider.add_charge(extra, invoice_id=draft)
    again = replace(wanted, attempts=1, wanted_invoice=None)
    assert await placing.place(shop.provider, again) == PlacedCharge(str(there), draft)
    assert len(await items(shop, ada)) == 1


async def test_a_draft_takes_it_and_a_final_invoice_leaves_it_to_the_next(shop: Shop, ada: Organization) -> None:
    [wanted] = await _intended(shop, ada)
    draft = (await shop.api("POST", "invoices", customer=wanted.customer))["id"]
    on_it = replace(wanted, wanted_invoice=draft)
    placed = await placing.place(shop.provider, on_it)
    assert placed.invoice == draft
    assert await placing.place(shop.provider, on_it) == placed, "a repeat is the same item"
    await shop.api("POST", f"invoices/{draft}/finalize")
    late = replace(wanted, id=new_id(), wanted_invoice=draft)
    assert (await placing.place(shop.provider, late)).invoice is None
    nowhere = replace(wanted, id=new_id(), wanted_invoice="in_nowhere")
    assert (await placing.place(shop.provider, nowhere)).invoice is None
    assert sorted(str(each["invoice"]) for each in await items(shop, ada)) == ["None", "None", draft]


async def _intended(shop: Shop, who: Organization) -> Sequence[Charge]:
    await use(shop, who, LIMIT + BEYOND)
    await renew(shop, who)
    async with shop.runtime.transaction() as tx:
        return await store.intended(tx, who.id)


async def test_nothing_beyond_is_no_line_but_a_closed_period(shop: Shop, ada: Organization) -> None:
    await use(shop, ada, LIMIT)
    await renew(shop, ada)
    await charge(shop, ada)
    assert await items(shop, ada) == []
    found = await written(shop, ada)
    assert {each.feature for each in found} == {
        "prompts",
        "ai_tokens",
        "preview_minutes",
        "sandbox_runs",
        "deployments",
    }
    assert {(each.state, each.closed, each.quantity) for each in found} == {(State.CLOSED, True, 0)}


async def test_late_usage_is_corrected_once_at_the_price_of_then(
    shop: Shop, ada: Organization, heard: list[Event]
) -> None:
    before = (await shop.status(ada)).current_period_start
    assert before is not None
    await use(shop, ada, LIMIT + BEYOND)
    await renew(shop, ada)
    await charge(shop, ada)
    async with shop.runtime.transaction() as tx:
        meter = next(each for each in await metering.list_meters(tx) if each.key == "prompts")
        late = metering.Consumption(metering.CounterKey(ada.id, meter.id, before), 700, metering.Limit(None), before)
        await metering.consume(await tx.raw(), [late], tx.now)
    for _ in range(3):
        async with shop.runtime.transaction() as tx:
            await overage.late_usage.handler(tx)
        await charge(shop, ada)
    # 3,400 beyond were four packages; 4,100 are five.
    assert sorted(each["amount"] for each in await items(shop, ada)) == [10, COST]
    [correction] = [each for each in await written(shop, ada) if each.reason is Reason.LATE]
    assert (correction.quantity, correction.sequence) == (700, 1)
    assert "counted late" in correction.description
    assert [event.amount for event in heard if isinstance(event, UsageCharged)] == [COST, 10]


async def test_what_was_charged_and_corrected_away_is_given_back_once(
    shop: Shop, ada: Organization, heard: list[Event]
) -> None:
    before = (await shop.status(ada)).current_period_start
    assert before is not None
    await use(shop, ada, LIMIT)
    await use(shop, ada, BEYOND)
    await renew(shop, ada)
    await charge(shop, ada)
    span = Period(before - timedelta(days=400), before + timedelta(days=400))
    for wanted in (1_500, None, 1_500):
        async with shop.runtime.transaction() as tx:
            meter = next(each for each in await metering.list_meters(tx) if each.key == "prompts")
            page = await metering.list_events(tx, ada.id, meter.id, span, cursor=None, limit=10)
            event = next(each for each in page.data if each.versions[0].quantity == BEYOND)
            wish = metering.Correction(wanted, "a test", None)
            await metering.correct(tx, event, wish, limit=metering.Limit(None), aggregation=meter.aggregation)
        for _ in range(2):
            async with shop.runtime.transaction() as tx:
                await overage.late_usage.handler(tx)
            await charge(shop, ada)
    # 3,400 beyond were four packages; 1,500 are two, none are none, and two again.
    corrections = [each for each in await written(shop, ada) if each.reason is Reason.LATE]
    assert [(each.quantity, each.amount) for each in corrections] == [(-1_900, -20), (-1_500, -20), (1_500, 20)]
    assert "1,900 fewer beyond" in corrections[0].description
    assert sorted(each["amount"] for each in await items(shop, ada)) == sorted([COST, -20, -20, 20])
    assert [event.amount for event in heard if isinstance(event, UsageCharged)] == [COST, -20, -20, 20]


async def test_a_currency_without_a_price_is_not_charged_but_told(shop: Shop, heard: list[Event]) -> None:
    """The plan was sold in euros once, and is not any more."""
    demo = catalog.demo_catalogue()
    euros = demo.replace("usd:", "eur:")
    async with shop.runtime.transaction() as tx:
        await catalog.apply(tx, catalog.read_catalogue_file(euros))
    eve = await shop.organization("Eve")
    await shop.told(await shop.buy(eve, "premium"))
    await use(shop, eve, 600, "deployments")
    async with shop.runtime.transaction() as tx:
        await catalog.apply(tx, catalog.read_catalogue_file(demo))
    await renew(shop, eve)
    await charge(shop, eve)
    assert await items(shop, eve) == []
    [told] = heard
    assert isinstance(told, UsageNotPriced)
    assert (told.feature, told.quantity, told.currency) == ("deployments", 100, "eur")


@pytest.mark.parametrize(
    ("charge_of_calls", "beyond"),
    [
        ("{model: flat, amount: 500}", 7),
        ("{model: per_unit, unit: '0.05'}", 123),
        ("{model: package, size: 100, amount: 50, maximum: 900}", 5_000),
        ("{model: graduated, tiers: [{up_to: 100, unit: '1.5'}, {up_to: null, unit: '0.25', flat: 30}]}", 333),
        ("{model: volume, tiers: [{up_to: 100, unit: 3}, {up_to: null, unit: 1}]}", 101),
        ("{model: percentage, percent: '2.5', fixed: 20, minimum: 50}", 999),
    ],
)
async def test_what_is_invoiced_is_what_the_events_come_to(shop: Shop, charge_of_calls: str, beyond: int) -> None:
    line = "usd: {model: per_unit, unit: 10}"
    async with shop.runtime.transaction() as tx:
        changed = catalog.demo_catalogue().replace(line, f"usd: {charge_of_calls}")
        await catalog.apply(tx, catalog.read_catalogue_file(changed))
        entitlement = (await catalog.get_plan(tx, "premium")).entitlement("deployments")
    eve = await shop.organization("Eve")
    await shop.told(await shop.buy(eve, "premium"))
    for count in (500, beyond // 2, beyond - beyond // 2):
        await use(shop, eve, count, "deployments")
    await end_now(shop, eve)
    await charge(shop, eve)
    found = await newest(shop, eve)
    assert entitlement is not None
    [rated] = rate_overage(entitlement.overage[0], Usage(D(500 + beyond), D(500)))
    assert found.invoice.total == rated.money
    assert found.matches is True
    [explained] = found.lines
    assert explained.steps[0].startswith("3 events")
    assert explained.steps[-1] == f"together {list(rated.explain())[-1].removeprefix('together ')}"


async def test_the_coming_invoice_tells_what_is_beyond_so_far(
    shop: Shop, ada: Organization, client: httpx.AsyncClient
) -> None:
    await use(shop, ada, LIMIT + BEYOND)
    coming = (await client.get("/api/billing/overview")).json()["next_invoice"]
    assert coming["amount"] == {"amount": 5000 + COST, "currency": "usd"}
    [usage] = coming["usage"]
    assert (usage["feature"], usage["quantity"], usage["amount"]["amount"]) == ("prompts", BEYOND, COST)
    async with shop.runtime.transaction() as tx:
        await billing.cancel(tx, ada.id, billing.CancelAt.PERIOD_END)
    coming = (await client.get("/api/billing/overview")).json()["next_invoice"]
    assert coming["amount"]["amount"] == COST, "the plan is not paid again, what was used is"


async def test_a_line_made_by_hand_is_never_said_to_match(
    shop: Shop, ada: Organization, client: httpx.AsyncClient
) -> None:
    customer = await shop.customer_id(ada)
    by_hand = {"customer": customer, "amount": "700", "currency": "usd", "description": "Help on a Sunday"}
    await shop.api("POST", "invoiceitems", **by_hand)
    await use(shop, ada, LIMIT + BEYOND)
    await end_now(shop, ada)
    await charge(shop, ada)
    await shop.told(customer)
    invoice = (await client.get("/api/billing/invoices?limit=1")).json()["data"][0]
    found = (await client.get(f"/api/billing/invoices/{invoice['id']}/explain")).json()
    lines = {line["kind"]: line for line in found["lines"]}
    assert (lines["other"]["replayed"], lines["other"]["matches"]) == (None, None)
    assert "cannot" in lines["other"]["note"]
    assert lines["usage"]["matches"] is True
    assert (found["adds_up"], found["matches"]) == (True, None)
    assert found["sums"][-1] == {"text": "Due", "amount": {"amount": 700 + COST, "currency": "usd"}}


async def test_a_line_that_differs_says_by_how_much(shop: Shop, ada: Organization) -> None:
    await use(shop, ada, LIMIT + BEYOND)
    await end_now(shop, ada)
    await charge(shop, ada)
    async with shop.runtime.transaction() as tx:
        [mine] = [each for each in await store.everything_of(tx, ada.id) if each.amount]
        await store.change(tx, [mine.id], included=LIMIT + 1000)
    found = await newest(shop, ada)
    [line] = found.lines
    assert (line.matches, found.matches) == (False, False)
    assert line.note == "It differs by 0.10 USD."


async def test_what_was_used_before_the_plan_began_is_not_its_to_charge(shop: Shop) -> None:
    """A calendar month's counter goes on from the free plan to the paid one, and from plan to plan."""
    by_month = "limit: 500\n        hard: false"
    text = catalog.demo_catalogue().replace(by_month, f"{by_month}\n        period: calendar_month")
    async with shop.runtime.transaction() as tx:
        await catalog.apply(tx, catalog.read_catalogue_file(text))
        await metering.prepare_partitions(tx)
    eve = await shop.organization("Eve")
    month = shop.runtime.clock.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)

    async def count(more: int) -> None:
        async with shop.runtime.transaction() as tx:
            meter = next(each for each in await metering.list_meters(tx) if each.key == "deployments")
            key = metering.CounterKey(eve.id, meter.id, month)
            wanted = metering.Consumption(key, more, metering.Limit(None), shop.runtime.clock.now())
            await metering.consume(await tx.raw(), [wanted], tx.now)

    async def move(plan: str) -> None:
        async with shop.runtime.transaction() as tx:
            change = billing.Change(plan=plan, at=billing.ChangeAt.NOW)
            await billing.change_plan(tx, eve.id, change, idempotency_key=f"{plan}-{new_id()}")

    await count(800)
    await shop.told(await shop.buy(eve, "premium"))
    await count(5)
    await move("pro")
    await charge(shop, eve)
    [item] = await items(shop, eve)
    assert (item["amount"], item["invoice"]) == (50, None)
    await count(90)
    await move("premium")
    await count(2)
    await end_now(shop, eve)
    await charge(shop, eve)
    await shop.told(await shop.customer_id(eve))
    found = await items(shop, eve)
    assert sorted(each["amount"] for each in found) == [20, 50]
    assert all(each["invoice"] for each in found), "what waited for the next invoice is on the last one at the latest"
    assert (await newest(shop, eve)).matches is True


async def test_a_trial_is_free_of_charge_beyond_the_limit_too(
    shop: Shop, ada: Organization, heard: list[Event]
) -> None:
    customer = await shop.customer_id(ada)
    [subscription] = (await shop.api("GET", "subscriptions", customer=customer))["data"]
    address = f"subscriptions/{subscription['id']}"
    await asyncio.sleep(1.1)  # periods begin on whole seconds
    in_a_week = str(int((shop.twin.now() + timedelta(days=7)).timestamp()))
    await shop.api("POST", address, trial_end=in_a_week, proration_behavior="none")
    await shop.told(customer)
    assert (await shop.status(ada)).status == "trialing"
    await use(shop, ada, LIMIT + BEYOND)
    await asyncio.sleep(1.1)
    await shop.api("POST", address, trial_end="now", proration_behavior="none")
    await shop.told(customer)
    assert (await shop.status(ada)).status == "active"
    await charge(shop, ada)
    assert (await items(shop, ada), heard) == ([], [])
    [trial] = [each for each in await written(shop, ada) if each.used and each.feature == "prompts"]
    assert (trial.state, trial.price_id, trial.quantity, trial.amount) == (State.CLOSED, None, BEYOND, 0)


async def test_add_ons_raise_what_is_included(shop: Shop, ada: Organization) -> None:
    async with shop.runtime.transaction() as tx:
        addon = (await catalog.load_catalogue(tx)).addons["extra_prompts"]
        (grant,) = [each for each in addon.grants if each.feature.key == "prompts"]
    async with shop.runtime.transaction() as tx:
        await billing.set_addon(tx, ada.id, billing.AddonChange("extra_prompts", 1), idempotency_key=f"a-{new_id()}")
    assert grant.amount is not None
    bought = await newest(shop, ada)
    assert (bought.matches, {line.kind for line in bought.lines}) == (True, {"proration"})
    await use(shop, ada, LIMIT + grant.amount + 1000)
    await end_now(shop, ada)
    await charge(shop, ada)
    [item] = await items(shop, ada)
    assert (item["amount"], f"{LIMIT + grant.amount:,}" in item["description"]) == (10, True)
