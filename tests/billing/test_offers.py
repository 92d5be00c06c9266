"""Promotion codes from the file to the invoice: pushed once, refused in words, previewed to the cent, mirrored."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tollkeeper import billing, catalog
from tollkeeper.billing.provider import push_catalogue
from tollkeeper.catalog import PromotionCodeError
from tollkeeper.kit import ROLE_PERMISSIONS, Actor, ActorKind, FixedClock, InvalidInputError, Role
from tollkeeper.orgs import Organization

from .shop import Shop

MAIN = """
features: {}
plans:
  free: {name: Free, default: true}
  pro:
    name: Pro
    prices: {month: {usd: 2000, eur: 1800}, year: {usd: 20000, eur: 18000}}
  premium:
    name: Premium
    prices: {month: {usd: 5000, eur: 4500}, year: {usd: 50000, eur: 45000}}
"""
OFFERS = """
coupons:
  launch: {name: Launch, percent_off: '12.5', duration: repeating, months: 3}
  fiver: {name: Five off, amount_off: {usd: 500, eur: 450}, duration: once}
  top: {name: Top, percent_off: 50, duration: forever, plans: [premium]}
codes:
  LAUNCH: {coupon: launch}
  FIVER: {coupon: fiver, minimum: {usd: 1500, eur: 1500}}
  TOP: {coupon: top}
  ONCE-ONLY: {coupon: launch, max_redemptions: 1}
  FIRST: {coupon: launch, first_time_only: true}
  OVER: {coupon: launch, expires_at: 2020-01-01T00:00:00Z}
  HIGH: {coupon: fiver, minimum: {usd: 3000, eur: 3000}}
