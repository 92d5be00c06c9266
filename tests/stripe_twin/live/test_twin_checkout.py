import httpx
import pytest

from .conftest import CARD, Shop, wait_until

REAL_ORDER = [
    "charge.succeeded",
    "payment_method.attached",
    "invoice.created",
    "customer.subscription.created",
    "invoice.updated",
    "invoice.updated",
    "invoice.finalized",
    "customer.subscription.updated",
    "invoice.paid",
    "invoice.updated",
    "invoice.payment_succeeded",
    "invoice_payment.paid",
    "payment_intent.created",
    "payment_intent.succeeded",
    "checkout.session.completed",
]

DECLINES = [
    ("4000000000000002", "declined this card"),
    ("4000000000009995", "not enough money"),
    ("4000000000009987", "reported lost"),
    ("4000000000009979", "reported stolen"),
    ("4000000000000069", "has expired"),
    ("4000000000000127", "security code is wrong"),
    ("4000000000000119", "went wrong while the card was processed"),
    ("4000000000000341", "declined this card"),
    ("4111111111111111", "test cards only"),
]


def test_a_good_card_subscribes_and_leads_to_the_shop(shop: Shop) -> None:
    session = shop.checkout(client_reference_id="org_1", subscription_data={"metadata": {"org": "1"}})
    answer = shop.submit(session, "4242 4242 4242 4242")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"http://shop.test/done?session={session.id}"
    done = shop.v1.checkout.sessions.retrieve(session.id, {"expand": ["line_items", "subscription", "customer"]})
    shown = done.to_dict()
    assert (done.status, done.payment_status, done.url) == ("complete", "paid", None)
    assert shown["line_items"]["data"][0]["amount_total"] == 2000
    assert shown["customer"]["email"] == shown["customer_details"]["email"] == "mara@example.com"
    subscription = shown["subscription"]
    assert (subscription["status"], subscription["metadata"]) == ("active", {"org": "1"})
    item = subscription["items"]["data"][0]
    assert item["current_period_start"] < item["current_period_end"]
    assert subscription["default_payment_method"].startswith("pm_")
    invoice = shop.v1.invoices.retrieve(subscription["latest_invoice"], {"expand": ["payments"]}).to_dict()
    assert (invoice["status"], invoice["amount_paid"], invoice["billing_reason"]) == (
        "paid",
        2000,
        "subscription_create",
    )
    assert invoice["parent"]["subscription_details"]["subscription"] == subscription["id"]
    assert invoice["lines"]["data"][0]["pricing"]["price_details"]["product"] == shop.product.id
    assert invoice["payments"]["data"][0]["payment"]["type"] == "payment_intent"


def test_the_events_of_a_subscription_checkout_come_in_stripes_order(own_shop: Shop) -> None:
    customer = own_shop.customer(card=None)
    before = len(own_shop.v1.events.list({"limit": 100}).data)
    session = own_shop.checkout(customer=customer.id)
    own_shop.submit(session, "4242424242424242")
    events = own_shop.v1.events.list({"limit": 100}).data[: -before - 1]
    assert [event.type for event in reversed(events)] == REAL_ORDER
    created = next(event for event in events if event.type == "customer.subscription.created")
    updated = next(event for event in events if event.type == "customer.subscription.updated")
    assert created.data.object["status"] == "incomplete"
    assert updated.data.object["status"] == "active"
    assert updated.to_dict()["data"]["previous_attributes"] == {"status": "incomplete"}


@pytest.mark.parametrize(("number", "words"), DECLINES)
def test_a_refused_card_ends_in_words_and_nothing_changes(shop: Shop, number: str, words: str) -> None:
    customer = shop.customer(card=None)
    session = shop.checkout(customer=customer.id)
    answer = shop.submit(session, number)
    assert answer.status_code == 402
    assert words in answer.text
    assert "mara@example.com" in answer.text
    again = shop.v1.checkout.sessions.retrieve(session.id)
    assert (again.status, again.payment_status, again.subscription) == ("open", "unpaid", None)
    assert shop.v1.subscriptions.list({"customer": customer.id, "status": "all"}).data == []
    assert shop.v1.invoices.list({"customer": customer.id}).data == []
    assert shop.v1.customers.payment_methods.list(customer.id).data == []


def test_another_card_after_a_refusal_works_on_the_same_page(shop: Shop) -> None:
    customer = shop.customer(card=None)
    session = shop.checkout(customer=customer.id)
    assert shop.submit(session, "4000000000009995").status_code == 402
    assert shop.submit(session, "5555555555554444").status_code == 303
    intents = shop.v1.payment_intents.list({"customer": customer.id}).data
    assert [intent.status for intent in intents] == ["succeeded"]
    about = shop.events_of(intents[0].id)
    assert about == ["payment_intent.created", "payment_intent.payment_failed", "payment_intent.succeeded"]


@pytest.mark.parametrize("number", ["4000002500003155", "4000002760003184", "4000000000003220"])
def test_three_d_secure_completed_subscribes(shop: Shop, number: str) -> None:
    session = shop.checkout()
    answer = shop.submit(session, number)
    assert answer.status_code == 303
    bank = f"{shop.twin.base}{answer.headers['location']}"
    page = httpx.get(bank)
    assert "Complete authentication" in page.text
    assert f"ending in {number[-4:]}" in page.text
    done = httpx.post(bank, data={"outcome": "complete"})
    assert done.headers["location"] == f"http://shop.test/done?session={session.id}"
    subscription = shop.v1.checkout.sessions.retrieve(session.id).subscription
    assert isinstance(subscription, str)
    assert shop.v1.subscriptions.retrieve(subscription).status == "active"
    assert httpx.post(bank, data={"outcome": "complete"}).status_code == 410


