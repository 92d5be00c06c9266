"""The quick way answers as the ordinary way does, and leaves everything else to it."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from support import Customer
from tollkeeper.gate import Gate, Quick
from tollkeeper.identity import revoke_key
from tollkeeper.infra import DatabaseUnavailableError, Runtime, pairs

# Told by the moment, or counted by the call itself.
OWN = {"x-request-id", "x-ratelimit-reset", "ratelimit", "x-ratelimit-remaining"}


class Reply:
    """Takes an answer."""

    def __init__(self) -> None:
        self.written: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()

    def write(self, status: int, rest: bytes) -> None:
        self.written.set_result((status, rest))


async def quickly(
    runtime: Runtime, secret: str, call: str, body: dict[str, Any] | bytes, **headers: str
) -> tuple[int, dict[str, str], dict[str, Any]] | None:
    """Send the quick way; None when it is not taken."""
    reply = Reply()
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = [(b"authorization", f"Bearer {secret}".encode())]
    sent += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    if not runtime.part(Quick).take(f"/api/usage/{call}".encode(), sent, content, reply):
        return None
    status, rest = await reply.written
    head, _, document = rest.partition(b"\r\n\r\n")
    return status, {name.decode(): value.decode() for name, value in pairs(head)}, json.loads(document)


def facts(answer: httpx.Response) -> tuple[int, dict[str, str], dict[str, Any]]:
    return answer.status_code, dict(answer.headers), answer.json()


def without_own(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in OWN}


async def warm(runtime: Runtime, customer: Customer) -> None:
    """Have the customer's key and plan in memory, after what their making told has been heard."""
    await runtime.part(Gate).projection.listener.connected.wait()
    await asyncio.sleep(0.1)
    assert (await customer.client.post("/api/usage/check", json={"feature": "prompts"})).status_code == 200


BODIES: list[tuple[str, dict[str, Any]]] = [
    ("check", {"feature": "prompts"}),
    ("check", {"feature": "prompts", "count": 1000}),
    ("check", {"feature": "prompts", "count": 1001}),
    ("track", {"feature": "prompts", "idempotency_key": "once"}),
    ("track", {"feature": "deployments", "count": 4}),
]


@pytest.mark.parametrize(("call", "body"), BODIES)
async def test_both_ways_answer_alike(runtime: Runtime, ada: Customer, call: str, body: dict[str, Any]) -> None:
    await warm(runtime, ada)
    ordinary = await ada.client.post(f"/api/usage/{call}", json=body, headers={"x-request-id": "same"})
    quick = await quickly(runtime, ada.secret, call, body, x_request_id="same")
    assert quick is not None
    status, headers, document = quick
    expected_status, expected_headers, expected = facts(ordinary)
    assert (status, document) == (expected_status, expected)
    assert without_own(headers) == without_own(expected_headers)
    assert headers["x-request-id"] == "same"
    assert int(headers["x-ratelimit-remaining"]) == int(expected_headers["x-ratelimit-remaining"]) - 1


async def test_an_unlimited_feature_has_no_limit_in_its_headers(
    runtime: Runtime, ada: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await warm(runtime, ada)
    gate = runtime.part(Gate)
    access = await gate.access(ada.organization_id)
    unlimited = replace(access.allowances["prompts"], limit=None)
    purchase = replace(access.purchase, allowances={**access.allowances, "prompts": unlimited})
    found = replace(access, purchase=purchase)
    monkeypatch.setattr(gate.projection, "access_at_hand", lambda _: found)
    taken = await quickly(runtime, ada.secret, "track", {"feature": "prompts"})
    assert taken is not None
    assert (taken[2]["limit"], taken[2]["remaining"], "x-quota-limit" in taken[1]) == (None, None, False)


async def test_a_request_without_an_id_gets_one(runtime: Runtime, ada: Customer) -> None:
    await warm(runtime, ada)
    first, second = [await quickly(runtime, ada.secret, "check", {"feature": "prompts"}) for _ in range(2)]
    assert first is not None
    assert second is not None
    assert len({first[1]["x-request-id"], second[1]["x-request-id"]}) == 2


@pytest.mark.usefixtures("ada")
async def test_an_operator_names_the_customer(runtime: Runtime, operator: httpx.AsyncClient) -> None:
    secret = operator.headers["authorization"].removeprefix("Bearer ")
    body = {"feature": "prompts", "customer": "ada-1"}
    assert (await operator.post("/api/usage/track", json=body)).json()["used"] == 1
    taken = await quickly(runtime, secret, "track", body)
    assert taken is not None
    assert (taken[0], taken[2]["used"], "x-ratelimit-limit" in taken[1]) == (200, 2, False)
    assert await quickly(runtime, secret, "track", {"feature": "prompts"}) is None, "no customer named"
    assert await quickly(runtime, secret, "track", {**body, "customer": "nobody"}) is None


async def test_what_needs_a_second_look_goes_the_ordinary_way(runtime: Runtime, ada: Customer) -> None:
    assert await quickly(runtime, ada.secret, "check", {"feature": "prompts"}) is None, "not in memory yet"
    await warm(runtime, ada)
    assert await quickly(runtime, "tk_live_guess", "check", {"feature": "prompts"}) is None
    assert await quickly(runtime, "eyJhbGciOiJIUzI1NiJ9", "check", {"feature": "prompts"}) is None
    for body in (b"", b"{", b'{"feature": 1}', b'{"feature": "prompts", "more": 1}', b'{"feature": "no_such"}'):
        assert await quickly(runtime, ada.secret, "track", body) is None
    assert await quickly(runtime, ada.secret, "track", {"feature": "prompts", "at": "2020-01-01T00:00:00Z"}) is None
    assert await quickly(runtime, ada.secret, "track", {"feature": "prompts", "customer": "ada-1"}) is None
    async with runtime.transaction() as tx:
        await revoke_key(tx, ada.organization_id, ada.key.id)
    for _ in range(100):
        if await quickly(runtime, ada.secret, "check", {"feature": "prompts"}) is None:
            break
        await asyncio.sleep(0.02)
    else:
        raise AssertionError("a revoked key still passes")


async def test_calls_are_counted_once_whichever_way_they_go(runtime: Runtime, ada: Customer) -> None:
    await warm(runtime, ada)  # the first of 300 a minute
    taken = 1
    while (answer := await quickly(runtime, ada.secret, "check", {"feature": "prompts"})) and answer[0] == 200:
        taken += 1
    assert taken == 300
    assert answer is not None
    assert (answer[0], answer[2]["code"], answer[1]["x-ratelimit-remaining"]) == (429, "rate_limited", "0")
    assert 1 <= int(answer[1]["retry-after"]) <= 61
    assert (await ada.client.post("/api/usage/check", json={"feature": "prompts"})).status_code == 429


async def test_a_failing_batch_is_told_to_its_callers(
    runtime: Runtime, ada: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await warm(runtime, ada)

    async def fail(*_: object) -> list[Any]:
        raise DatabaseUnavailableError

    monkeypatch.setattr(runtime.part(Gate).counters.consuming, "_flush", fail)
    taken = await quickly(runtime, ada.secret, "track", {"feature": "prompts"})
    assert taken is not None
    assert (taken[0], taken[2]["code"]) == (503, "database_unavailable")
    assert "retry-after" in taken[1]
