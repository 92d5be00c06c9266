import json
import signal
import time
from typing import Any

import httpx
import pytest
import stripe

from stripe_twin.core.delivery import retry_delay, signature

from .conftest import Receiver, Shop, TwinProcess, wait_until

SIX = [
    "checkout.session.completed",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "invoice.payment_succeeded",
    "invoice.payment_failed",
]

PROMPT_SECONDS = 8  # far less than any pause of the dispatcher, and more than a busy machine stands still for


def hook(shop: Shop, receiver: Receiver, *events: str) -> stripe.WebhookEndpoint:
    wanted: Any = {"url": receiver.url, "enabled_events": list(events) or ["*"]}
    return shop.v1.webhook_endpoints.create(wanted)


def test_events_arrive_signed_and_promptly(own_shop: Shop, receiver: Receiver) -> None:
    endpoint = hook(own_shop, receiver)
    started = time.time()
    customer = own_shop.v1.customers.create({"email": "w@example.com"}, {"idempotency_key": "hook-1"})
    got = receiver.wait_for("customer.created")
    assert got.at - started < PROMPT_SECONDS
    assert endpoint.secret
    event = stripe.Webhook.construct_event(got.body, got.signature, endpoint.secret)
    assert event.data.object["id"] == customer.id
    sent = got.event
    assert list(sent) == [
        "id",
        "object",
        "api_version",
        "created",
        "data",
        "livemode",
        "request",
        "type",
        "pending_webhooks",
    ]
    assert (sent["api_version"], sent["livemode"], sent["pending_webhooks"]) == (stripe.api_version, False, 1)
    assert sent["request"]["idempotency_key"] == "hook-1"
    wait_until(lambda: own_shop.v1.events.retrieve(sent["id"]).pending_webhooks == 0)


def test_a_forged_body_does_not_pass_the_signature(own_shop: Shop, receiver: Receiver) -> None:
    endpoint = hook(own_shop, receiver, "product.created")
    own_shop.v1.products.create({"name": "Signed"})
    got = receiver.wait_for("product.created")
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(got.body.replace(b"Signed", b"Forged"), got.signature, endpoint.secret)


def test_several_secrets_sign_one_body() -> None:
    header = signature(b"{}", ["whsec_old", "whsec_new"], int(time.time()))
    for secret in ("whsec_old", "whsec_new"):
        assert stripe.WebhookSignature.verify_header("{}", header, secret, 300)


def test_an_endpoint_gets_what_it_asked_for_in_order(own_shop: Shop, receiver: Receiver) -> None:
    hook(own_shop, receiver, *SIX)
    session = own_shop.checkout()
    own_shop.submit(session, "4242424242424242")
    receiver.wait_for("checkout.session.completed")
    assert receiver.types == [
        "customer.subscription.created",
        "customer.subscription.updated",
        "invoice.payment_succeeded",
        "checkout.session.completed",
    ]
    subscription = own_shop.v1.checkout.sessions.retrieve(session.id).subscription
    assert isinstance(subscription, str)
    own_shop.v1.subscriptions.cancel(subscription)
    receiver.wait_for("customer.subscription.deleted")


def test_the_secret_is_shown_once(own_shop: Shop, receiver: Receiver) -> None:
    endpoint = hook(own_shop, receiver)
    assert "secret" not in own_shop.v1.webhook_endpoints.retrieve(endpoint.id).to_dict()
    assert "secret" not in own_shop.v1.webhook_endpoints.list().data[0].to_dict()


def test_a_failed_delivery_comes_again_with_a_new_signature(own_shop: Shop, receiver: Receiver) -> None:
    endpoint = hook(own_shop, receiver, "customer.created")
    receiver.statuses = [500]
    started = time.time()
    own_shop.v1.customers.create({"email": "again@example.com"})
    wait_until(lambda: len(receiver.got) == 2)
    first, second = receiver.got
    assert first.event["id"] == second.event["id"]
    assert second.at - started > 0.9
    assert first.signature != second.signature
    assert endpoint.secret
    stripe.Webhook.construct_event(second.body, second.signature, endpoint.secret)
    wait_until(lambda: own_shop.v1.events.list({"delivery_success": False}).data == [])


def test_a_failing_endpoint_does_not_hold_up_another(own_shop: Shop, receiver: Receiver) -> None:
    own_shop.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/hook", "enabled_events": ["*"]})
    hook(own_shop, receiver)
    started = time.time()
    own_shop.v1.products.create({"name": "Soon"})
    assert receiver.wait_for("product.created").at - started < PROMPT_SECONDS
    page = httpx.get(own_shop.twin.base).text
    assert "product.created" in page
    assert "ConnectError" in page


