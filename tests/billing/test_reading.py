"""Reading the provider's messages: other versions and other kinds are told apart, none ends in a crash."""

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tollkeeper.billing.provider import HANDLED, StripeProvider, Subject, ThinEventError, UnreadableEventError
from tollkeeper.billing.provider import stripe_read as read

SUBSCRIPTION = {"id": "sub_1", "object": "subscription", "customer": "cus_1"}


def recordings() -> Path | None:
    folder = os.environ.get("STRIPE_RECORDINGS")
    if folder is None and os.environ.get("TOLLKEEPER_REQUIRE_SERVICES") == "1":
        pytest.fail("STRIPE_RECORDINGS is not set: it must name the folder with Stripe's recorded objects.")
    return Path(folder) if folder else None


def event(type_: str = "customer.subscription.updated", **changes: Any) -> dict[str, Any]:
    body = {
        "id": "evt_1",
        "object": "event",
        "type": type_,
        "created": 1_773_000_000,
        "livemode": False,
        "api_version": "2026-10-28.endive",
        "data": {"object": SUBSCRIPTION},
    }
    return {**body, **changes}


def parse(body: Any) -> Any:
    return StripeProvider("sk_test_x", api_base="http://127.0.0.1:1").read_event(json.dumps(body).encode())


def test_an_event_says_where_to_look() -> None:
    found = parse(event())
    assert (found.id, found.type, found.livemode) == ("evt_1", "customer.subscription.updated", False)
    assert found.subject == Subject("cus_1", "sub_1")
    assert found.subject.lock == "cus_1"


@pytest.mark.parametrize(
    "invoice",
    [
        {"parent": {"subscription_details": {"subscription": "sub_1"}}},
        {"subscription": "sub_1"},
        {"subscription": {"id": "sub_1", "object": "subscription"}},
    ],
)
def test_an_invoice_names_its_subscription_in_every_version(invoice: dict[str, Any]) -> None:
    body = {"id": "in_1", "object": "invoice", "customer": "cus_1", **invoice}
    assert parse(event("invoice.paid", data={"object": body})).subject == Subject("cus_1", "sub_1", "in_1")


def test_a_type_we_do_nothing_with_has_no_subject() -> None:
    assert parse(event("product.updated")).subject is None
    assert parse(event("invented.in_2030")).subject is None


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "evt",
        {},
        event(object="charge"),
        event(id=None),
        event(id=""),
        event(type=7),
        event(data=None),
        event(data={"object": []}),
        event(created="yesterday"),
        event(created=10**30),
        event(livemode="false"),
        event(id="evt_\x00"),
        event(id="e" * 300),
    ],
)
def test_what_is_no_event_is_refused(body: Any) -> None:
    with pytest.raises(UnreadableEventError) as caught:
        parse(body)
    assert caught.value.status == 400


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"id": "\\ud800"}'])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableEventError):
        read.event(body)


def test_a_thin_event_is_told_apart() -> None:
    with pytest.raises(ThinEventError) as caught:
        parse({"id": "evt_1", "object": "v2.core.event", "type": "v1.invoice.paid", "created": "2026-01-01T00:00:00Z"})
    assert caught.value.code == "webhook_thin_event"


def test_every_recorded_event_is_read() -> None:
    folder = recordings()
    if folder is None:
        pytest.skip("STRIPE_RECORDINGS is not set")
    files = sorted((folder / "fixtures" / "events").glob("*.json"))
    assert len(files) > 50
    for file in files:
        body = json.loads(file.read_text())
        found = parse({"livemode": False, "created": 1, **body})
        assert (found.subject is not None) == (body["type"] in HANDLED), file.name
        if found.subject is not None and body["type"].startswith("customer.subscription."):
            assert found.subject.subscription_id == body["data"]["object"]["id"]
            assert found.subject.customer_id is not None


@pytest.mark.parametrize("told", ["0", Decimal(0)], ids=["as lists have it", "as the SDK has it"])
def test_a_line_that_costs_nothing_has_a_price(told: object) -> None:
    assert read.invoice_line({"amount": 0, "pricing": {"unit_amount_decimal": told}}).unit_amount == "0"


@pytest.mark.parametrize(
    ("discounts", "code"),
    [
        ([{"coupon": None, "discount": None, "promotion_code": "promo_1"}], "promo_1"),
        ([{"coupon": None, "discount": None, "promotion_code": {"id": "promo_1", "code": "HELLO"}}], "promo_1"),
        ([{"coupon": None, "discount": "di_1", "promotion_code": None}], None),
        (["di_1"], None),
        ([], None),
        (None, None),
    ],
)
def test_a_phase_to_come_names_its_code(discounts: object, code: str | None) -> None:
    item = {"price": "price_1", "quantity": 1}
    running = {"start_date": 1_773_000_000, "end_date": 1_775_000_000, "items": [item]}
    later = {"start_date": 1_775_000_000, "end_date": 1_777_000_000, "items": [item], "discounts": discounts}
    found = read._pending({"status": "active", "phases": [running, later]})
    assert found is not None
    assert found.code == code


def test_every_recorded_subscription_and_invoice_is_read() -> None:
    folder = recordings()
    if folder is None:
        pytest.skip("STRIPE_RECORDINGS is not set")
    seen = {"subscription": 0, "invoice": 0}
    for file in sorted((folder / "fixtures").rglob("*.json")):
        content = json.loads(file.read_text())
        for body in objects(content):
            if body.get("object") == "subscription" and "items" in body and "created" in body:
                state = read.subscription(body)
                assert (state.id, state.status) == (body["id"], body["status"])
                assert state.period_end is not None
                seen["subscription"] += 1
            if body.get("object") == "invoice" and "currency" in body and isinstance(body.get("created"), int):
                assert read.invoice(body).total == body["total"]
                seen["invoice"] += 1
    assert min(seen.values()) >= 10


def objects(value: Any) -> list[dict[str, Any]]:
    """Return every object with an id in a recording, however deep."""
    if isinstance(value, list):
        return [found for each in value for found in objects(each)]
    if not isinstance(value, dict):
        return []
    inner = [found for each in value.values() for found in objects(each)]
    return [value, *inner] if isinstance(value.get("id"), str) else inner
