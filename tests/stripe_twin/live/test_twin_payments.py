import httpx
import pytest
import stripe

from .conftest import Shop


def raw_card(shop: Shop, number: str) -> stripe.PaymentMethod:
    return shop.v1.payment_methods.create(
        {"type": "card", "card": {"number": number, "exp_month": 12, "exp_year": 2034, "cvc": "123"}}
    )


@pytest.mark.parametrize(
    ("number", "code", "decline_code"),
    [
        ("4000000000000002", "card_declined", "generic_decline"),
        ("4000000000009995", "card_declined", "insufficient_funds"),
        ("4000000000000069", "expired_card", None),
        ("4000000000000127", "incorrect_cvc", None),
        ("4000000000000119", "processing_error", None),
    ],
)
def test_a_bad_card_is_declined_when_saved_and_when_charged(
    shop: Shop, number: str, code: str, decline_code: str | None
) -> None:
    method = raw_card(shop, number)
    with pytest.raises(stripe.CardError) as saving:
        shop.v1.payment_methods.attach(method.id, {"customer": shop.customer(card=None).id})
    assert (saving.value.http_status, saving.value.code) == (402, code)
    with pytest.raises(stripe.CardError) as charging:
        shop.v1.payment_intents.create({"amount": 500, "currency": "usd", "payment_method": method.id, "confirm": True})
    error = charging.value.json_body["error"]  # type: ignore[index]  # a JSON object
    assert error.get("decline_code") == decline_code
    intent = shop.v1.payment_intents.retrieve(error["payment_intent"]["id"]).to_dict()
    assert (intent["status"], intent["payment_method"]) == ("requires_payment_method", None)
    assert intent["last_payment_error"]["code"] == code
    assert shop.events_of(intent["id"], intent["latest_charge"]) == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
    ]


@pytest.mark.parametrize(
    ("number", "year", "code"),
    [
        ("4242424242424241", 2034, "incorrect_number"),
        ("4242424242424242", 2020, "invalid_expiry_year"),
        ("4111111111111111", 2034, "card_declined"),
    ],
)
def test_wrong_details_are_refused_at_once(shop: Shop, number: str, year: int, code: str) -> None:
    with pytest.raises(stripe.CardError) as caught:
        shop.v1.payment_methods.create({"type": "card", "card": {"number": number, "exp_month": 12, "exp_year": year}})
    assert caught.value.code == code


def test_authentication_off_and_on_session(shop: Shop) -> None:
    method = raw_card(shop, "4000002760003184").id
    with pytest.raises(stripe.CardError) as caught:
        shop.v1.payment_intents.create(
            {"amount": 5, "currency": "usd", "payment_method": method, "confirm": True, "off_session": True}
        )
    assert caught.value.code == "authentication_required"
    intent = shop.v1.payment_intents.create(
        {
            "amount": 500,
            "currency": "usd",
            "payment_method": method,
            "confirm": True,
            "return_url": "http://shop.test/back?x=1",
        }
    )
    assert intent.status == "requires_action"
    assert intent.next_action
    assert intent.next_action.redirect_to_url
    assert intent.next_action.redirect_to_url.url
    back = httpx.post(intent.next_action.redirect_to_url.url, data={"outcome": "complete"})
    assert back.headers["location"].startswith(f"http://shop.test/back?x=1&payment_intent={intent.id}")
    assert back.headers["location"].endswith("redirect_status=succeeded")
    assert shop.v1.payment_intents.retrieve(intent.id).status == "succeeded"


def test_a_card_set_up_once_is_not_asked_again(shop: Shop) -> None:
    customer = shop.customer(card=None)
    method = raw_card(shop, "4000002500003155").id
    setup = shop.v1.setup_intents.create({"customer": customer.id, "payment_method": method, "confirm": True})
    assert setup.status == "requires_action"
    httpx.post(f"{shop.twin.base}/authenticate/{setup.id}", data={"outcome": "complete"})
    assert shop.v1.setup_intents.retrieve(setup.id).status == "succeeded"
    paid = shop.v1.payment_intents.create(
        {
            "amount": 500,
            "currency": "usd",
            "customer": customer.id,
            "payment_method": method,
            "confirm": True,
            "off_session": True,
        }
    )
    assert paid.status == "succeeded"


def test_a_refused_setup_says_why(shop: Shop) -> None:
    setup = shop.v1.setup_intents.create({"customer": shop.customer(card=None).id})
    with pytest.raises(stripe.CardError) as caught:
        shop.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_chargeDeclined"})
    assert caught.value.code == "card_declined"
    assert shop.v1.setup_intents.retrieve(setup.id).status == "requires_payment_method"
    assert shop.events_of(setup.id)[-1] == "setup_intent.setup_failed"


def test_refunds_add_up_to_the_charge(shop: Shop) -> None:
    intent = shop.v1.payment_intents.create(
        {"amount": 1234, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
    )
    assert shop.v1.refunds.create({"payment_intent": intent.id, "amount": 500}).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match=r"greater than unrefunded amount on charge \(\$7.34\)"):
        shop.v1.refunds.create({"payment_intent": intent.id, "amount": 735})
    shop.v1.refunds.create({"payment_intent": intent.id})
    assert isinstance(intent.latest_charge, str)
    charge = shop.v1.charges.retrieve(intent.latest_charge)
    assert (charge.refunded, charge.amount_refunded) == (True, 1234)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.v1.refunds.create({"payment_intent": intent.id})
    assert caught.value.code == "charge_already_refunded"


def test_a_detached_method_is_gone_for_good(shop: Shop) -> None:
    customer = shop.customer()
    method = shop.v1.customers.payment_methods.list(customer.id).data[0]
    assert shop.v1.payment_methods.detach(method.id).customer is None
    assert shop.v1.customers.retrieve(customer.id).to_dict()["invoice_settings"]["default_payment_method"] is None
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        shop.v1.payment_methods.attach(method.id, {"customer": customer.id})


def test_an_intent_is_canceled_once(shop: Shop) -> None:
    intent = shop.v1.payment_intents.create({"amount": 500, "currency": "usd"})
    assert shop.v1.payment_intents.cancel(intent.id).status == "canceled"
    for act in (shop.v1.payment_intents.cancel, shop.v1.payment_intents.confirm):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            act(intent.id)
        assert caught.value.code == "payment_intent_unexpected_state"