def test_retries_back_off_and_stop_after_three_days(own_shop: Shop, receiver: Receiver) -> None:
    assert [retry_delay(n) for n in range(1, 7)] == [1, 5, 30, 300, 3600, 3600]
    hook(own_shop, receiver, "product.created")
    receiver.statuses = [500] * 200
    own_shop.v1.products.create({"name": "Never"})
    wait_until(lambda: len(receiver.got) >= 2)
    for _ in range(3):
        seen = len(receiver.got)
        own_shop.twin.advance(86_400)
        wait_until(lambda before=seen: len(receiver.got) > before)  # type: ignore[misc]  # bound at once
    event = receiver.got[0].event["id"]
    wait_until(lambda: own_shop.v1.events.retrieve(event).pending_webhooks == 0)
    assert [e.id for e in own_shop.v1.events.list({"delivery_success": False}).data] == [event]
    tries = len(receiver.got)
    own_shop.twin.advance(7_200)
    receiver.statuses = []
    own_shop.v1.products.create({"name": "Other"})
    wait_until(lambda: len(receiver.got) == tries + 1)


def test_a_clock_advanced_during_an_answer_does_not_put_off_the_next_try(own_shop: Shop, receiver: Receiver) -> None:
    hook(own_shop, receiver, "product.created")
    receiver.statuses = [500] * 200
    own_shop.v1.products.create({"name": "Never"})
    wait_until(lambda: len(receiver.got) >= 2)
    receiver.pause = 0.7
    own_shop.twin.advance(10)
    wait_until(lambda: len(receiver.got) >= 3)
    own_shop.twin.advance(100)
    wait_until(lambda: len(receiver.got) >= 4)


def test_the_front_page_sends_again(own_shop: Shop, receiver: Receiver) -> None:
    hook(own_shop, receiver, "product.created")
    own_shop.v1.products.create({"name": "Again"})
    event = receiver.wait_for("product.created").event["id"]
    wait_until(lambda: own_shop.v1.events.retrieve(event).pending_webhooks == 0)
    answer = httpx.post(f"{own_shop.twin.base}/objects/{event}/deliveries/1/resend")
    assert answer.status_code == 303
    wait_until(lambda: receiver.types == ["product.created", "product.created"])


def test_disabled_and_deleted_endpoints_get_nothing(own_shop: Shop, receiver: Receiver) -> None:
    silent, gone, open_ = (hook(own_shop, receiver, "product.created") for _ in range(3))
    own_shop.v1.webhook_endpoints.update(silent.id, {"disabled": True})
    assert own_shop.v1.webhook_endpoints.delete(gone.id).deleted is True
    own_shop.v1.products.create({"name": "One"})
    receiver.wait_for("product.created")
    time.sleep(0.3)
    assert len(receiver.got) == 1
    assert own_shop.v1.webhook_endpoints.retrieve(open_.id).status == "enabled"


def test_everything_survives_a_kill(own_twin: TwinProcess, receiver: Receiver) -> None:
    shop = Shop(own_twin)
    endpoint = hook(shop, receiver, "customer.created", "checkout.session.completed")
    receiver.statuses = [500]
    customer = shop.v1.customers.create({"email": "kept@example.com"}, {"idempotency_key": "kept"})
    session = shop.checkout(customer=customer.id)
    wait_until(lambda: len(receiver.got) == 1)
    own_twin.stop(signal.SIGKILL)
    own_twin.start()
    again = Shop(own_twin)
    assert again.v1.customers.retrieve(customer.id).email == "kept@example.com"
    wait_until(lambda: receiver.types.count("customer.created") >= 2)
    replay = again.v1.customers.create({"email": "kept@example.com"}, {"idempotency_key": "kept"})
    assert replay.id == customer.id
    assert again.submit(session, "4242424242424242").status_code == 303
    got = receiver.wait_for("checkout.session.completed")
    assert endpoint.secret
    stripe.Webhook.construct_event(got.body, got.signature, endpoint.secret)


def test_a_webhook_with_a_chosen_secret(own_shop: Shop, receiver: Receiver) -> None:
    form = {"url": receiver.url, "secret": "whsec_chosen"}
    assert httpx.post(f"{own_shop.twin.base}/_config/webhooks/main", data=form).status_code == 200
    own_shop.v1.products.create({"name": "Chosen"})
    got = receiver.wait_for("product.created")
    stripe.Webhook.construct_event(got.body, got.signature, "whsec_chosen")
    assert json.loads(got.body)["data"]["object"]["name"] == "Chosen"
    assert httpx.post(f"{own_shop.twin.base}/_config/webhooks/main", data={"url": "x"}).status_code == 400
