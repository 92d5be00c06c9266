"""Bank debits: under way for a while, then they arrive or come back, in payments, checkout and subscriptions."""

from typing import Any

import pytest
import stripe

from .conftest import Shop

DAY = 86_400
BUYER = {"name": "Jenny Rosen", "email": "jenny@example.com"}


def debit(shop: Shop, method: str) -> stripe.PaymentIntent:
    return shop.v1.payment_intents.create(
        {"amount": 1500, "currency": "usd", "payment_method": method, "confirm": True}
    )


def test_a_debit_arrives_or_comes_back_later(own_shop: Shop) -> None:
    good, bad = debit(own_shop, "pm_usBankAccount_success"), debit(own_shop, "pm_usBankAccount_noAccount")
    assert (good.status, bad.status) == ("processing", "processing")
    own_shop.twin.advance(60)
    assert own_shop.v1.payment_intents.retrieve(good.id).status == "succeeded"
    failed: Any = own_shop.v1.payment_intents.retrieve(bad.id)
    assert (failed.status, failed.last_payment_error.code) == ("requires_payment_method", "no_account")
    assert own_shop.events_of(good.id) == [
        "payment_intent.created",
        "payment_intent.processing",
        "payment_intent.succeeded",
    ]
    assert own_shop.events_of(str(good.latest_charge)) == ["charge.pending", "charge.succeeded"]
    assert own_shop.events_of(bad.id)[-1] == "payment_intent.payment_failed"


@pytest.mark.parametrize(
    ("iban", "event", "payment"),
    [
        ("AT611904300234573201", "checkout.session.async_payment_succeeded", "paid"),
        ("AT861904300235473202", "checkout.session.async_payment_failed", "unpaid"),
    ],
)
def test_a_checkout_is_complete_before_it_is_paid(own_shop: Shop, iban: str, event: str, payment: str) -> None:
    price = own_shop.v1.prices.create({"product": own_shop.product.id, "unit_amount": 1500, "currency": "eur"})
    session = own_shop.checkout(mode="payment", price=price, allowed_payment_method_types=["sepa_debit"])
    wanted: Any = {"type": "sepa_debit", "sepa_debit": {"iban": iban}, "billing_details": BUYER}
    method = own_shop.v1.payment_methods.create(wanted)
    page = f"/v1/payment_pages/{session.id}/confirm"
    wrong = own_shop.twin.raw("POST", page, data={"payment_method": method.id, "expected_amount": "1"})
    assert wrong.status_code == 400
    done = own_shop.twin.raw("POST", page, data={"payment_method": method.id, "expected_amount": "1500"}).json()
    assert (done["status"], done["payment_status"]) == ("complete", "unpaid")
    own_shop.twin.advance(60)
    assert own_shop.v1.checkout.sessions.retrieve(session.id).payment_status == payment
    assert own_shop.events_of(session.id) == ["checkout.session.completed", event]


def test_a_subscription_runs_while_its_debit_is_under_way_and_is_past_due_when_it_fails(own_shop: Shop) -> None:
    customer = own_shop.customer("pm_usBankAccount_insufficientFunds")
    bought = own_shop.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": own_shop.price().id}], "expand": ["latest_invoice"]}
    )
    first: Any = bought.latest_invoice
    assert (bought.status, first.status) == ("active", "open")
    own_shop.twin.advance(60)
    assert own_shop.v1.subscriptions.retrieve(bought.id).status == "past_due"
    assert own_shop.v1.invoices.retrieve(first.id).status == "open"


def test_an_unknown_account_is_refused(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="test bank account"):
        shop.v1.payment_methods.create({"type": "us_bank_account", "us_bank_account": {"account_number": "123"}})
