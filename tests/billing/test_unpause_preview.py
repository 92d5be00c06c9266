"""What going on after a pause costs is shown before, to the cent: nothing in a paid period, else a whole new one."""

from typing import Any

import httpx
import pytest

from tollkeeper.kit import ROLE_PERMISSIONS, Actor, ActorKind, Permission, Role
from tollkeeper.orgs import Organization

from .shop import Shop, call, member
from .test_pauses import OPERATOR, let_period_fall_into_pause


@pytest.fixture
async def ada(shop: Shop) -> Organization:
    shop.runtime.settings = shop.runtime.settings.model_copy(update={"pause": "60"})
    made = await shop.organization()
    shop.caller = member(made)
    await shop.told(await shop.buy(made))
    return made


async def newest_invoice(shop: Shop, customer: str) -> dict[str, Any]:
    return dict((await shop.api("GET", "invoices", customer=customer, limit="1"))["data"][0])


async def void_a_period(shop: Shop, ada: Organization, total: int) -> str:
    """A period begins while the subscription rests, and its invoice is void. Returns the customer."""
    customer = await shop.customer_id(ada)
    [subscription] = (await shop.api("GET", "subscriptions", customer=customer))["data"]
    anew = {"billing_cycle_anchor[type]": "now", "proration_behavior": "none", "payment_behavior": "default_incomplete"}
    made = await shop.api("POST", f"subscriptions/{subscription['id']}", **anew)
    void = await shop.api("POST", f"invoices/{made['latest_invoice']}/void")
    assert void["total"] == total
    await shop.told(customer)
    return customer


async def test_in_a_paid_period_nothing_is_due(shop: Shop, ada: Organization, client: httpx.AsyncClient) -> None:
    await call(client, "pause")
    seen = await call(client, "unpause/preview")
    assert (seen["at"], seen["due_now"], seen["lines"]) == ("now", {"amount": 0, "currency": "usd"}, [])
    assert (await call(client, "unpause"))["plan"] == "pro"
    assert len((await shop.api("GET", "invoices", customer=await shop.customer_id(ada)))["data"]) == 1
    seen = await call(client, "unpause/preview")
    assert seen["due_now"]["amount"] == 0, "whoever is not paused goes on as they are"


async def test_after_a_void_period_it_is_the_invoice_that_follows(
    shop: Shop, ada: Organization, client: httpx.AsyncClient
) -> None:
    await call(client, "change", quantity=3)
    await call(client, "addons", addon="extra_prompts", quantity=2)
    await call(client, "promotion", code="LAUNCH20")
    await call(client, "pause")
    full, off = 3 * 2000 + 2 * 500, 3 * 400  # the coupon is for the plan alone
    customer = await void_a_period(shop, ada, full - off)
    await shop.api("POST", f"customers/{customer}/balance_transactions", amount="-150", currency="usd")
    seen = await call(client, "unpause/preview")
    assert (seen["subtotal"]["amount"], seen["discount_total"]["amount"]) == (full, off)
    assert seen["due_now"]["amount"] == full - off - 150
    before = await shop.status(ada)
    assert before.subscription is not None
    assert before.subscription.pause is not None, "looking changes nothing"
    assert (await newest_invoice(shop, customer))["status"] == "void"
    assert (await call(client, "unpause"))["plan"] == "pro"
    invoice = await newest_invoice(shop, customer)
    assert invoice["status"] == "paid"
    assert (invoice["amount_due"], invoice["total"]) == (seen["due_now"]["amount"], seen["total"]["amount"])
    shown = sorted((each["description"], each["amount"]["amount"]) for each in seen["lines"])
    assert shown == sorted((each["description"], each["amount"]) for each in invoice["lines"]["data"])


async def test_what_ended_by_itself_unpaid_shows_what_paying_it_costs(
    shop: Shop, ada: Organization, client: httpx.AsyncClient
) -> None:
    await call(client, "pause")
    customer, subscription = await let_period_fall_into_pause(shop, ada)
    declined = await shop.api("POST", "payment_methods/pm_card_chargeCustomerFail/attach", customer=customer)
    await shop.api("POST", f"subscriptions/{subscription}", default_payment_method=declined["id"])
    await shop.api("POST", f"subscriptions/{subscription}", pause_collection="")
    await shop.told(customer)
    assert (await shop.status(ada)).plan == "free"
    assert (await call(client, "unpause/preview"))["due_now"]["amount"] == 2000


async def test_who_may_look(shop: Shop, ada: Organization, client: httpx.AsyncClient) -> None:
    await call(client, "pause")
    reader = frozenset({Permission.BILLING_READ})
    shop.caller = Actor(ActorKind.TOKEN, reader, ada.id)
    assert (await call(client, "unpause/preview"))["due_now"]["amount"] == 0
    assert (await call(client, "unpause", 403))["code"] == "forbidden"
    shop.runtime.settings = shop.runtime.settings.model_copy(update={"pause": "off"})
    assert (await call(client, "unpause/preview", 403))["code"] == "forbidden", "as going on itself"
    shop.caller = OPERATOR
    assert (await call(client, "unpause/preview", customer=str(ada.id)))["due_now"]["amount"] == 0
    shop.caller = Actor(ActorKind.TOKEN, ROLE_PERMISSIONS[Role.OWNER], (await shop.organization("Eve")).id)
    assert (await call(client, "unpause/preview", 409))["code"] == "no_customer"