"""


async def apply(shop: Shop, text: str) -> list[str]:
    async with shop.runtime.transaction() as tx:
        return [str(each) for each in await catalog.apply(tx, catalog.read_catalogue_file(text))]


async def push(shop: Shop) -> None:
    async with shop.runtime.transaction() as tx:
        await push_catalogue(tx)


@pytest.fixture
async def ada(shop: Shop) -> Organization:
    """Somebody in a shop with offers, who has bought nothing yet."""
    await apply(shop, MAIN + OFFERS)
    await push(shop)
    made = await shop.organization()
    shop.caller = Actor(ActorKind.TOKEN, ROLE_PERMISSIONS[Role.OWNER], made.id)
    return made


async def call(client: httpx.AsyncClient, method: str, path: str, status: int = 200, **body: Any) -> dict[str, Any]:
    answer = await client.request(method, f"/api{path}", json=body or None)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def codes_at_provider(shop: Shop, text: str) -> list[bool]:
    listed = await shop.api("GET", "promotion_codes", code=text, limit="100")
    return [each["active"] for each in listed["data"]]


async def newest_invoice(shop: Shop, customer: str) -> dict[str, Any]:
    return dict((await shop.api("GET", "invoices", customer=customer, limit="1"))["data"][0])


async def test_offers_are_pushed_once_replaced_and_archived(shop: Shop) -> None:
    text = MAIN + "coupons:\n  c: {name: C, percent_off: 10}\ncodes:\n  PUSHED: {coupon: c}\n"
    await apply(shop, text)
    await push(shop)
    await push(shop)
    assert await codes_at_provider(shop, "PUSHED") == [True]
    said = await apply(shop, text.replace("percent_off: 10", "percent_off: 15"))
    assert said == [
        "~ coupon c: 10 % off once becomes 15 % off once; those who have it keep the old one",
        "~ code PUSHED: leads to the new coupon c",
    ]
    await push(shop)
    assert sorted(await codes_at_provider(shop, "PUSHED")) == [False, True]
    assert await apply(shop, MAIN) == [
        "- coupon c: C; those who have it keep it",
        "- code PUSHED: nobody can redeem it any more",
    ]
    await push(shop)
    assert await codes_at_provider(shop, "PUSHED") == [False, False]


async def test_a_purchase_with_a_code_costs_less_and_shows_it(
    shop: Shop, ada: Organization, client: httpx.AsyncClient
) -> None:
    opened = await call(client, "POST", "/stripe/create-checkout", plan="pro", promotion_code="launch")
    again = await call(client, "POST", "/stripe/create-checkout", plan="pro", promotion_code="LAUNCH")
    assert again == opened, "the same wish is the same page"
    assert (await shop.pay(opened["url"])).status_code == 303
    customer = await shop.customer_id(ada)
    await shop.told(customer)
    assert (await newest_invoice(shop, customer))["total"] == 1750
    status = await call(client, "GET", "/subscription/status")
    ends = status["discount"].pop("ends_at")
    assert status["discount"] == {"code": "LAUNCH", "name": "Launch", "percent_off": 12.5, "amount_off": None}
    assert ends > status["current_period_end"]
    assert (await call(client, "GET", "/billing/overview"))["subscription"]["discount"]["code"] == "LAUNCH"


async def test_without_a_code_the_page_asks_for_one(shop: Shop, ada: Organization) -> None:
    opened = await shop.checkout(ada)
    async with httpx.AsyncClient(trust_env=False) as browser:
        page = await browser.get(opened.url)
        assert 'name="promotion_code"' in page.text
        wrong = await browser.post(opened.url, data={"promotion_code": "NOPE"})
        assert wrong.status_code == 422
        assert "invalid" in wrong.text
        right = await browser.post(
            opened.url,
            data={
                "promotion_code": "fiver",
                "card_number": "4242424242424242",
                "exp_month": "12",
                "exp_year": "2034",
                "cvc": "123",
                "name": "Ada",
                "postal_code": "1",
            },
        )
        assert right.status_code == 303, right.text
    customer = await shop.customer_id(ada)
    await shop.told(customer)
    assert (await newest_invoice(shop, customer))["total"] == 1500
    assert (await shop.status(ada)).discount is None, "a coupon for one invoice is spent"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("NOPE", "There is no such code."),
        ("OVER", "This code expired on 1 January 2020."),
        ("TOP", "This code is not for this plan."),
    ],
)
async def test_a_code_that_cannot_be_used_is_refused_in_words(
    shop: Shop, ada: Organization, client: httpx.AsyncClient, code: str, said: str
) -> None:
    problem = await call(client, "POST", "/stripe/create-checkout", 422, plan="pro", promotion_code=code)
    assert (await shop.status(ada)).status == "active"
    assert problem["code"] == "promotion_code_invalid"
    assert problem["errors"] == [{"field": "promotion_code", "message": said, "code": "invalid"}]


async def test_the_provider_has_the_last_word_on_a_code(shop: Shop, ada: Organization) -> None:
    await shop.buy(ada, promotion_code="ONCE-ONLY")
    bob = await shop.organization("Bob")
    with pytest.raises(PromotionCodeError, match="used up"):
        await shop.checkout(bob, promotion_code="ONCE-ONLY")
    await shop.told(await shop.customer_id(ada))
    async with shop.runtime.transaction() as tx:
        with pytest.raises(PromotionCodeError, match="first purchase"):
            await billing.apply_promotion(tx, ada.id, "FIRST", idempotency_key="first")


async def test_a_code_on_a_running_subscription_lowers_the_next_invoice_as_previewed(
    shop: Shop, ada: Organization, client: httpx.AsyncClient
) -> None:
    await shop.told(await shop.buy(ada))
    seen = await call(client, "POST", "/subscription/preview", promotion_code="fiver")
    assert (seen["at"], seen["due_now"]["amount"]) == ("period_end", 0)
    assert (seen["next_invoice"]["due"]["amount"], seen["next_invoice"]["discount_total"]["amount"]) == (1500, 500)
    status = await call(client, "POST", "/subscription/promotion", code="fiver")
    assert status["discount"]["amount_off"] == {"amount": 500, "currency": "usd"}
    status = await call(client, "POST", "/subscription/promotion", code="LAUNCH")
    assert status["discount"]["code"] == "LAUNCH", "one at a time: the new one takes the place of the old"
    seen = await call(client, "POST", "/subscription/promotion/preview", code="fiver")
    assert (seen["due_now"]["amount"], seen["next_invoice"]["due"]["amount"]) == (0, 1500), "not on top of the other"
    answer = (await client.post("/api/subscription/promotion/preview", json={})).json()
    assert answer["next_invoice"]["due"]["amount"] == 2000, "without any"
    assert (await call(client, "DELETE", "/subscription/promotion"))["discount"] is None
    assert (await call(client, "DELETE", "/subscription/promotion"))["discount"] is None


async def test_a_code_lowers_the_renewal_by_what_its_preview_said(
    shop: Shop, ada: Organization, client: httpx.AsyncClient
) -> None:
    customer = await shop.buy(ada)
    await shop.told(customer)
    seen = await call(client, "POST", "/subscription/promotion/preview", code="LAUNCH")
    await call(client, "POST", "/subscription/promotion", code="LAUNCH")
    [subscription] = (await shop.api("GET", "subscriptions", customer=customer))["data"]
    anew = {"billing_cycle_anchor[type]": "now", "proration_behavior": "none"}
    await shop.api("POST", f"subscriptions/{subscription['id']}", **anew)
    invoice = await newest_invoice(shop, customer)
    assert (invoice["status"], invoice["amount_due"]) == ("paid", seen["next_invoice"]["due"]["amount"])


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("NOPE", "There is no such code."),
        ("OVER", "This code expired on 1 January 2020."),
        ("TOP", "This code is not for this plan."),
        ("FIRST", "This code is for a first purchase only."),
        ("HIGH", "This code is for purchases of 30.00 USD or more."),
    ],
)
async def test_a_running_subscription_takes_codes_by_the_rules_of_a_purchase(
    shop: Shop, ada: Organization, client: httpx.AsyncClient, code: str, said: str
) -> None:
    await shop.told(await shop.buy(ada))
    for path in ("/subscription/promotion", "/subscription/promotion/preview"):
        problem = await call(client, "POST", path, 422, code=code)
        assert (problem["code"], problem["errors"][0]["message"]) == ("promotion_code_invalid", said)
    assert (await shop.status(ada)).discount is None


async def test_what_ends_before_its_next_invoice_takes_no_code(
    shop: Shop, ada: Organization, client: httpx.AsyncClient
) -> None:
    await shop.told(await shop.buy(ada))
    await call(client, "POST", "/subscription/promotion", code="LAUNCH")
    await client.post("/api/subscription/cancel", json={})
    for path in ("/subscription/promotion", "/subscription/promotion/preview"):
        assert (await call(client, "POST", path, 409, code="FIVER"))["code"] == "no_invoice_to_come"
    assert (await call(client, "DELETE", "/subscription/promotion"))["discount"] is None


async def test_a_change_with_a_code_costs_what_its_preview_said(
    shop: Shop, ada: Organization, client: httpx.AsyncClient
) -> None:
    customer = await shop.buy(ada, promotion_code="LAUNCH")
    await shop.told(customer)
    wish: dict[str, Any] = {"plan": "premium", "promotion_code": "TOP"}
    seen = await call(client, "POST", "/subscription/preview", **wish)
    changed = await call(client, "POST", "/subscription/change", **wish, as_of=seen["as_of"])
    assert (changed["plan"], changed["discount"]["code"]) == ("premium", "TOP")
    invoice = await newest_invoice(shop, customer)
    assert invoice["amount_due"] == seen["due_now"]["amount"]
    assert invoice["total"] == seen["total"]["amount"]


async def test_a_code_with_the_plan_that_runs_is_only_the_code(
    shop: Shop, ada: Organization, client: httpx.AsyncClient
) -> None:
    await shop.told(await shop.buy(ada))
    seen = await call(client, "POST", "/subscription/preview", plan="pro", promotion_code="fiver")
    assert (seen["due_now"]["amount"], seen["next_invoice"]["due"]["amount"]) == (0, 1500)
    changed = await call(client, "POST", "/subscription/change", plan="pro", promotion_code="fiver")
    assert changed["discount"]["code"] == "FIVER"


async def test_a_change_to_come_keeps_the_discount_and_is_not_mixed_with_another(
    shop: Shop, ada: Organization, client: httpx.AsyncClient
) -> None:
    customer = await shop.buy(ada, plan="premium", promotion_code="LAUNCH")
    await shop.told(customer)
    pending = await call(client, "POST", "/subscription/change", plan="pro")
    assert pending["pending_change"]["plan"] == "pro"
    assert pending["discount"]["code"] == "LAUNCH"
    problem = await call(client, "POST", "/subscription/promotion", 409, code="TOP")
    assert problem["code"] == "change_to_come"
    [schedule] = (await shop.api("GET", "subscription_schedules", customer=customer))["data"]
    assert all(phase["discounts"] for phase in schedule["phases"]), "no phase drops what lowers the invoices"


async def test_a_code_for_later_takes_off_its_amount_in_the_customers_currency(
    shop: Shop, ada: Organization, client: httpx.AsyncClient
) -> None:
    await shop.told(await shop.buy(ada, plan="premium", currency="eur"))
    await call(client, "POST", "/subscription/change", plan="pro", promotion_code="FIVER")
    coming = (await call(client, "GET", "/billing/overview"))["next_invoice"]
    assert coming["amount"] == {"amount": 1350, "currency": "eur"}
    assert coming["discount_total"] == {"amount": 450, "currency": "eur"}


async def test_a_customer_pays_in_one_currency_for_ever(shop: Shop, ada: Organization) -> None:
    customer = await shop.buy(ada, currency="eur", promotion_code="FIVER")
    await shop.told(customer)
    assert (await newest_invoice(shop, customer))["total"] == 1350
    async with shop.runtime.transaction() as tx:
        await billing.change_plan(tx, ada.id, billing.Change(plan="premium"), idempotency_key="up")
        await billing.cancel(tx, ada.id, billing.CancelAt.NOW)
    assert (await newest_invoice(shop, customer))["currency"] == "eur"
    with pytest.raises(InvalidInputError, match="currency: You pay in EUR"):
        await shop.checkout(ada, currency="usd")
    opened = await shop.checkout(ada)
    assert (await shop.api("GET", f"checkout/sessions/{opened.session_id}"))["currency"] == "eur"


async def test_events_in_any_order_end_in_the_same_discount(shop: Shop, ada: Organization, clock: FixedClock) -> None:
    customer = await shop.buy(ada, promotion_code="LAUNCH")
    events = await shop.events(customer)
    for body in [*reversed(events), *events]:
        await shop.process(body)
    found = (await shop.status(ada)).discount
    assert found is not None
    assert found.code == "LAUNCH"
    assert found.ends_at is not None
    clock.advance(found.ends_at + timedelta(seconds=1) - clock.now())
    assert (await shop.status(ada)).discount is None, "it is over when its time is, whatever we heard"
