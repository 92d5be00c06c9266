"""Leaving a price that nobody can buy any more: those who have it may still become another when their period ends."""

import asyncio

import pytest

from tollkeeper import billing, catalog
from tollkeeper.billing.flows.model import AddonChange
from tollkeeper.billing.flows.service import set_addon
from tollkeeper.billing.provider import PriceAtProvider, ProviderRefusedError, Target, push_catalogue
from tollkeeper.orgs import Organization
from tollkeeper.rating import Interval

from .shop import Shop

PREMIUM = "products/tollkeeper_plan_premium"


async def step_down(shop: Shop, who: Organization) -> billing.Subscription:
    async with shop.runtime.transaction() as tx:
        change = billing.Change(plan="pro")
        return await billing.change_plan(tx, who.id, change, idempotency_key=f"down {who.id}")


async def buy_premium(shop: Shop, name: str) -> tuple[Organization, str]:
    """Buy the dearer plan; returns who, and the provider's price."""
    who = await shop.organization(name)
    customer = await shop.buy(who, "premium")
    await shop.told(customer)
    [subscription] = (await shop.api("GET", "subscriptions", customer=customer))["data"]
    return who, subscription["items"]["data"][0]["price"]["id"]


async def reprice(shop: Shop) -> None:
    """Premium and the add-on cost more from now on: what was sold so far is withdrawn."""
    text = catalog.demo_catalogue().replace("month: {usd: 5000}", "month: {usd: 6000}")
    async with shop.runtime.transaction() as tx:
        await catalog.apply(tx, catalog.read_catalogue_file(text.replace("month: {usd: 500}", "month: {usd: 600}")))
        await push_catalogue(tx)


async def is_sold(shop: Shop, price: str) -> bool:
    return bool((await shop.api("GET", f"prices/{price}"))["active"])


async def test_many_at_once_leave_a_price_that_is_off_sale(shop: Shop) -> None:
    bought = [await buy_premium(shop, f"Customer {number}") for number in range(3)]
    [old] = {price for _, price in bought}
    await reprice(shop)
    assert not await is_sold(shop, old)
    left = await asyncio.gather(*(step_down(shop, who) for who, _ in bought))
    for each in left:
        assert (each.plan, each.pending.plan if each.pending else None) == ("premium", "pro")
    assert not await is_sold(shop, old), "it was on sale for the moment only"
    again = await step_down(shop, bought[0][0])
    assert again.pending is not None, "a schedule that stands is changed as well"


async def test_what_is_withdrawn_beside_the_plan_and_its_product_are_no_hindrance(shop: Shop) -> None:
    ada, old = await buy_premium(shop, "Ada")
    async with shop.runtime.transaction() as tx:
        wish = AddonChange("extra_prompts", 2)
        await set_addon(tx, ada.id, wish, idempotency_key=f"extra {ada.id}")
    await reprice(shop)
    await shop.api("POST", PREMIUM, active="false")
    try:
        after = await step_down(shop, ada)
        assert after.pending is not None
        assert (after.pending.plan, after.pending_units()) == ("pro", {"extra_prompts": 2})
        assert not (await shop.api("GET", PREMIUM))["active"]
    finally:
        await shop.api("POST", PREMIUM, active="true")
    assert not await is_sold(shop, old)


async def test_a_refusal_leaves_what_is_withdrawn_off_sale(shop: Shop) -> None:
    ada, old = await buy_premium(shop, "Ada")
    await reprice(shop)
    [subscription] = (await shop.api("GET", "subscriptions", customer=await shop.customer_id(ada)))["data"]
    state = await shop.provider.fetch_subscription(subscription["id"])
    assert state is not None
    once = await shop.api("POST", "prices", currency="usd", unit_amount="100", **{"product_data[name]": "Mug"})
    wrong = Target(PriceAtProvider(once["id"], None), 1, Interval.MONTH, restarts=False)
    with pytest.raises(ProviderRefusedError):
        await shop.provider.schedule_change(state, wrong, idempotency_key=f"wrong {ada.id}")
    assert not await is_sold(shop, old)
