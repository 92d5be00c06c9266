"""The usage calls, as callers see them."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from support import START, Customer
from tollkeeper import identity
from tollkeeper.billing import EntitlementsChanged
from tollkeeper.gate import Gate
from tollkeeper.infra import Runtime
from tollkeeper.kit import FixedClock, Permission
from tollkeeper.metering import counters_replay

HEARD_SECONDS = 20.0


async def buy(runtime: Runtime, customer: Customer, plan: str | None) -> None:
    """Tell the gate what billing would tell it."""
    async with runtime.transaction() as tx:
        await tx.emit(
            EntitlementsChanged(
                organization_id=customer.organization_id,
                plan=plan,
                period_start=tx.now if plan else None,
                period_end=tx.now + timedelta(days=30) if plan else None,
            )
        )


async def eventually(client: httpx.AsyncClient, status: int, path: str = "check", **body: Any) -> httpx.Response:
    """Call until every cache has heard of a change; the promise is one second, the time-out more generous."""
    deadline = asyncio.get_running_loop().time() + HEARD_SECONDS
    while True:
        answer = await client.post(f"/api/usage/{path}", json={"feature": "prompts", **body})
        if answer.status_code == status or asyncio.get_running_loop().time() > deadline:
            assert answer.status_code == status, answer.text
            return answer
        await asyncio.sleep(0.02)


async def test_track_counts_and_tells_where_it_stands(ada: Customer) -> None:
    answer = await ada.client.post("/api/usage/track", json={"feature": "prompts", "count": 400})
    assert answer.status_code == 200
    assert answer.json() == {
        "feature": "prompts",
        "used": 400,
        "limit": 1000,
        "remaining": 600,
        "reset_at": "2026-04-10T12:00:00Z",
    }
    headers = answer.headers
    assert [headers[f"x-quota-{name}"] for name in ("limit", "used", "remaining")] == ["1000", "400", "600"]
    assert headers["x-ratelimit-limit"] == "300"
    assert headers["ratelimit-policy"] == '"default";q=300;w=60'
    assert headers["x-request-id"]
    assert headers["content-security-policy"].startswith("default-src 'none'")


async def test_past_a_hard_limit_nothing_is_recorded_and_a_way_on_is_offered(runtime: Runtime, ada: Customer) -> None:
    await ada.client.post("/api/usage/track", json={"feature": "prompts", "count": 999})
    refused = await ada.client.post("/api/usage/track", json={"feature": "prompts", "count": 2})
    problem = refused.json()
    assert (refused.status_code, refused.headers["content-type"]) == (402, "application/problem+json")
    assert (problem["code"], problem["used"], problem["limit"], problem["requested"]) == (
        "quota_exceeded",
        999,
        1000,
        2,
    )
    assert problem["upgrade"]["plan"] == "pro"
    assert problem["upgrade"]["price"] == {"amount": 2000, "currency": "usd"}
    assert problem["request_id"] == refused.headers["x-request-id"]
    last = await ada.client.post("/api/usage/track", json={"feature": "prompts"})
    assert (last.status_code, last.json()["used"], last.json()["remaining"]) == (200, 1000, 0)
    async with runtime.transaction() as tx:
        assert await counters_replay(tx) == []


async def test_check_records_nothing(ada: Customer) -> None:
    for _ in range(3):
        answer = await ada.client.post("/api/usage/check", json={"feature": "prompts", "count": 1000})
        assert answer.json() == {
            "allowed": True,
            "feature": "prompts",
            "used": 0,
            "limit": 1000,
            "remaining": 1000,
            "reset_at": "2026-04-10T12:00:00Z",
        }
    too_much = (await ada.client.post("/api/usage/check", json={"feature": "prompts", "count": 1001})).json()
    assert too_much["allowed"] is False
    assert too_much["upgrade"]["plan"] == "pro"


async def test_a_key_counts_once_for_ever(ada: Customer) -> None:
    body = {"feature": "prompts", "count": 3, "idempotency_key": "once"}
    answers = await asyncio.gather(*(ada.client.post("/api/usage/track", json=body) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["used"] for answer in answers} == {3}


async def test_idempotency_keys_of_two_customers_are_apart(ada: Customer, eve: Customer) -> None:
    body = {"feature": "prompts", "idempotency_key": "same"}
    for customer in (ada, eve):
        assert (await customer.client.post("/api/usage/track", json=body)).json()["used"] == 1


async def test_the_counter_starts_again_at_the_period_s_end(ada: Customer, clock: FixedClock) -> None:
    await ada.client.post("/api/usage/track", json={"feature": "prompts", "count": 1000})
    clock.advance(timedelta(days=31) - timedelta(seconds=1))
    assert (await ada.client.post("/api/usage/track", json={"feature": "prompts"})).status_code == 402
    clock.advance(timedelta(seconds=1))
    fresh = await ada.client.post("/api/usage/track", json={"feature": "prompts"})
    assert (fresh.status_code, fresh.json()["used"], fresh.json()["reset_at"]) == (200, 1, "2026-05-10T12:00:00Z")


async def test_an_upgrade_is_obeyed_and_its_end_leads_back(runtime: Runtime, ada: Customer, clock: FixedClock) -> None:
    await ada.client.post("/api/usage/track", json={"feature": "prompts", "count": 1000})
    clock.advance(timedelta(hours=1))
    await buy(runtime, ada, "pro")
    answer = await eventually(ada.client, 200, "track")
    assert (answer.status_code, answer.json()["limit"], answer.json()["used"]) == (200, 50_000, 1)
    await buy(runtime, ada, None)
    answer = await eventually(ada.client, 402, "track")
    assert (answer.status_code, answer.json()["used"]) == (402, 1000), "the free month is still used up"


async def test_a_soft_limit_informs_and_does_not_refuse(runtime: Runtime, ada: Customer) -> None:
    await buy(runtime, ada, "premium")
    await eventually(ada.client, 200, "track", count=250_000)
    over = await ada.client.post("/api/usage/track", json={"feature": "prompts", "count": 5})
    assert (over.status_code, over.json()["used"], over.json()["remaining"]) == (200, 250_005, 0)


async def test_a_revoked_key_is_refused_at_once(runtime: Runtime, ada: Customer) -> None:
    await eventually(ada.client, 200)
    async with runtime.transaction() as tx:
        await identity.revoke_key(tx, ada.organization_id, ada.key.id)
    refused = await eventually(ada.client, 401)
    assert (refused.json()["code"], refused.json()["reason"]) == ("invalid_credential", "revoked")


async def test_an_expired_key_is_refused(runtime: Runtime, ada: Customer, clock: FixedClock) -> None:
    async with runtime.transaction() as tx:
        _, secret = await identity.create_key(
            tx,
            organization_id=ada.organization_id,
            created_by=None,
            name="brief",
            kind=identity.KeyKind.LIVE,
            scopes=(),
            expires_at=clock.now() + timedelta(minutes=1),
        )
    headers = {"Authorization": f"Bearer {secret}"}
    body = {"feature": "prompts"}
    assert (await ada.client.post("/api/usage/check", json=body, headers=headers)).status_code == 200
    clock.advance(timedelta(minutes=1))
    refused = await ada.client.post("/api/usage/check", json=body, headers=headers)
    assert (refused.status_code, refused.json()["reason"]) == (401, "expired")


BAD_BODIES: list[tuple[str, Any, set[str]]] = [
    ("no feature", {}, {"feature"}),
    ("empty feature", {"feature": ""}, {"feature"}),
    ("feature of another type", {"feature": 7}, {"feature"}),
    ("negative count", {"feature": "prompts", "count": -1}, {"count"}),
    ("zero count", {"feature": "prompts", "count": 0}, {"count"}),
    ("absurd count", {"feature": "prompts", "count": 10**30}, {"count"}),
    ("count as text", {"feature": "prompts", "count": "3"}, {"count"}),
    ("count as a fraction", {"feature": "prompts", "count": 1.5}, {"count"}),
    ("count as a switch", {"feature": "prompts", "count": True}, {"count"}),
    ("unknown field", {"feature": "prompts", "cuont": 3}, {"cuont"}),
    ("a moment without a zone", {"feature": "prompts", "at": "2026-03-10T12:00:00"}, {"at"}),
    ("several at once", {"feature": "", "count": -1, "idempotency_key": ""}, {"feature", "count", "idempotency_key"}),
    ("a NUL in the key", {"feature": "prompts", "idempotency_key": "a\x00b"}, {"idempotency_key"}),
    ("a list", [], set()),
    ("a number", 3, set()),
]


@pytest.mark.parametrize(("body", "fields"), [case[1:] for case in BAD_BODIES], ids=[case[0] for case in BAD_BODIES])
async def test_bad_fields_are_all_named(ada: Customer, body: Any, fields: set[str]) -> None:
    answer = await ada.client.post("/api/usage/track", content=json.dumps(body))
    assert answer.status_code == 422, answer.text
    named = {each["field"] for each in answer.json()["errors"]}
    assert fields <= named, answer.text


@pytest.mark.parametrize("content", [b"", b"{", b"nonsense", b"\xff\xfe", b'{"feature": "prompts"} x', b'"\\ud800"'])
async def test_what_is_no_json_says_so(ada: Customer, content: bytes) -> None:
    answer = await ada.client.post("/api/usage/track", content=content)
    assert answer.status_code == 422
    assert answer.json()["code"] in {"malformed_body", "invalid_input"}


async def test_an_unknown_feature_is_named(ada: Customer) -> None:
    for path in ("track", "check"):
        answer = await ada.client.post(f"/api/usage/{path}", json={"feature": "unicorns"})
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_feature")
    # A switch is a feature, but nothing that is counted.
    answer = await ada.client.post("/api/usage/track", json={"feature": "custom_domains"})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_feature")


@pytest.mark.parametrize("away", [timedelta(minutes=6), timedelta(seconds=-1)], ids=["future", "before the period"])
async def test_usage_outside_the_period_is_refused(ada: Customer, away: timedelta) -> None:
    body = {"feature": "prompts", "at": (START + away).isoformat()}
    answer = await ada.client.post("/api/usage/track", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "outside_period")


async def test_a_huge_body_is_refused(ada: Customer) -> None:
    answer = await ada.client.post("/api/usage/track", content=b'{"feature": "' + b"x" * 1_100_000 + b'"}')
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


async def test_a_huge_body_without_a_size_is_refused(ada: Customer) -> None:
    async def chunks() -> Any:
        for _ in range(30):
            yield b"x" * 50_000

    answer = await ada.client.post("/api/usage/track", content=chunks())
    assert answer.status_code == 413


@pytest.mark.parametrize("secret", ["tk_live_nonsense", "nonsense", "a.b.c"])
async def test_unknown_credentials_are_refused(nobody: httpx.AsyncClient, secret: str) -> None:
    answer = await nobody.post(
        "/api/usage/track", json={"feature": "prompts"}, headers={"Authorization": f"Bearer {secret}"}
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credential")


async def test_no_credential_is_refused(nobody: httpx.AsyncClient) -> None:
    for method, path in (("POST", "track"), ("POST", "check"), ("GET", ""), ("GET", "limits")):
        answer = await nobody.request(method, f"/api/usage/{path}".rstrip("/"), json={"feature": "prompts"})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), path
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_another_tenant_is_not_there(ada: Customer, eve: Customer) -> None:
    for customer in (str(eve.organization_id), "eve-1", "nobody"):
        answer = await ada.client.post("/api/usage/track", json={"feature": "prompts", "customer": customer})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    own = await ada.client.post("/api/usage/track", json={"feature": "prompts", "customer": "ada-1"})
    assert own.status_code == 200


async def test_an_operator_names_the_customer(operator: httpx.AsyncClient, ada: Customer) -> None:
    unnamed = await operator.post("/api/usage/track", json={"feature": "prompts"})
    assert (unnamed.status_code, unnamed.json()["code"]) == (422, "customer_required")
    for used, customer in enumerate(("ada-1", str(ada.organization_id)), start=1):
        answer = await operator.post("/api/usage/track", json={"feature": "prompts", "customer": customer})
        assert (answer.status_code, answer.json()["used"]) == (200, used)
    assert (await operator.get("/api/usage", params={"customer": "nobody"})).status_code == 404


async def test_a_key_may_only_what_its_scopes_say(runtime: Runtime, ada: Customer) -> None:
    async with runtime.transaction() as tx:
        _, secret = await identity.create_key(
            tx,
            organization_id=ada.organization_id,
            created_by=None,
            name="reader",
            kind=identity.KeyKind.LIVE,
            scopes=(Permission.USAGE_READ,),
            expires_at=None,
        )
    headers = {"Authorization": f"Bearer {secret}"}
    body = {"feature": "prompts"}
    assert (await ada.client.post("/api/usage/check", json=body, headers=headers)).status_code == 200
    refused = await ada.client.post("/api/usage/track", json=body, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def test_usage_and_limits(ada: Customer, clock: FixedClock) -> None:
    await ada.client.post("/api/usage/track", json={"feature": "prompts", "count": 7})
    clock.advance(timedelta(seconds=1))
    usage = (await ada.client.get("/api/usage")).json()
    assert usage["plan"] == "free"
    assert {each["feature"]: each["used"] for each in usage["data"]}["prompts"] == 7
    history = (await ada.client.get("/api/usage", params={"feature": "prompts", "bucket": "hour"})).json()["history"]
    assert history["data"] == [{"start": "2026-03-10T12:00:00Z", "used": 7}]
    limits = {each["feature"]: each for each in (await ada.client.get("/api/usage/limits")).json()["data"]}
    assert (limits["prompts"]["remaining"], limits["prompts"]["enforcement"]) == (993, "hard")
    assert (limits["custom_domains"]["kind"], limits["custom_domains"]["value"]) == ("switch", False)


@pytest.mark.parametrize(
    "query",
    [
        {"feature": "prompts", "from": "2026-03-10T12:00:00Z", "to": "2026-03-10T12:00:00Z"},
        {"feature": "prompts", "from": "2020-01-01T00:00:00Z"},
        {"feature": "prompts", "bucket": "year"},
        {"feature": "prompts", "from": "yesterday"},
        {"feature": "unicorns"},
    ],
)
async def test_a_bad_span_is_refused(ada: Customer, query: dict[str, str]) -> None:
    assert (await ada.client.get("/api/usage", params=query)).status_code == 422


async def test_version_one_is_the_same(ada: Customer) -> None:
    assert (await ada.client.post("/api/v1/usage/track", json={"feature": "prompts"})).json()["used"] == 1
    assert (await ada.client.get("/api/v1/usage")).status_code == 200


async def test_verify_tells_whose_key_it_is(operator: httpx.AsyncClient, ada: Customer) -> None:
    answer = (await operator.post("/api/keys/verify", json={"key": ada.secret, "feature": "prompts"})).json()
    assert (answer["valid"], answer["code"], answer["plan"]) == (True, "valid", "free")
    assert answer["organization"] == str(ada.organization_id)
    over = (
        await operator.post("/api/keys/verify", json={"key": ada.secret, "feature": "prompts", "quantity": 1001})
    ).json()
    assert (over["valid"], over["code"], over["upgrade"]["plan"]) == (False, "quota_exceeded", "pro")
    unknown = await operator.post("/api/keys/verify", json={"key": "tk_live_unknown"})
    assert (unknown.status_code, unknown.json()) == (200, {"valid": False, "code": "not_found"})
    assert (await ada.client.post("/api/keys/verify", json={"key": ada.secret})).status_code == 403


async def test_the_use_of_a_key_is_noted(runtime: Runtime, ada: Customer) -> None:
    for _ in range(3):
        await ada.client.post("/api/usage/check", json={"feature": "prompts"})
    await runtime.part(Gate)._flush_key_uses()
    async with runtime.transaction() as tx:
        found = await identity.find_key(tx, identity.key_digest(ada.secret))
    assert found is not None
    assert (found.use_count, found.last_used_at) == (3, START)
