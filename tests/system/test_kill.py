"""kill -9 at any moment loses nothing that was acknowledged, and counts nothing twice.

Ten rounds in which a server under load is killed at a random moment. Each call carries an idempotency key; those that
got no answer may or may not have been counted, and are settled by being sent again.
"""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from live_server import LiveServer
from tollkeeper.infra.embedded import EmbeddedPostgres

ROUNDS = 10
TRACKS = 2_000
CALLERS = 16


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    server = LiveServer(tmp_path / "data")
    server.start()
    yield server
    server.stop()


class Callers:
    """Sixteen callers who share two thousand calls, until the server is gone."""

    def __init__(self, url: str, key: str, round_number: int) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"}
        self._names = iter(f"{round_number}-{number}" for number in range(TRACKS))
        self.answered = 0
        self.unanswered: list[str] = []

    async def run(self) -> None:
        async with httpx.AsyncClient(base_url=self._url, headers=self._headers, timeout=10) as client:
            await asyncio.gather(*(self._call(client) for _ in range(CALLERS)))

    async def _call(self, client: httpx.AsyncClient) -> None:
        for name in self._names:
            body = {"feature": "ai_tokens", "idempotency_key": name}
            try:
                answer = await client.post("/api/usage/track", json=body)
            except httpx.TransportError:
                self.unanswered.append(name)
                return
            if answer.status_code == 200:
                self.answered += 1
            else:
                assert answer.status_code == 503, answer.text
                self.unanswered.append(name)


async def used(server: LiveServer, key: str) -> int:
    async with httpx.AsyncClient(base_url=server.url, headers={"Authorization": f"Bearer {key}"}) as client:
        answer = await client.post("/api/usage/check", json={"feature": "ai_tokens"}, timeout=20)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["used"])


async def test_what_was_acknowledged_survives_every_kill(server: LiveServer) -> None:
    key = server.new_key("kill@example.com")
    settled = 0
    for number in range(ROUNDS):
        callers = Callers(server.url, key, number)
        load = asyncio.create_task(callers.run())
        await asyncio.sleep(random.uniform(0.05, 1.2))
        await asyncio.to_thread(server.kill)
        await load
        await asyncio.to_thread(server.start)
        after = await used(server, key)
        at_least = settled + callers.answered
        assert at_least <= after <= at_least + len(callers.unanswered), f"round {number}"
        settled = await settle(server, key, callers, at_least)
    assert settled > ROUNDS * CALLERS, "the server was never under load"
    await asyncio.to_thread(every_event_stands_once, server, settled)


async def settle(server: LiveServer, key: str, callers: Callers, acknowledged: int) -> int:
    """Send the unanswered calls again: with their keys they end up counted exactly once, whatever happened."""
    async with httpx.AsyncClient(base_url=server.url, headers={"Authorization": f"Bearer {key}"}) as client:
        for name in callers.unanswered:
            body = {"feature": "ai_tokens", "idempotency_key": name}
            answer = await client.post("/api/usage/track", json=body, timeout=20)
            assert answer.status_code == 200, answer.text
    total = await used(server, key)
    assert total == acknowledged + len(callers.unanswered)
    return total


def every_event_stands_once(server: LiveServer, total: int) -> None:
    with EmbeddedPostgres(server.data_dir) as database, psycopg.connect(database.start()) as connection:
        rows = connection.execute(
            "select count(*), count(distinct idempotency_key), sum(quantity) from usage_events"
            " where meter_id = (select id from meters where key = 'ai_tokens')"
        ).fetchone()
        counted = connection.execute(
            "select sum(used) from usage_counters where meter_id = (select id from meters where key = 'ai_tokens')"
        ).fetchone()
    assert rows == (total, total, total)
    assert counted == (total,)
