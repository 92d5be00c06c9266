"""Coming back: the same plan, charged to the payment method that is kept, and never twice."""

import asyncio

import httpx
import pytest

from tollkeeper import catalog
from tollkeeper.orgs import Organization

from .shop import Shop, call, member


@pytest.fixture
async def ada(shop: Shop) -> Organization:
    made = await shop.organization()
    shop.caller = member(made)
    return made


@pytest.fixture
async def customer(shop: Shop, ada: Organization, client: httpx.AsyncClient) -> str:
    """Ada had Pro with two seats, and it is over."""
    made = await shop.buy(ada)
    await shop.told(made)
    await call(client, "change", quantity=2)
    await call(client, "cancel", at="now")
    await shop.told(made)
    return made


async def subscriptions(shop: Shop, customer: str) -> list[str]:
    listed = (await shop.api("GET", "subscriptions", customer=customer, status="all"))["data"]
    return [each["status"] for each in listed]


async def use_card(shop: Shop, customer: str, method: str) -> None:
    made = await shop.api("POST", f"payment_methods/{method}/attach", customer=customer)
    await shop.api("POST", f"customers/{customer}", **{"invoice_settings[default_payment_method]": made["id"]})


async def test_the_same_plan_comes_back_at_once(shop: Shop, client: httpx.AsyncClient, customer: str) -> None:
    seen = await call(client, "reactivate/preview")
    assert seen["due_now"]["amount"] == 4000
    back = await call(client, "reactivate")
    assert back["checkout_url"] is None
    now = back["subscription"]
    assert (now["plan"], now["status"], now["quantity"]) == ("pro", "active", 2)
    newest = (await shop.api("GET", "invoices", customer=customer))["data"][0]
    assert (newest["status"], newest["amount_due"]) == ("paid", seen["due_now"]["amount"])
    for path in ("reactivate", "reactivate/preview"):
        assert (await call(client, path, 409))["code"] == "already_subscribed"
    assert await subscriptions(shop, customer) == ["active", "canceled"]


async def test_a_declined_card_leaves_nothing_behind(shop: Shop, client: httpx.AsyncClient, customer: str) -> None:
    await use_card(shop, customer, "pm_card_chargeCustomerFail")
    for _ in range(2):
        assert (await call(client, "reactivate", 402))["code"] == "payment_failed"
    assert "incomplete" not in await subscriptions(shop, customer)
    assert "active" not in await subscriptions(shop, customer)
    await use_card(shop, customer, "pm_card_visa")
    assert (await call(client, "reactivate"))["subscription"]["plan"] == "pro", "a refusal is not repeated"


async def test_two_at_once_begin_one(shop: Shop, client: httpx.AsyncClient, customer: str) -> None:
    answers = await asyncio.gather(*(client.post("/api/subscription/reactivate", json={}) for _ in range(3)))
    assert sorted(each.status_code for each in answers) == [200, 409, 409]
    assert await subscriptions(shop, customer) == ["active", "canceled"]


async def test_a_page_opened_before_sells_nothing_more(
    shop: Shop, ada: Organization, client: httpx.AsyncClient, customer: str
) -> None:
    page = await shop.checkout(ada, "premium")
    await call(client, "reactivate")
    assert (await shop.pay(page.url)).status_code != 303
    assert await subscriptions(shop, customer) == ["active", "canceled"]


async def test_without_a_kept_card_there_is_a_page(
    shop: Shop, ada: Organization, client: httpx.AsyncClient, customer: str
) -> None:
    for each in (await shop.api("GET", f"customers/{customer}/payment_methods"))["data"]:
        await shop.api("POST", f"payment_methods/{each['id']}/detach")
    back = await call(client, "reactivate")
    assert back["subscription"] is None
    assert (await shop.pay(back["checkout_url"])).status_code == 303
    await shop.told(customer)
    assert (await shop.status(ada)).plan == "pro"


@pytest.mark.usefixtures("customer")
async def test_at_the_present_price_where_the_old_one_is_gone(shop: Shop, client: httpx.AsyncClient) -> None:
    text = "features: {}\nplans:\n  free: {name: Free, default: true}\n"
    dearer = text + "  pro: {name: Pro, prices: {month: {usd: 2500}}}\n"
    for sold, status in ((dearer, 200), (text, 422)):
        async with shop.runtime.transaction() as tx:
            await catalog.apply(tx, catalog.read_catalogue_file(sold))
        seen = await call(client, "reactivate/preview", status)
        if status == 200:
            assert seen["due_now"]["amount"] == 5000, "two seats"
        else:
            assert seen["code"] == "plan_not_purchasable"
    assert (await call(client, "reactivate", 422))["code"] == "plan_not_purchasable"


async def test_there_is_something_to_come_back_to(shop: Shop, ada: Organization, client: httpx.AsyncClient) -> None:
    assert (await call(client, "reactivate", 409))["code"] == "no_customer"
    await shop.told(await shop.buy(ada))
    assert (await call(client, "reactivate", 409))["code"] == "already_subscribed"
