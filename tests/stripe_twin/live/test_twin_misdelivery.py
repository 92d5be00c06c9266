"""Webhooks gone wrong on demand, each kind by itself, and back to normal."""

import time
from typing import Any

import httpx
import pytest
import stripe

from .conftest import KEY, Receiver, Shop, wait_until
from .test_twin_webhooks import hook

DAY = 86_400
ACACIA = "2024-06-20"


def misdeliver(shop: Shop, **how: Any) -> dict[str, Any]:
    answer = httpx.post(f"{shop.twin.base}/_twin/misdelivery", json=how)
    assert answer.status_code == 200, answer.text
    settings: dict[str, Any] = answer.json()
    return settings


def products(shop: Shop, number: int) -> list[str]:
    return [shop.v1.products.create({"name": f"P{place}"}).id for place in range(number)]


def arrived(receiver: Receiver) -> list[str]:
    return [got.event["data"]["object"]["id"] for got in receiver.got]


def test_copies_are_the_same_event_signed_anew(own_shop: Shop, receiver: Receiver) -> None:
    hook(own_shop, receiver, "product.created")
    misdeliver(own_shop, duplicates=2)
    made = products(own_shop, 1)
    wait_until(lambda: len(receiver.got) == 3)
    assert arrived(receiver) == made * 3
    assert len({got.event["id"] for got in receiver.got}) == 1
    wait_until(lambda: own_shop.v1.events.retrieve(receiver.got[0].event["id"]).pending_webhooks == 0)


def test_events_of_a_window_arrive_in_another_order_that_can_be_repeated(own_shop: Shop, receiver: Receiver) -> None:
    hook(own_shop, receiver, "product.created")
    misdeliver(own_shop, reorder_seconds=100, seed=4)
    made = products(own_shop, 8)
    own_shop.twin.advance(110)
    wait_until(lambda: len(receiver.got) == 8)
    assert sorted(arrived(receiver)) == sorted(made)
    assert arrived(receiver) != made


def test_a_delay_is_virtual(own_shop: Shop, receiver: Receiver) -> None:
    hook(own_shop, receiver, "product.created")
    misdeliver(own_shop, delay_seconds=3_600)
    products(own_shop, 1)
    time.sleep(0.3)
    assert receiver.got == []
    own_shop.twin.advance(3_600)
    receiver.wait_for("product.created")


def test_pairs_start_at_the_same_moment(own_shop: Shop, receiver: Receiver) -> None:
    hook(own_shop, receiver, "product.created")
    misdeliver(own_shop, concurrent=2, delay_seconds=60)
    products(own_shop, 4)
    receiver.pause = 0.8
    own_shop.twin.advance(61)
    wait_until(lambda: len(receiver.got) == 4)
    assert receiver.most_at_once == 2


def test_events_share_a_second(own_shop: Shop, receiver: Receiver) -> None:
    hook(own_shop, receiver, "product.created")
    misdeliver(own_shop, same_second=3_600)
    first = products(own_shop, 1)
    now = own_shop.v1.products.retrieve(first[0]).created
    own_shop.twin.advance(min(2, 3_599 - now % 3_600))
    products(own_shop, 1)
    wait_until(lambda: len(receiver.got) == 2)
    assert {got.event["created"] for got in receiver.got} == {now - now % 3_600}


def test_both_secrets_sign_until_the_old_ones_time_is_over(own_shop: Shop, receiver: Receiver) -> None:
    endpoint = hook(own_shop, receiver, "product.created")
    address = f"{own_shop.twin.base}/_twin/webhook_endpoints/{endpoint.id}/roll"
    rolled = httpx.post(address, json={"old_secret_seconds": DAY}).json()["secret"]
    products(own_shop, 1)
    got = receiver.wait_for("product.created")
    assert got.signature.count("v1=") == 2
    for secret in (endpoint.secret, rolled):
        assert stripe.Webhook.construct_event(got.body, got.signature, str(secret)).type == "product.created"
    own_shop.twin.advance(DAY)
    products(own_shop, 1)
    wait_until(lambda: len(receiver.got) == 2)
    late = receiver.got[1]
    assert stripe.Webhook.construct_event(late.body, late.signature, rolled).type == "product.created"
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(late.body, late.signature, str(endpoint.secret))
    assert httpx.post(address, json={"old_secret_seconds": DAY + 1}).status_code == 400
    assert httpx.post(f"{address}x".replace(endpoint.id, "we_none"), json={}).status_code == 404


