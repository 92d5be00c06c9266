"""Trials: once an organization, with and without a card, announced, ended early, extended, and woken up."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tollkeeper import catalog
from tollkeeper.billing import TrialEnding
from tollkeeper.kit import Actor, ActorKind, FixedClock, Permission
from tollkeeper.orgs import Organization

from .shop import Shop, call, member

CATALOGUE = """
features: {}
plans:
  free: {name: Free, default: true}
  pro:
    name: Pro
    prices: {month: {usd: 2000}}
    trial: {days: 14, card: required}
  lite:
    name: Lite
    prices: {month: {usd: 900}}
    trial: {days: 7, card: optional, without_card: pause}
  max:
    name: Max
    prices: {month: {usd: 9000}}
    trial: {days: 2, card: optional}
"""
OPERATOR = Actor(ActorKind.OPERATOR_KEY, frozenset(Permission))


@pytest.fixture
async def told(shop: Shop) -> list[TrialEnding]:
    """What was announced of trials that end."""
    return shop.hear(TrialEnding)


@pytest.fixture
async def ada(shop: Shop) -> Organization:
    async with shop.runtime.transaction() as tx:
        await catalog.apply(tx, catalog.read_catalogue_file(CATALOGUE))
    made = await shop.organization()
    shop.caller = member(made)
    return made


async def begin_without_card(shop: Shop, ada: Organization, plan: str = "lite") -> str:
    opened = await shop.checkout(ada, plan)
    async with httpx.AsyncClient(trust_env=False) as browser:
        page = await browser.get(opened.url)
        assert "No card needed" in page.text
        assert 'name="card_number"' not in page.text
        assert (await browser.post(opened.url, data={})).status_code == 303
    customer = await shop.customer_id(ada)
    await shop.told(customer)
    return customer


async def give_card(shop: Shop, customer: str, method: str = "pm_card_visa") -> None:
    made = await shop.api("POST", f"payment_methods/{method}/attach", customer=customer)
    settings = {"invoice_settings[default_payment_method]": made["id"]}
    await shop.api("POST", f"customers/{customer}", **settings)
    await shop.told(customer)


async def test_a_trial_is_given_once(shop: Shop, ada: Organization, client: httpx.AsyncClient) -> None:
    customer = await shop.buy(ada)
    await shop.told(customer)
    now = await shop.status(ada)
    assert (now.plan, now.status) == ("pro", "trialing")
    assert now.trial_end is not None
    assert now.trial_end == now.current_period_end
    assert [each["total"] for each in (await shop.api("GET", "invoices", customer=customer))["data"]] == [0]
    await client.post("/api/subscription/cancel", json={"at": "now"})
    await shop.told(customer)
    await shop.told(await shop.buy(ada, "lite"))
    again = await shop.status(ada)
    assert (again.plan, again.status, again.trial_end) == ("lite", "active", None), "a second one is not offered"


async def test_the_providers_own_history_counts_too(shop: Shop, ada: Organization) -> None:
    """A trial given in the provider's dashboard, of which we never heard, was a trial."""
    opened = await shop.checkout(ada)
    customer = await shop.customer_id(ada)
    price = (await shop.api("GET", f"checkout/sessions/{opened.session_id}/line_items"))["data"][0]["price"]["id"]
    wanted = {"customer": customer, "items[0][price]": price, "trial_period_days": "3"}
    made = await shop.api("POST", "subscriptions", **wanted)
    await shop.api("DELETE", f"subscriptions/{made['id']}")
    await shop.told(await shop.buy(ada))
    assert (await shop.status(ada)).status == "active"


async def test_the_end_of_a_trial_is_announced_once_whatever_comes(
    shop: Shop, ada: Organization, told: list[TrialEnding]
) -> None:
    customer = await begin_without_card(shop, ada, "max")
    assert "customer.subscription.trial_will_end" in str(await shop.events(customer))
    for body in [*reversed(await shop.events(customer)), *(await shop.events(customer))]:
        await shop.process(body)
    [event] = told
    status = await shop.status(ada)
    assert (event.organization_id, event.plan, event.trial_end) == (ada.id, "max", status.trial_end)
    assert event.can_be_paid is False


