"""The provider's door: only what it signed, only now, and what is refused leaves nothing behind."""

import json

from .world import World, fault

EVENT = {
    "id": "evt_promise",
    "object": "event",
    "type": "customer.subscription.updated",
    "api_version": "2025-03-31.basil",
    "created": 1767225600,
    "livemode": False,
    "data": {"object": {"id": "sub_nobody", "object": "subscription", "customer": "cus_nobody"}},
}
BODY = json.dumps(EVENT).encode()


async def test_what_is_not_proven_is_refused_and_not_stored(world: World) -> None:
    before = len(await world.stored_events())
    where = "/api/webhooks/stripe"
    refused = {
        "webhook_signature_missing": await world.call("POST", where, BODY),
        "webhook_signature_invalid": await world.webhook(BODY, secret="whsec_somebody_elses"),
        "webhook_timestamp_stale": await world.webhook(BODY, seconds=-301),
        "webhook_timestamp_future": await world.webhook(BODY, seconds=302),
        "webhook_unreadable": await world.webhook(b'{"id": "evt_promise"}'),
        "webhook_livemode_mismatch": await world.webhook(json.dumps({**EVENT, "livemode": True}).encode()),
    }
    for code, answer in refused.items():
        assert fault(answer, 400) is None, answer.text
        assert answer.json()["code"] == code
    for signature in ("", "t=,v1=", "t=1", "v1=abc", "t=" + "9" * 40 + ",v1=00", "\u00e9" * 10, "x" * 10_000):
        answer = await world.call("POST", where, BODY, headers={"Stripe-Signature": signature.encode()})
        assert fault(answer, 400) is None, answer.text
    assert len(await world.stored_events()) == before


async def test_one_byte_changed_breaks_the_signature(world: World) -> None:
    signed = await world.webhook(BODY)
    assert signed.status_code == 200, signed.text
    signature = signed.request.headers["stripe-signature"]
    forged = BODY.replace(b"cus_nobody", b"cus_nobodz")
    answer = await world.call("POST", "/api/webhooks/stripe", forged, headers={"Stripe-Signature": signature})
    assert answer.json()["code"] == "webhook_signature_invalid"


async def test_the_same_delivery_twice_is_stored_once(world: World) -> None:
    before = len(await world.stored_events())
    for _ in range(2):
        assert (await world.webhook(BODY)).json() == {"received": True}
    stored = await world.stored_events()
    assert len(stored) == before + 1
    assert max(each.deliveries for each in stored if each.provider_id == "evt_promise") == 2


async def test_nonsense_the_provider_signed_is_no_fault_of_ours(world: World) -> None:
    strange = [
        b"",
        b"null",
        b"[]",
        b"{",
        b"[" * 50_000,
        json.dumps({**EVENT, "id": None}).encode(),
        json.dumps({**EVENT, "id": "e" * 5000}).encode(),
        json.dumps({**EVENT, "id": "evt_\x00"}).encode(),
        json.dumps({**EVENT, "id": "evt_\ud800"}).encode(),
        json.dumps({**EVENT, "id": "evt_s", "type": "a\x00b"}).encode(),
        json.dumps({**EVENT, "id": "evt_t", "created": 10**40}).encode(),
        json.dumps({**EVENT, "id": "evt_u", "created": -1}).encode(),
        json.dumps({**EVENT, "id": "evt_v", "data": {"object": {"id": "sub_\x00", "object": "subscription"}}}).encode(),
        json.dumps({**EVENT, "id": "evt_w", "data": None}).encode(),
        json.dumps({**EVENT, "id": "evt_x", "data": {"object": []}}).encode(),
    ]
    faults = []
    for body in strange:
        answer = await world.webhook(body)
        found = None if answer.status_code == 200 else fault(answer, 400, 422)
        faults += [f"{body[:60]!r}: {found}"] if found else []
    assert not faults, "\n".join(faults)
