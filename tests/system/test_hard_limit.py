"""Sixty-four callers at once on a hard limit of a thousand: a thousand are admitted, with one worker and with four."""

import asyncio
from collections import Counter
from pathlib import Path

import httpx
import pytest

from live_server import LiveServer

CALLERS = 64
CALLS_EACH = 20
LIMIT = 1_000


@pytest.mark.parametrize("workers", [1, 4])
async def test_exactly_the_limit_is_admitted(tmp_path: Path, workers: int) -> None:
    server = LiveServer(tmp_path / "data", workers=workers)
    await asyncio.to_thread(server.start)
    try:
        key = await asyncio.to_thread(server.new_key, "limit@example.com")
        statuses = await load(server.url, key)
        assert statuses == {200: LIMIT, 402: CALLERS * CALLS_EACH - LIMIT}
    finally:
        assert await asyncio.to_thread(server.stop) == 0


async def load(url: str, key: str) -> Counter[int]:
    """Every caller has a connection of their own, so that with several workers all of them are called."""
    headers = {"Authorization": f"Bearer {key}"}

    async def caller() -> Counter[int]:
        statuses: Counter[int] = Counter()
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client:
            for _ in range(CALLS_EACH):
                answer = await client.post("/api/usage/track", json={"feature": "prompts"})
                statuses[answer.status_code] += 1
        return statuses

    return sum(await asyncio.gather(*(caller() for _ in range(CALLERS))), Counter())
