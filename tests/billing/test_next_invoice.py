"""The coming invoice on the overview is what the provider says of it, without asking: discount, seats, add-ons."""

from datetime import datetime, timedelta

import httpx
import pytest

from tollkeeper import catalog
from tollkeeper.kit import FixedClock
from tollkeeper.orgs import Organization

from .shop import Shop, call, member
from .test_disputes import time_passes
from .test_overage import BEYOND, COST, LIMIT, charge, use

OFFERS = """
coupons:
  odd: {name: Odd, percent_off: '12.34', duration: forever}
  pro_only: {name: Pro only, percent_off: 50, duration: forever, plans: [pro]}
  fiver: {name: Five off, amount_off: {usd: 500, eur: 450}, duration: once}
  large: {name: Everything off, amount_off: {usd: 999999}, duration: forever}
  short: {name: A month, percent_off: 20, duration: repeating, months: 1}
codes:
  ODD: {coupon: odd}
  PRO: {coupon: pro_only}
  FIVER: {coupon: fiver}
  LARGE: {coupon: large}
  SHORT: {coupon: short}
"""


@pytest.fixture
async def ada(shop: Shop) -> Organization:
    """Somebody with three seats of Pro and two packs, in a shop with offers."""
    demo = catalog.demo_catalogue()
    text = demo[: demo.index("\ncoupons:")] + OFFERS
    async with shop.runtime.transaction() as tx:
        await catalog.apply(tx, catalog.read_catalogue_file(text))
    made = await shop.organization()
    shop.caller = member(made)
    shop.runtime.settings = shop.runtime.settings.model_copy(update={"pause": "60"})
    await shop.told(await shop.buy(made))
    return made


async def coming(client: httpx.AsyncClient) -> tuple[int, int] | None:
    """Return amount and discount of the coming invoice as we tell it."""
    found = (await client.get("/api/billing/overview")).json()["next_invoice"]
    return found and (found["amount"]["amount"], found["discount_total"]["amount"])


async def at_provider(shop: Shop, ada: Organization) -> tuple[int, int]:
    """Return total and discount of the coming invoice as the provider tells it."""
    customer = await shop.customer_id(ada)
    [subscription] = (await shop.api("GET", "subscriptions", customer=customer))["data"]
    found = await shop.api("POST", "invoices/create_preview", customer=customer, subscription=subscription["id"])
    return found["total_excluding_tax"], sum(each["amount"] for each in found["total_discount_amounts"])


async def newest_invoice(shop: Shop, ada: Organization) -> tuple[int, int]:
    """Return total and discount of what was charged last."""
    [found] = (await shop.api("GET", "invoices", customer=await shop.customer_id(ada), limit="1"))["data"]
    return found["total_excluding_tax"], sum(each["amount"] for each in found["total_discount_amounts"])


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("ODD", (6137, 863)),  # 12.34 % of 60.00 and of 10.00, each rounded by itself
        ("PRO", (4000, 3000)),  # the packs are not of the plan
        ("FIVER", (6500, 500)),
        ("LARGE", (0, 7000)),
        ("SHORT", (7000, 0)),  # its month is over when the next invoice is made
    ],
)
async def test_a_running_discount_is_taken_off_as_the_provider_does(
    shop: Shop, ada: Organization, client: httpx.AsyncClient, code: str, wanted: tuple[int, int]
) -> None:
    await call(client, "change", quantity=3)
    await call(client, "addons", addon="extra_prompts", quantity=2)
    assert await coming(client) == (7000, 0) == await at_provider(shop, ada)
    await call(client, "promotion", code=code)
    if code == "SHORT":
        await after_its_month(shop, ada)
    assert await coming(client) == wanted == await at_provider(shop, ada)


async def after_its_month(shop: Shop, ada: Organization) -> None:
    """The period now ends with the discount, or after it."""
    customer = await shop.customer_id(ada)
    [subscription] = (await shop.api("GET", "subscriptions", customer=customer))["data"]
    anew = {"billing_cycle_anchor[type]": "now", "proration_behavior": "none"}
    await shop.api("POST", f"subscriptions/{subscription['id']}", **anew)
    await shop.told(customer)