def test_an_old_version_has_the_old_shapes(own_shop: Shop, receiver: Receiver) -> None:
    wanted: Any = {"url": receiver.url, "enabled_events": ["*"], "api_version": ACACIA}
    own_shop.v1.webhook_endpoints.create(wanted)
    customer = own_shop.customer()
    subscription = own_shop.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": own_shop.price().id}]}
    )
    item = subscription["items"]["data"][0]
    yearly = own_shop.price(20_000, "year")
    own_shop.v1.subscriptions.update(subscription.id, {"items": [{"id": item["id"], "price": yearly.id}]})
    wait_until(lambda: any("items" in got.event["data"].get("previous_attributes", {}) for got in receiver.got))
    last = next(got for got in receiver.got if "items" in got.event["data"].get("previous_attributes", {}))
    bodies = {got.type: got.event for got in receiver.got}
    assert {body["api_version"] for body in bodies.values()} == {ACACIA}
    invoice = bodies["invoice.paid"]["data"]["object"]
    charge = bodies["charge.succeeded"]["data"]["object"]
    assert (invoice["subscription"], invoice["paid"]) == (subscription.id, True)
    assert (invoice["charge"], invoice["payment_intent"]) == (charge["id"], charge["payment_intent"])
    assert not {"parent", "payments", "total_taxes", "confirmation_secret"} & invoice.keys()
    line = invoice["lines"]["data"][0]
    assert (line["type"], line["subscription"], line["proration"]) == ("subscription", subscription.id, False)
    assert line["price"]["unit_amount"] == 2000
    changed = last.event["data"]
    assert changed["object"]["current_period_end"] - changed["object"]["current_period_start"] > 360 * DAY
    assert changed["previous_attributes"]["current_period_end"] == item["current_period_end"]
    assert "current_period_end" not in changed["object"]["items"]["data"][0]
    seen = own_shop.v1.events.retrieve(last.event["id"])
    assert seen.api_version == stripe.api_version