async def test_ending_a_trial_needs_a_way_to_pay_and_collects(
    shop: Shop, ada: Organization, client: httpx.AsyncClient
) -> None:
    customer = await begin_without_card(shop, ada)
    assert (await call(client, "trial/end", 409))["code"] == "payment_method_needed"
    await give_card(shop, customer)
    now = await call(client, "trial/end")
    assert (now["plan"], now["status"]) == ("lite", "active")
    newest = (await shop.api("GET", "invoices", customer=customer))["data"][0]
    assert (newest["status"], newest["total"]) == ("paid", 900)
    assert (await call(client, "trial/end", 409))["code"] == "no_trial"


async def test_a_declined_card_leaves_the_trial_as_it_is(
    shop: Shop, ada: Organization, client: httpx.AsyncClient
) -> None:
    customer = await begin_without_card(shop, ada)
    await give_card(shop, customer, "pm_card_chargeCustomerFail")
    assert (await call(client, "trial/end", 402))["code"] == "payment_failed"
    assert (await shop.status(ada)).status == "trialing"


async def test_only_operators_extend_a_trial(
    shop: Shop, ada: Organization, client: httpx.AsyncClient, told: list[TrialEnding], clock: FixedClock
) -> None:
    await begin_without_card(shop, ada, "max")
    end = (await shop.status(ada)).trial_end
    assert end is not None
    later = end + timedelta(days=20)
    assert (await call(client, "trial/extend", 403, until=later.isoformat()))["code"] == "forbidden"
    shop.caller = OPERATOR
    named: dict[str, Any] = {"customer": str(ada.id)}
    for wrong in (end, clock.now() + timedelta(days=800)):
        problem = await call(client, "trial/extend", 422, until=wrong.isoformat(), **named)
        assert problem["errors"][0]["field"] == "until"
    now = await call(client, "trial/extend", until=later.isoformat(), **named)
    assert datetime.fromisoformat(now["trial_end"]) == later
    assert len(told) == 1, "the new end is far away"


async def test_what_rests_since_its_trial_is_not_used_until_it_is_paid(
    shop: Shop, ada: Organization, client: httpx.AsyncClient
) -> None:
    customer = await begin_without_card(shop, ada)
    [subscription] = (await shop.api("GET", "subscriptions", customer=customer))["data"]
    await shop.api("POST", f"subscriptions/{subscription['id']}", trial_end="now")
    await shop.told(customer)
    now = await shop.status(ada)
    assert (now.plan, now.status) == ("free", "paused")
    assert (await call(client, "trial/resume", 409))["code"] == "payment_method_needed"
    await give_card(shop, customer, "pm_card_chargeCustomerFail")
    failed = await call(client, "trial/resume", 402)
    assert failed["page_url"].startswith("http"), "where the open invoice can be paid"
    assert (await call(client, "trial/resume", 402))["code"] == "payment_failed"
    assert len((await shop.api("GET", "invoices", customer=customer, status="open"))["data"]) == 1, "asked for once"


async def test_with_a_card_it_goes_on(shop: Shop, ada: Organization, client: httpx.AsyncClient) -> None:
    customer = await begin_without_card(shop, ada)
    [subscription] = (await shop.api("GET", "subscriptions", customer=customer))["data"]
    await shop.api("POST", f"subscriptions/{subscription['id']}", trial_end="now")
    await give_card(shop, customer)
    now = await call(client, "trial/resume")
    assert (now["plan"], now["status"]) == ("lite", "active")
    assert (await call(client, "trial/resume", 409))["code"] == "no_trial"


async def test_the_plan_and_the_interval_change_during_a_trial_without_charge(
    shop: Shop, ada: Organization, client: httpx.AsyncClient
) -> None:
    await shop.told(await shop.buy(ada))
    end = (await shop.status(ada)).trial_end
    seen = await call(client, "preview", plan="max", at="now")
    assert (seen["due_now"]["amount"], seen["next_invoice"]["due"]["amount"]) == (0, 9000)
    now = await call(client, "change", plan="max", at="now")
    assert (now["plan"], now["status"]) == ("max", "trialing")
    assert datetime.fromisoformat(now["trial_end"]) == end
