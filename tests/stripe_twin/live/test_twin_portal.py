import httpx
import pytest

from .conftest import CARD, Shop


def portal(shop: Shop, customer: str) -> str:
    session = shop.v1.billing_portal.sessions.create({"customer": customer, "return_url": "http://shop.test/account"})
    return session.url


def bought(shop: Shop) -> tuple[str, str]:
    """A customer and a subscription from the checkout page."""
    session = shop.checkout()
    shop.submit(session, "4242424242424242")
    done = shop.v1.checkout.sessions.retrieve(session.id).to_dict()
    return done["customer"], done["subscription"]


def test_it_shows_plan_card_and_invoices_and_leads_back(shop: Shop) -> None:
    customer, subscription = bought(shop)
    page = httpx.get(portal(shop, customer)).text
    for shown in ("Pro", "$20.00 every month", "Visa ending in 4242", "http://shop.test/account", subscription):
        assert shown in page
    assert f"/invoice/{shop.v1.subscriptions.retrieve(subscription).latest_invoice}" in page


def test_ending_and_resuming(shop: Shop) -> None:
    customer, subscription = bought(shop)
    address = portal(shop, customer)
    form = {"subscription": subscription, "action": "cancel"}
    assert httpx.post(f"{address}/subscription", data=form).status_code == 303
    assert shop.v1.subscriptions.retrieve(subscription).cancel_at_period_end is True
    assert "Ends on" in httpx.get(address).text
    httpx.post(f"{address}/subscription", data={**form, "action": "resume"})
    assert shop.v1.subscriptions.retrieve(subscription).cancel_at_period_end is False
    assert shop.events_of(subscription).count("customer.subscription.updated") == 3


def test_another_customers_subscription_is_out_of_reach(shop: Shop) -> None:
    address = portal(shop, shop.customer().id)
    _, other = bought(shop)
    httpx.post(f"{address}/subscription", data={"subscription": other, "action": "cancel"})
    assert shop.v1.subscriptions.retrieve(other).cancel_at_period_end is False


@pytest.mark.parametrize("number", ["5555555555554444", "4000002500003155"])
def test_a_new_card_pays_from_now_on(shop: Shop, number: str) -> None:
    customer, subscription = bought(shop)
    address = portal(shop, customer)
    answer = httpx.post(f"{address}/card", data={"card_number": number, **CARD})
    if "/authenticate/" in answer.headers["location"]:
        answer = httpx.post(shop.twin.base + answer.headers["location"], data={"outcome": "complete"})
    assert answer.headers["location"].startswith(address)
    chosen = shop.v1.subscriptions.retrieve(subscription, {"expand": ["default_payment_method"]}).to_dict()
    assert chosen["default_payment_method"]["card"]["last4"] == number[-4:]
    settings = shop.v1.customers.retrieve(customer).to_dict()["invoice_settings"]
    assert settings["default_payment_method"] == chosen["default_payment_method"]["id"]


def test_a_refused_card_changes_nothing(shop: Shop) -> None:
    customer, subscription = bought(shop)
    before = shop.v1.subscriptions.retrieve(subscription).default_payment_method
    answer = httpx.post(f"{portal(shop, customer)}/card", data={"card_number": "4000000000009995", **CARD})
    assert answer.status_code == 402
    assert "not enough money" in answer.text
    assert shop.v1.subscriptions.retrieve(subscription).default_payment_method == before
    wrong = httpx.post(f"{portal(shop, customer)}/card", data={"card_number": "1", **CARD})
    assert wrong.status_code == 422


def test_it_closes_after_an_hour(own_shop: Shop) -> None:
    address = portal(own_shop, own_shop.customer().id)
    own_shop.twin.advance(3700)
    assert httpx.get(address).status_code == 410


def test_an_open_invoice_is_paid_on_its_page(shop: Shop) -> None:
    customer = shop.customer("pm_card_chargeCustomerFail")
    subscription = shop.v1.subscriptions.create({"customer": customer.id, "items": [{"price": shop.price().id}]})
    assert subscription.status == "incomplete"
    assert isinstance(subscription.latest_invoice, str)
    url = shop.v1.invoices.retrieve(subscription.latest_invoice).hosted_invoice_url
    assert url
    refused = httpx.post(url, data={"card_number": "4000000000009995", **CARD})
    assert refused.status_code == 402
    bank = httpx.post(url, data={"card_number": "4000002500003155", **CARD}).headers["location"]
    assert httpx.post(shop.twin.base + bank, data={"outcome": "complete"}).status_code == 303
    assert shop.v1.subscriptions.retrieve(subscription.id).status == "active"
    assert "paid" in httpx.get(url).text