def test_settings_render_for_every_endpoint_in_another_version(own_shop: Shop, receiver: Receiver) -> None:
    hook(own_shop, receiver, "charge.succeeded")
    misdeliver(own_shop, api_version="2024-09-30.acacia")
    own_shop.v1.payment_intents.create(
        {"amount": 900, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
    )
    sent = receiver.wait_for("charge.succeeded").event
    assert sent["api_version"] == "2024-09-30.acacia"
    assert sent["data"]["object"]["invoice"] is None


def test_a_thin_body_is_a_notification_for_the_sdk(own_shop: Shop, receiver: Receiver) -> None:
    endpoint = hook(own_shop, receiver, "product.created")
    misdeliver(own_shop, thin=True)
    made = products(own_shop, 1)
    got = receiver.wait_for("v1.product.created")
    thin: Any = stripe.StripeClient(KEY).parse_event_notification(got.body, got.signature, str(endpoint.secret))
    assert (thin.type, thin.related_object.id) == ("v1.product.created", made[0])
    assert thin.related_object.url == f"/v1/products/{made[0]}"
    assert "data" not in got.event
    with pytest.raises(ValueError, match="parse_event_notification"):
        stripe.Webhook.construct_event(got.body, got.signature, str(endpoint.secret))


def test_while_down_retries_spread_over_three_virtual_days(own_shop: Shop, receiver: Receiver) -> None:
    hook(own_shop, receiver, "product.created")
    misdeliver(own_shop, down=True)
    products(own_shop, 1)
    answer = httpx.post(
        f"{own_shop.twin.base}/_twin/clock", json={"advance_seconds": 3 * DAY + 60, "deliver": True}, timeout=60
    )
    assert answer.status_code == 200
    assert receiver.got == []
    page = httpx.get(f"{own_shop.twin.base}/deliveries/1").text
    assert 70 <= page.count("made unreachable") <= 80
    assert [event.type for event in own_shop.v1.events.list({"delivery_success": False}).data] == ["product.created"]
    assert "failed" in page


def test_it_recovers_after_an_outage(own_shop: Shop, receiver: Receiver) -> None:
    hook(own_shop, receiver, "product.created")
    misdeliver(own_shop, down=True)
    products(own_shop, 2)
    wait_until(lambda: "made unreachable" in httpx.get(f"{own_shop.twin.base}/deliveries").text)
    assert httpx.delete(f"{own_shop.twin.base}/_twin/misdelivery").json()["down"] is False
    own_shop.twin.advance(3_600)
    wait_until(lambda: len(receiver.got) == 2)


def test_signatures_follow_the_clock_that_is_asked_for(own_shop: Shop, receiver: Receiver) -> None:
    hook(own_shop, receiver, "product.created")
    own_shop.twin.advance(DAY)
    products(own_shop, 1)
    wait_until(lambda: len(receiver.got) == 1)
    misdeliver(own_shop, signature_clock="virtual")
    products(own_shop, 1)
    wait_until(lambda: len(receiver.got) == 2)
    wall, virtual = (int(got.signature.split(",")[0].removeprefix("t=")) for got in receiver.got)
    assert abs(time.time() - wall) < 30
    assert abs(time.time() + DAY - virtual) < 30


def test_settings_are_checked_kept_and_reset(own_shop: Shop) -> None:
    wrong: tuple[dict[str, Any], ...] = (
        {"duplicates": 21},
        {"down": "yes"},
        {"signature_clock": "sundial"},
        {"api_version": "1999-01-01"},
        {"sideways": True},
    )
    for how in wrong:
        answer = httpx.post(f"{own_shop.twin.base}/_twin/misdelivery", json=how)
        assert (answer.status_code, next(iter(how)) in answer.text) == (400, True), answer.text
    assert httpx.post(f"{own_shop.twin.base}/_twin/misdelivery", content="{").status_code == 400
    set_ = misdeliver(own_shop, duplicates=3)
    own_shop.twin.stop()
    own_shop.twin.start()
    assert httpx.get(f"{own_shop.twin.base}/_twin/misdelivery").json() == set_
    assert misdeliver(own_shop)["duplicates"] == 0


def test_the_deliveries_page_filters_shows_and_sends_again(own_shop: Shop, receiver: Receiver) -> None:
    endpoint = hook(own_shop, receiver)
    receiver.statuses = [500]
    own_shop.v1.customers.create({"email": "page@example.com"})
    products(own_shop, 1)
    wait_until(lambda: len(receiver.got) == 3)
    page = f"{own_shop.twin.base}/deliveries"
    wait_until(lambda: "pending" not in httpx.get(page).text.partition("<tbody>")[2])
    for query, shown, hidden in (
        ({"type": "customer."}, "customer.created", "product.created"),
        ({"type": "product", "status": "succeeded", "endpoint": endpoint.id}, "product.created", "customer.created"),
        ({"status": "failed"}, "No delivery is like that", "product.created"),
    ):
        text = httpx.get(page, params=query).text
        assert shown in text
        assert hidden not in text
    one = httpx.get(f"{page}/1").text
    for part in ("answered 500", "answered 200", "page@example.com", "Re-send"):
        assert part in one
    event = receiver.got[0].event["id"]
    again = httpx.post(f"{own_shop.twin.base}/objects/{event}/deliveries/1/resend")
    assert (again.status_code, again.headers["location"]) == (303, "/deliveries/1")
    wait_until(lambda: len(receiver.got) == 4)
    assert httpx.get(f"{page}/99").status_code == 404
