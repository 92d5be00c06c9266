"""Every object and event the twin sends has the SDK's shape: no field missing, none unknown, no wrong type."""

import importlib
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from .conftest import CARD, Shop

Check = Callable[[dict[str, Any]], list[str]]


@pytest.fixture(scope="module")
def checkers(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Check, Check]:
    """Checks of an object and of an event against the document rebuilt from the installed SDK."""
    document = tmp_path_factory.mktemp("schema") / "sdk.json"
    command = [sys.executable, str(recordings / "stripe_sdk_schema.py"), str(document)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 -- a fixed program
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the checker leaves closing its file to the interpreter
        patch.syspath_prepend(recordings)
        patch.setattr(sys, "dont_write_bytecode", True)
        validator = importlib.import_module("stripe_sdk_validate").V(str(document))
    return validator.check_object, validator.check_event


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A twin in which about everything has happened once; its objects and its events."""
    from .conftest import TwinProcess  # noqa: PLC0415 -- only this fixture starts one by hand

    twin = TwinProcess(tmp_path_factory.mktemp("lived"))
    twin.start()
    shop = Shop(twin)
    bodies = [*_buy(shop), *_change(shop), *_pay(shop), *_reduce(shop), *_plan_ahead(shop), *_return(shop)]
    twin.advance(40 * 86_400)
    bodies += [_get(shop, path) for path in _lists()]
    events = [event.to_dict() for event in shop.v1.events.list({"limit": 100}).auto_paging_iter()]
    raw = [twin.raw("GET", f"/v1/events/{event['id']}").json() for event in events]
    twin.stop()
    return bodies, raw


def _get(shop: Shop, path: str) -> dict[str, Any]:
    answer = shop.twin.raw("GET", path)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def _lists() -> list[str]:
    kinds = (
        "products prices customers payment_methods setup_intents payment_intents charges refunds invoices "
        "invoice_payments "
        "invoiceitems webhook_endpoints checkout/sessions billing_portal/configurations coupons promotion_codes "
        "tax_rates test_helpers/test_clocks subscription_schedules credit_notes disputes billing/meters"
    )
    return [
        *(f"/v1/{kind}?limit=100" for kind in kinds.split()),
        "/v1/subscriptions?status=all&limit=100",
        "/v1/subscriptions?status=all&expand[]=data.latest_invoice.payments&expand[]=data.customer.subscriptions",
        "/v1/invoices?expand[]=data.confirmation_secret&expand[]=data.payments.data.payment.payment_intent",
        "/v1/subscriptions?expand[]=data.discounts.source.coupon.applies_to&expand[]=data.schedule",
        "/v1/prices?expand[]=data.tiers&expand[]=data.product",
        "/v1/checkout/sessions?expand[]=data.line_items&expand[]=data.subscription&expand[]=data.customer",
    ]


def _buy(shop: Shop) -> list[dict[str, Any]]:
    session = shop.checkout()
    shop.submit(session, "4000000000000002")
    bank = shop.submit(session, "4000002500003155").headers["location"]
    httpx.post(shop.twin.base + bank, data={"outcome": "fail"})
    shop.submit(session, "4242424242424242")
    shop.v1.checkout.sessions.expire(shop.checkout().id)
    shop.submit(shop.checkout(subscription_data={"trial_period_days": 3}), "4242424242424242")
    customer = str(shop.v1.checkout.sessions.retrieve(session.id).customer)
    portal = shop.twin.raw("POST", "/v1/billing_portal/sessions", data={"customer": customer}).json()
    httpx.post(f"{portal['url']}/card", data={"card_number": "5555555555554444", **CARD})
    shop.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/", "enabled_events": ["price.deleted"]})
    return [portal]


def _change(shop: Shop) -> list[dict[str, Any]]:
    customer = shop.customer()
    subscription = shop.v1.subscriptions.create({"customer": customer.id, "items": [{"price": shop.price().id}]})
    item = subscription["items"]["data"][0]["id"]
    shop.v1.subscriptions.update(
        subscription.id, {"items": [{"id": item, "price": shop.price(5000).id}], "proration_behavior": "always_invoice"}
    )
    shop.v1.subscriptions.update(subscription.id, {"items": [{"id": item, "quantity": 2}], "metadata": {"a": "b"}})
    preview = shop.twin.raw("POST", "/v1/invoices/create_preview", data={"subscription": subscription.id}).json()
    shop.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    failing = shop.customer("pm_card_chargeCustomerFail")
    shop.v1.subscriptions.create({"customer": failing.id, "items": [{"price": shop.price().id}]})
    shop.v1.customers.delete(shop.customer().id)
    return [preview, _get(shop, f"/v1/subscription_items/{item}")]


def _pay(shop: Shop) -> list[dict[str, Any]]:
    tiers: Any = [{"up_to": 10, "unit_amount": 100}, {"up_to": "inf", "unit_amount": 50}]
    shop.v1.prices.create(
        {
            "product": shop.product.id,
            "currency": "usd",
            "recurring": {"interval": "month"},
            "billing_scheme": "tiered",
            "tiers_mode": "graduated",
            "tiers": tiers,
        }
    )
    intent = shop.v1.payment_intents.create(
        {"amount": 900, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
    )
    shop.v1.refunds.create({"payment_intent": intent.id, "amount": 100})
    waiting = shop.v1.payment_intents.create(
        {
            "amount": 900,
            "currency": "usd",
            "payment_method": "pm_card_authenticationRequired",
            "confirm": True,
            "return_url": "http://shop.test/",
        }
    )
    shop.v1.setup_intents.create({"payment_method": "pm_card_authenticationRequired", "confirm": True})
    shop.v1.invoice_items.create({"customer": shop.customer().id, "amount": 5, "currency": "usd"})
    return [_get(shop, f"/v1/payment_intents/{waiting.id}")]


def _reduce(shop: Shop) -> list[dict[str, Any]]:
    coupon = shop.v1.coupons.create({"percent_off": 12.5, "duration": "repeating", "duration_in_months": 2})
    promotion: Any = {"type": "coupon", "coupon": coupon.id}
    code = shop.v1.promotion_codes.create({"promotion": promotion, "restrictions": {"first_time_transaction": True}})
    rates = [
        shop.v1.tax_rates.create({"display_name": "VAT", "percentage": 20, "inclusive": inclusive, "country": "DE"}).id
        for inclusive in (True, False)
    ]
    customer = shop.customer()
    shop.v1.customers.update(customer.id, {"address": {"country": "DE"}})
    wanted: Any = {
        "customer": customer.id,
        "items": [{"price": shop.price().id, "tax_rates": [rates[0]]}],
        "discounts": [{"promotion_code": code.id}],
        "default_tax_rates": rates,
        "automatic_tax": {"enabled": True},
    }
    subscription = shop.v1.subscriptions.create(wanted)
    session = shop.checkout(
        line_items=[{"price": shop.price().id, "quantity": 1, "tax_rates": rates}], discounts=[{"coupon": coupon.id}]
    )
    shop.submit(session, "4242424242424242")
    lines: Any = [
        {
            "type": "invoice_line_item",
            "invoice_line_item": shop.v1.invoices.retrieve(str(subscription.latest_invoice)).lines.data[0].id,
        }
    ]
    shop.v1.credit_notes.create({"invoice": str(subscription.latest_invoice), "lines": lines})
    return [
        _get(shop, f"/v1/customers/{customer.id}/balance_transactions"),
        _get(shop, f"/v1/checkout/sessions/{session.id}/line_items"),
    ]


def _plan_ahead(shop: Shop) -> list[dict[str, Any]]:
    clock = shop.v1.test_helpers.test_clocks.create({"frozen_time": 1_700_000_000})
    customer = shop.v1.customers.create({"test_clock": clock.id, "payment_method": "pm_card_visa"})
    phases: Any = [{"items": [{"price": shop.price().id}], "iterations": 1, "metadata": {"a": "b"}}]
    shop.v1.subscription_schedules.create({"customer": customer.id, "start_date": 1_700_100_000, "phases": phases})
    moving = shop.twin.raw(
        "POST", f"/v1/test_helpers/test_clocks/{clock.id}/advance", data={"frozen_time": "1700200000"}
    ).json()
    paying = shop.customer()
    subscription = shop.v1.subscriptions.create({"customer": paying.id, "items": [{"price": shop.price().id}]})
    schedule = shop.v1.subscription_schedules.create({"from_subscription": subscription.id})
    shop.v1.subscriptions.update(subscription.id, {"pause_collection": {"behavior": "void"}})
    shop.v1.billing.meters.create(
        {"display_name": "calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}}
    )
    payload = {"payload[stripe_customer_id]": paying.id, "payload[value]": "3"}
    event = shop.twin.raw("POST", "/v1/billing/meter_events", data={"event_name": "calls", **payload}).json()
    return [moving, event, _get(shop, f"/v1/subscription_schedules/{schedule.id}")]


def _return(shop: Shop) -> list[dict[str, Any]]:
    made = []
    for method in (
        "pm_card_createDispute",
        "pm_card_createDisputeInquiry",
        "pm_card_refundFail",
        "pm_card_pendingRefund",
        "pm_usBankAccount_success",
        "pm_usBankAccount_noAccount",
    ):
        intent = shop.v1.payment_intents.create(
            {"amount": 900, "currency": "usd", "payment_method": method, "confirm": True}
        )
        made.append(_get(shop, f"/v1/payment_intents/{intent.id}"))
        if "efund" in method:
            shop.v1.refunds.create({"payment_intent": intent.id})
    dispute = shop.v1.disputes.list().data[-1]
    shop.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    return [*made, _get(shop, f"/v1/payment_methods/{made[-2]['payment_method']}")]


def test_objects_have_the_sdks_shape(lived: Any, checkers: tuple[Check, Check]) -> None:
    bodies, _ = lived
    objects = [item for body in bodies for item in (body["data"] if body["object"] == "list" else [body])]
    assert len({item["object"] for item in objects}) >= 26
    problems = {f"{item['object']}: {problem}" for item in objects for problem in checkers[0](item)}
    assert problems == set()


def test_events_have_the_sdks_shape(lived: Any, checkers: tuple[Check, Check]) -> None:
    _, events = lived
    assert len({event["type"] for event in events}) >= 60
    problems = {f"{event['type']}: {problem}" for event in events for problem in checkers[1](event)}
    assert problems == set()
