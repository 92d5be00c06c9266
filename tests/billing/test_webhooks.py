"""The endpoint: what is not certainly the provider's leaves no trace; what is, is stored before the answer."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from tollkeeper import billing, orgs
from tollkeeper.billing import StoredEvent
from tollkeeper.kit import FixedClock

from .shop import SECRET, Shop, sign


async def stored(shop: Shop) -> list[StoredEvent]:
    async with shop.runtime.transaction() as tx:
        return await billing.list_events(tx)


async def queued(shop: Shop) -> list[tuple[str, str | None]]:
    async with shop.runtime.transaction() as tx:
        query = "select task_name, lock from procrastinate_jobs where task_name = 'billing.process_event'"
        return list(await (await (await tx.raw()).execute(query)).fetchall())


async def deliver(client: httpx.AsyncClient, body: bytes, signature: str | None) -> httpx.Response:
    headers = {"Content-Type": "application/json", **({"Stripe-Signature": signature} if signature else {})}
    return await client.post("/api/webhooks/stripe", content=body, headers=headers)


def event(type_: str = "customer.subscription.updated", **changes: Any) -> bytes:
    body = {
        "id": "evt_1",
        "object": "event",
        "type": type_,
        "created": 1_773_000_000,
        "livemode": False,
        "api_version": "2026-10-28.endive",
        "data": {"object": {"id": "sub_1", "object": "subscription", "customer": "cus_1"}},
    }
    return json.dumps({**body, **changes}).encode()


async def test_a_signed_event_is_stored_with_its_job(shop: Shop, client: httpx.AsyncClient, clock: FixedClock) -> None:
    body = event()
    answer = await deliver(client, body, sign(body, clock))
    assert (answer.status_code, answer.json()) == (200, {"received": True})
    [kept] = await stored(shop)
    assert (kept.provider_id, kept.type, kept.status) == ("evt_1", "customer.subscription.updated", "received")
    assert (kept.body, kept.api_version, kept.received_at) == (body, "2026-10-28.endive", clock.now())
    assert await queued(shop) == [("billing.process_event", "billing:cus_1")]


async def test_a_second_delivery_is_known(shop: Shop, client: httpx.AsyncClient, clock: FixedClock) -> None:
    body = event()
    for _ in range(3):
        assert (await deliver(client, body, sign(body, clock))).status_code == 200
    [kept] = await stored(shop)
    assert kept.deliveries == 3
    assert len(await queued(shop)) == 1


async def test_one_event_delivered_many_times_at_once(shop: Shop, client: httpx.AsyncClient, clock: FixedClock) -> None:
    body = event()
    answers = await asyncio.gather(*(deliver(client, body, sign(body, clock)) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert [kept.deliveries for kept in await stored(shop)] == [8]
    assert len(await queued(shop)) == 1


@pytest.mark.parametrize(
    ("code", "body", "change"),
    [
        ("webhook_signature_missing", event(), {"signature": None}),
        ("webhook_signature_invalid", event(), {"secret": "whsec_guess"}),
        ("webhook_timestamp_stale", event(), {"seconds": -301}),
        ("webhook_timestamp_future", event(), {"seconds": 301}),
        ("webhook_timestamp_future", event(), {"seconds": 3600}),
        ("webhook_unreadable", b"not json", {}),
        ("webhook_unreadable", b'{"object": "event"}', {}),
        ("webhook_thin_event", b'{"id": "e", "object": "v2.core.event", "type": "v1.invoice.paid"}', {}),
        ("webhook_livemode_mismatch", event(livemode=True), {}),
    ],
)
async def test_what_is_refused_leaves_no_trace(
    shop: Shop, client: httpx.AsyncClient, *, code: str, body: bytes, change: dict[str, Any]
) -> None:
    clock = FixedClock(shop.runtime.clock.now())
    signature = None if "signature" in change else sign(body, clock, **change)
    answer = await deliver(client, body, signature)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert await stored(shop) == []
    assert await queued(shop) == []


async def test_a_body_changed_on_the_way_is_refused(shop: Shop, client: httpx.AsyncClient, clock: FixedClock) -> None:
    body = event()
    answer = await deliver(client, body.replace(b"sub_1", b"sub_2"), sign(body, clock))
    assert answer.json()["code"] == "webhook_signature_invalid"
    answer = await deliver(client, json.dumps(json.loads(body), indent=2).encode(), sign(body, clock))
    assert answer.json()["code"] == "webhook_signature_invalid"
    assert await stored(shop) == []


async def test_two_secrets_are_in_force_while_one_is_rolled(
    shop: Shop, client: httpx.AsyncClient, clock: FixedClock
) -> None:
    told = {"stripe_webhook_secrets": [SecretStr("whsec_old"), SecretStr("whsec_next")]}
    shop.runtime.settings = shop.runtime.settings.model_copy(update=told)
    for number, secret in enumerate(["whsec_old", "whsec_next", SECRET]):
        body = event(id=f"evt_{number}")
        assert (await deliver(client, body, sign(body, clock, secret=secret))).status_code == 200
    assert len(await stored(shop)) == 3


async def test_an_unknown_type_is_kept_and_left_alone(shop: Shop, client: httpx.AsyncClient, clock: FixedClock) -> None:
    body = event("invented.in_2030", data={"object": {"id": "x", "object": "future"}})
    assert (await deliver(client, body, sign(body, clock))).status_code == 200
    [kept] = await stored(shop)
    assert kept.status == "ignored"
    assert await queued(shop) == []


async def test_a_strangers_subscription_stays_visible(shop: Shop) -> None:
    customer = await shop.api("POST", "customers", name="Stranger")
    body = event("customer.updated", data={"object": {"id": customer["id"], "object": "customer"}})
    assert await shop.process(body) == "unmatched"
    [kept] = await stored(shop)
    assert customer["id"] in (kept.error or "")
    assert await shop.process(body) == "unmatched"


async def test_a_subscription_the_provider_never_heard_of_does_no_harm(shop: Shop) -> None:
    assert await shop.process(event()) == "unmatched"


async def test_what_is_told_of_somebody_after_they_were_deleted_is_not_kept(
    shop: Shop, client: httpx.AsyncClient, clock: FixedClock
) -> None:
    async with shop.runtime.transaction() as tx:
        await orgs.sign_up(tx, email="ada@gone.example", password_hash=None, name="Ada")
        await orgs.sign_up(tx, email="eve@stays.example", password_hash=None, name="Eve")
        await orgs.delete_by_email(tx, "ada@gone.example")
    told = {"object": {"id": "cus_1", "object": "customer", "email": "eve@stays.example"}}
    assert await shop.process(event("customer.updated", id="evt_of_eve", data=told)) == "unmatched"
    told["previous_attributes"] = {"email": "Ada@gone.example", "name": "Ada"}
    assert await shop.process(event("customer.updated", id="evt_of_ada", data=told)) == "unmatched"
    unknown = event("invented.in_2030", id="evt_unknown", data=told)
    assert (await deliver(client, unknown, sign(unknown, clock))).status_code == 200
    kept = {each.provider_id: bool(each.body) for each in await stored(shop)}
    assert kept == {"evt_of_eve": True, "evt_of_ada": False, "evt_unknown": False}


async def test_a_deleted_customer_loses_the_plan(shop: Shop) -> None:
    ada = await shop.organization()
    customer = await shop.buy(ada)
    await shop.told(customer)
    assert (await shop.status(ada)).plan == "pro"
    await shop.api("DELETE", f"customers/{customer}")
    [gone] = [body for body in await shop.events(customer) if b'"customer.deleted"' in body]
    assert await shop.process(gone) == "processed"
    assert (await shop.status(ada)).plan == "free"
    assert [each.plan for each in shop.heard] == ["pro", None]


async def test_a_status_invented_later_is_shown_and_gives_nothing(shop: Shop) -> None:
    ada = await shop.organization()
    await shop.told(await shop.buy(ada))
    async with shop.runtime.transaction() as tx:
        await (await tx.raw()).execute("update subscriptions set status = 'hibernating'")
    status = await shop.status(ada)
    assert (status.plan, status.status) == ("free", "hibernating")