async def test_a_change_to_come_is_in_it(shop: Shop, ada: Organization, client: httpx.AsyncClient) -> None:
    await call(client, "promotion", code="PRO")
    await call(client, "addons", addon="extra_prompts", quantity=1)
    assert await coming(client) == (1500, 1000) == await at_provider(shop, ada)
    await call(client, "change", plan="premium", at="period_end")
    assert await coming(client) == (5500, 0) == await at_provider(shop, ada), "the coupon is for another plan"
    await call(client, "addons", addon="extra_prompts", quantity=0)
    assert await coming(client) == (5000, 0) == await at_provider(shop, ada)
    await call(client, "change", plan="pro", interval="year", at="period_end")
    assert await coming(client) == (10000, 10000) == await at_provider(shop, ada)


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("ODD", (2191, 309)),  # 12.34 % of 20.00 and of 5.00, each rounded by itself
        ("PRO", (1500, 1000)),  # the pack is not of the plan
        ("FIVER", (2000, 500)),
        ("SHORT", (2000, 500)),  # its month begins with the change
    ],
)
async def test_a_code_with_a_change_to_come_lowers_the_invoice_that_comes(
    shop: Shop, ada: Organization, client: httpx.AsyncClient, code: str, wanted: tuple[int, int]
) -> None:
    await call(client, "change", plan="premium")
    await call(client, "addons", addon="extra_prompts", quantity=2)
    await call(client, "promotion", code="LARGE")
    await call(client, "change", plan="pro", at="period_end", promotion_code=code)
    await call(client, "addons", addon="extra_prompts", quantity=1)
    assert await coming(client) == wanted == await at_provider(shop, ada), "not what lowers the invoices until then"
    await time_passes(shop, days=32)
    assert await newest_invoice(shop, ada) == wanted


async def test_a_change_to_come_outlives_its_code(shop: Shop, ada: Organization, client: httpx.AsyncClient) -> None:
    await call(client, "addons", addon="extra_prompts", quantity=2)
    await call(client, "change", plan="premium", at="period_end", promotion_code="FIVER")
    [code] = (await shop.api("GET", "promotion_codes", code="FIVER", active="true"))["data"]
    await shop.api("POST", f"promotion_codes/{code['id']}", active="false")
    await call(client, "addons", addon="extra_prompts", quantity=1)
    found = await coming(client)
    assert found == await at_provider(shop, ada)
    assert found[1] == 0
    status = await shop.status(ada)
    assert status.subscription is not None
    assert status.subscription.pending is not None
    assert status.subscription.pending.plan == "premium"


async def test_a_code_outlives_the_change_it_came_with(
    shop: Shop, ada: Organization, client: httpx.AsyncClient
) -> None:
    await call(client, "addons", addon="extra_prompts", quantity=2)
    await call(client, "addons", addon="extra_prompts", quantity=1)
    await call(client, "change", plan="pro", promotion_code="FIVER")
    await call(client, "addons", addon="extra_prompts", quantity=2)
    assert await coming(client) == (2500, 500) == await at_provider(shop, ada)
    await call(client, "change/cancel")
    assert await coming(client) == (3000, 0) == await at_provider(shop, ada)


async def test_usage_that_waits_for_the_next_invoice_is_in_it(
    shop: Shop, ada: Organization, client: httpx.AsyncClient
) -> None:
    await call(client, "change", plan="premium")
    await call(client, "promotion", code="ODD")
    await use(shop, ada, LIMIT + BEYOND)
    plan, off = 5000 - 617, 617
    assert await coming(client) == (plan + COST - 5, off + 5)
    assert await at_provider(shop, ada) == (plan, off), "so far it is counted by us alone"
    await call(client, "change", plan="pro", at="now")
    charged = (2000 - 247 + COST - 5, 247 + 5)
    assert await coming(client) == charged, "written down, not at the provider yet"
    await charge(shop, ada)
    assert await coming(client) == charged == await at_provider(shop, ada)


async def test_what_others_put_on_the_next_invoice_is_not_known(
    shop: Shop, ada: Organization, client: httpx.AsyncClient
) -> None:
    customer = await shop.customer_id(ada)
    item = {"customer": customer, "amount": "700", "currency": "usd", "description": "Help on a Sunday"}
    await shop.api("POST", "invoiceitems", **item)
    assert await at_provider(shop, ada) == (2700, 0)
    assert await coming(client) == (2000, 0)


async def test_a_pause_moves_it_or_lets_it_be(
    shop: Shop, ada: Organization, client: httpx.AsyncClient, clock: FixedClock
) -> None:
    end = (await shop.status(ada)).current_period_end
    status = await call(client, "pause", until=(clock.now() + timedelta(days=10)).isoformat())
    found = (await client.get("/api/billing/overview")).json()["next_invoice"]
    assert datetime.fromisoformat(found["at"]) == end, "it ends within the paid period"
    await call(client, "unpause")
    status = await call(client, "pause", until=(clock.now() + timedelta(days=50)).isoformat())
    found = (await client.get("/api/billing/overview")).json()["next_invoice"]
    assert (found["at"], found["amount"]["amount"]) == (status["paused_until"], 2000)
    customer = await shop.customer_id(ada)
    [subscription] = (await shop.api("GET", "subscriptions", customer=customer))["data"]
    await shop.api("POST", f"subscriptions/{subscription['id']}", **{"pause_collection[behavior]": "void"})
    await shop.told(customer)
    assert await coming(client) is None, "nothing is owed until it goes on"


@pytest.mark.usefixtures("ada")
async def test_one_that_ends_has_none(client: httpx.AsyncClient) -> None:
    await call(client, "promotion", code="ODD")
    await call(client, "cancel")
    assert await coming(client) is None
