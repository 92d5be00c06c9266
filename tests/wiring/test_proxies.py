"""Whose word about the caller's address is believed."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest

from tollkeeper import billing
from tollkeeper.gate import Gate
from tollkeeper.identity import PasswordHasher
from tollkeeper.infra import Runtime
from tollkeeper.wiring import build_app

Serving = Callable[[list[str]], AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def serving(runtime: Runtime, hasher: PasswordHasher) -> Serving:
    @asynccontextmanager
    async def serve(trusted: list[str]) -> AsyncIterator[httpx.AsyncClient]:
        """Serve as if every connection came from 10.0.0.5."""
        runtime.settings = runtime.settings.model_copy(update={"trusted_proxies": trusted})
        runtime.provide(PasswordHasher, hasher)
        billing.provide(runtime)
        transport = httpx.ASGITransport(build_app(runtime), client=("10.0.0.5", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            yield client
        await runtime.part(Gate).close()
        await billing.close(runtime)

    return serve


async def remaining(client: httpx.AsyncClient, forwarded_for: str) -> int:
    answer = await client.get("/api/nothing", headers={"X-Forwarded-For": forwarded_for})
    return int(answer.headers["x-ratelimit-remaining"])


@pytest.mark.parametrize("trusted", [["10.0.0.5"], ["10.0.0.0/24"]])
async def test_behind_a_trusted_proxy_every_caller_is_counted_alone(serving: Serving, trusted: list[str]) -> None:
    async with serving(trusted) as client:
        assert await remaining(client, "198.51.100.7") == 99
        assert await remaining(client, "198.51.100.8") == 99
        assert await remaining(client, "203.0.113.1, 198.51.100.7") == 98, "what came before the proxy proves nothing"


async def test_anybody_elses_word_counts_for_nothing(serving: Serving) -> None:
    async with serving([]) as client:
        assert await remaining(client, "198.51.100.7") == 99
        assert await remaining(client, "198.51.100.8") == 98
