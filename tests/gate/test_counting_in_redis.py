"""Both ways to the gate count in Redis when there is one, together, and go on without it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from redis_server import Redis
from support import Customer
from tollkeeper.gate import Gate
from tollkeeper.gate.rates import RateBook
from tollkeeper.infra import Runtime
from tollkeeper.infra.throttle import shared
from tollkeeper.infra.throttle.shared import SharedThrottle

from .test_quick import quickly, warm

PROMPTS = {"feature": "prompts"}


@pytest.fixture
async def redis(
    runtime: Runtime, application: httpx.ASGITransport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Redis]:
    """The gate counts in a Redis of its own, and does not give it up because the machine stands still for a moment."""
    monkeypatch.setattr(shared, "TIMEOUT_SECONDS", 10.0)
    assert application is not None
    redis = Redis(tmp_path)
    redis.start()
    gate = runtime.part(Gate)
    gate.throttle = SharedThrottle(redis.url)
    yield redis
    redis.kill()


async def test_calls_are_counted_once_whichever_way_they_go(runtime: Runtime, redis: Redis, ada: Customer) -> None:
    await warm(runtime, ada)  # the first of 300 a minute
    other = SharedThrottle(redis.url)  # another process
    answers = await asyncio.gather(*(quickly(runtime, ada.secret, "check", PROMPTS) for _ in range(100)))
    assert [answer and (answer[0], answer[1]["x-ratelimit-remaining"]) for answer in answers] == [
        (200, str(298 - number)) for number in range(100)
    ]
    (rate,) = runtime.part(Gate).rates.of_caller(
        ada.key.actor, await runtime.part(Gate).access(ada.organization_id), "", None
    )
    assert [(await other.hit(rate)).remaining for _ in range(3)] == [198, 197, 196]
    ordinary = await ada.client.post("/api/usage/check", json=PROMPTS)
    assert (ordinary.status_code, ordinary.headers["x-ratelimit-remaining"]) == (200, "195")
    answers = await asyncio.gather(*(quickly(runtime, ada.secret, "track", PROMPTS) for _ in range(200)))
    statuses = [answer[0] for answer in answers if answer]
    assert statuses == [200] * 195 + [429] * 5
    refused = answers[-1]
    assert refused is not None
    assert (refused[2]["code"], refused[2]["retry_after"]) == ("rate_limited", int(refused[1]["retry-after"]))
    assert (await ada.client.post("/api/usage/check", json=PROMPTS)).status_code == 429
    balance = await other.hit(rate)
    assert not balance.allowed
    await other.close()


async def test_a_caller_without_limits_does_not_ask_redis(
    runtime: Runtime, redis: Redis, ada: Customer, operator: httpx.AsyncClient
) -> None:
    await warm(runtime, ada)
    redis.kill()
    secret = operator.headers["authorization"].removeprefix("Bearer ")
    body = {**PROMPTS, "customer": "ada-1"}
    assert (await operator.post("/api/usage/check", json=body)).status_code == 200
    taken = await quickly(runtime, secret, "check", body)
    assert taken is not None
    assert taken[0] == 200
    throttle = runtime.part(Gate).throttle
    assert isinstance(throttle, SharedThrottle)
    assert not throttle.is_gone


async def test_without_redis_what_is_to_be_closed_is_and_the_rest_goes_on(
    runtime: Runtime, redis: Redis, ada: Customer, nobody: httpx.AsyncClient
) -> None:
    await warm(runtime, ada)
    gate = runtime.part(Gate)
    gate.rates = RateBook(runtime.settings.model_copy(update={"closed_without_redis": "auth"}))
    redis.kill()
    refused = await nobody.post("/api/auth/login", json={})
    assert (refused.status_code, refused.json()["code"]) == (503, "calls_uncounted")
    assert refused.headers["retry-after"] == "1"
    assert (await nobody.get("/api/plans")).status_code == 200
    assert (await ada.client.post("/api/usage/track", json=PROMPTS)).status_code == 200
    taken = await quickly(runtime, ada.secret, "track", PROMPTS)
    assert taken is not None
    assert (taken[0], taken[2]["used"]) == (200, 2)
    gate.rates = RateBook(runtime.settings.model_copy(update={"closed_without_redis": "api, auth"}))
    gate.projection.clear()
    assert (await ada.client.post("/api/usage/track", json=PROMPTS)).status_code == 503
    taken = await quickly(runtime, ada.secret, "track", PROMPTS)
    assert taken is not None
    assert (taken[0], taken[2]["code"]) == (503, "calls_uncounted")