@pytest.mark.parametrize(
    ("number", "outcome", "words"),
    [("4000002500003155", "fail", "could not confirm"), ("4000008260003178", "complete", "not enough money")],
)
def test_three_d_secure_that_fails_leads_back_with_words(shop: Shop, number: str, outcome: str, words: str) -> None:
    session = shop.checkout()
    bank = f"{shop.twin.base}{shop.submit(session, number).headers['location']}"
    back = httpx.post(bank, data={"outcome": outcome})
    assert back.headers["location"] == f"/checkout/{session.id}"
    page = httpx.get(f"{shop.twin.base}{back.headers['location']}")
    assert page.status_code == 200
    assert words in page.text
    assert shop.v1.checkout.sessions.retrieve(session.id).subscription is None
    assert shop.submit(session, "4242424242424242").status_code == 303


def test_wrong_fields_are_shown_beside_the_field(shop: Shop) -> None:
    session = shop.checkout()
    answer = shop.submit(session, "4242424242424241", email="nobody", exp_month="13", cvc="1")
    assert answer.status_code == 422
    for name in ("email", "card_number", "exp_month", "cvc"):
        assert f'id="{name}-error"' in answer.text
        assert f"{name}-error" in answer.text.split(f'id="{name}" ')[1].split(">")[0]
    assert shop.events_of(session.id) == []


def test_what_is_typed_comes_back_escaped(shop: Shop) -> None:
    answer = shop.submit(shop.checkout(), "4000000000000002", name='"><script>alert(1)</script>')
    assert "<script" not in answer.text
    assert "&#34;&gt;&lt;script&gt;" in answer.text


def test_the_page_needs_no_script_and_allows_none(shop: Shop) -> None:
    session = shop.checkout()
    assert session.url
    page = httpx.get(session.url)
    assert "<script" not in page.text
    assert "no real money" in page.text
    assert "http://shop.test/plans" in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action" not in policy
    assert "style-src 'self'" in policy
    style = httpx.get(f"{shop.twin.base}/static/twin.css")
    assert style.status_code == 200
    assert style.headers["content-type"].startswith("text/css")


def test_a_second_submission_pays_once(shop: Shop) -> None:
    session = shop.checkout()
    answers = [shop.submit(session, "4242424242424242") for _ in range(2)] if session.url else []
    assert {answer.headers["location"] for answer in answers} == {f"http://shop.test/done?session={session.id}"}
    customer = shop.v1.checkout.sessions.retrieve(session.id).customer
    assert isinstance(customer, str)
    assert len(shop.v1.invoices.list({"customer": customer}).data) == 1


def test_an_expired_session_cannot_be_paid(shop: Shop) -> None:
    session = shop.checkout()
    assert shop.v1.checkout.sessions.expire(session.id).status == "expired"
    answer = shop.submit(session, "4242424242424242")
    assert answer.status_code == 410
    assert "expired" in answer.text
    assert shop.events_of(session.id) == ["checkout.session.expired"]


def test_a_session_expires_after_a_day(own_shop: Shop) -> None:
    session = own_shop.checkout()
    own_shop.twin.advance(86_390)
    assert own_shop.v1.checkout.sessions.retrieve(session.id).status == "open"
    own_shop.twin.advance(20)
    wait_until(lambda: own_shop.v1.checkout.sessions.retrieve(session.id).status == "expired")


def test_a_trial_saves_the_card_and_charges_nothing(shop: Shop) -> None:
    session = shop.checkout(subscription_data={"trial_period_days": 14})
    assert shop.submit(session, "4242424242424242").status_code == 303
    done = shop.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription.latest_invoice"]}).to_dict()
    assert (done["payment_status"], done["amount_total"]) == ("no_payment_required", 0)
    assert done["subscription"]["status"] == "trialing"
    assert (done["subscription"]["latest_invoice"]["total"], done["subscription"]["latest_invoice"]["status"]) == (
        0,
        "paid",
    )


def test_payment_and_setup_modes(shop: Shop) -> None:
    once = shop.v1.prices.create({"product": shop.product.id, "unit_amount": 900, "currency": "usd"})
    paid = shop.checkout(mode="payment", price=once)
    assert shop.submit(paid, "4242424242424242").status_code == 303
    done = shop.v1.checkout.sessions.retrieve(paid.id, {"expand": ["payment_intent"]}).to_dict()
    assert (done["payment_intent"]["status"], done["payment_intent"]["amount_received"]) == ("succeeded", 900)
    customer = shop.customer(card=None)
    saved = shop.v1.checkout.sessions.create(
        {"mode": "setup", "currency": "usd", "customer": customer.id, "success_url": "http://shop.test/"}
    )
    assert httpx.get(str(saved.url)).status_code == 200
    assert shop.v1.checkout.sessions.line_items.list(saved.id).data == []
    assert shop.submit(saved, "4000000000000341").status_code == 303
    assert shop.v1.checkout.sessions.retrieve(saved.id).to_dict()["setup_intent"].startswith("seti_")
    assert len(shop.v1.customers.payment_methods.list(customer.id).data) == 1


def test_unknown_pages_are_not_found(shop: Shop) -> None:
    for path in ("/checkout/cs_test_x", "/authenticate/pi_x", "/portal/bps_x", "/invoice/in_x", "/objects/x", "/nope"):
        assert httpx.get(shop.twin.base + path).status_code == 404
    assert httpx.post(f"{shop.twin.base}/checkout/cs_test_x", data=CARD).status_code == 404
