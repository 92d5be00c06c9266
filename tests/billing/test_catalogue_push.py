"""Products and prices at the provider follow the catalogue, and a second time changes nothing."""

import asyncio
from typing import Any

from tollkeeper import catalog
from tollkeeper.billing.provider import push_catalogue
from tollkeeper.infra import Runtime

from .shop import Shop

PLANS, ADDONS = 4, 4
"""How many prices the demo catalogue has."""


async def push(runtime: Runtime) -> int:
    async with runtime.transaction() as tx:
        return await push_catalogue(tx)


async def at_provider(shop: Shop) -> dict[str, dict[str, Any]]:
    """Return what stands at the provider of our present prices, by our ids."""
    async with shop.runtime.transaction() as tx:
        ids = [str(price.id) for price in await catalog.list_prices(tx)]
    found = [(await shop.api("GET", "prices", **{"lookup_keys[]": each}))["data"] for each in ids]
    return {each["lookup_key"]: each for listed in found for each in listed}


async def test_every_price_stands_at_the_provider_once(shop: Shop) -> None:
    assert await push(shop.runtime) == PLANS + ADDONS
    first = await at_provider(shop)
    assert sorted((each["unit_amount"], each["recurring"]["interval"]) for each in first.values()) == [
        (2000, "month"),
        (5000, "month"),
        (20000, "year"),
        (50000, "year"),
    ]
    assert {each["currency"] for each in first.values()} == {"usd"}
    assert {each["product"] for each in first.values()} == {"tollkeeper_plan_pro", "tollkeeper_plan_premium"}
    await push(shop.runtime)
    assert await at_provider(shop) == first


async def test_two_at_once_make_nothing_twice(shop: Shop) -> None:
    await asyncio.gather(push(shop.runtime), push(shop.runtime))
    assert len(await at_provider(shop)) == PLANS


async def test_what_we_forgot_is_found_again(shop: Shop) -> None:
    await push(shop.runtime)
    first = await at_provider(shop)
    async with shop.runtime.transaction() as tx:
        await (await tx.raw()).execute("delete from provider_prices")
    await push(shop.runtime)
    assert await at_provider(shop) == first


async def test_a_changed_amount_withdraws_the_old_price(shop: Shop) -> None:
    await push(shop.runtime)
    text = catalog.demo_catalogue().replace("month: {usd: 2000}", "month: {usd: 2300}")
    text = text.replace("name: Pro\n", "name: Professional\n")
    async with shop.runtime.transaction() as tx:
        await catalog.apply(tx, catalog.read_catalogue_file(text))
    await push(shop.runtime)
    standing = {(each["unit_amount"], each["active"]) for each in (await at_provider(shop)).values()}
    assert {(2000, False), (2300, True), (20000, True)} <= standing
    assert (await shop.api("GET", "products/tollkeeper_plan_pro"))["name"] == "Professional"


async def test_a_price_withdrawn_before_it_was_sold_is_not_made(shop: Shop) -> None:
    text = catalog.demo_catalogue().replace("month: {usd: 2000}", "month: {usd: 2300}")
    async with shop.runtime.transaction() as tx:
        await catalog.apply(tx, catalog.read_catalogue_file(text))
    assert await push(shop.runtime) == PLANS + ADDONS
    assert 2000 not in {each["unit_amount"] for each in (await at_provider(shop)).values()}


async def test_a_checkout_mends_a_note_that_is_out_of_date(shop: Shop) -> None:
    await push(shop.runtime)
    async with shop.runtime.transaction() as tx:
        await (await tx.raw()).execute("update provider_prices set provider_price = 'price_gone' || price_id")
    ada = await shop.organization()
    await shop.told(await shop.buy(ada))
    assert (await shop.status(ada)).plan == "pro"
