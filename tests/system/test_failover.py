"""The primary is lost under load and its standby takes over: what was acknowledged is there, and calls go on.

Every call carries an idempotency key. Calls that come in between are told 503, either that nothing was recorded or that
it is not known; only the latter, and calls without any answer, may turn out either way.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, repeat
from pathlib import Path

import httpx
import psycopg
import pytest

from live_server import LiveServer

from .pair import Pair, replicating

CALLERS = 12
RECOVERY_SECONDS = 30.0


@pytest.fixture
def pair(run_folder: Path) -> Iterator[Pair]:
    with replicating(run_folder / "failover") as made:
        yield made


@pytest.fixture
def server(pair: Pair, tmp_path: Path) -> Iterator[LiveServer]:
    live = LiveServer(tmp_path / "data", workers=2, settings={"DATABASE_URL": pair.url})
    live.start()
    yield live
    assert live.stop() == 0


@dataclass
class Load:
    """Callers on connections of their own, until told to stop."""

    url: str
    key: str
    acknowledged: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)
    over: bool = False
    _names: "count[int]" = field(default_factory=count)

    async def run(self) -> None:
        await asyncio.gather(*(self._caller() for _ in range(CALLERS)))

    async def _caller(self) -> None:
        headers = {"Authorization": f"Bearer {self.key}"}
        async with httpx.AsyncClient(base_url=self.url, headers=headers, timeout=30) as client:
            while not self.over:
                name = f"call-{next(self._names)}"
                try:
                    answer = await client.post(
                        "/api/usage/track", json={"feature": "ai_tokens", "idempotency_key": name}
                    )
                except httpx.TransportError:
                    self.unknown.append(name)
                else:
                    self._note(name, answer)
                    if not answer.is_success:
                        await asyncio.sleep(0.05)

    def _note(self, name: str, answer: httpx.Response) -> None:
        code = answer.json().get("code", "")
        if answer.status_code == 200:
            self.acknowledged.append(name)
        elif answer.status_code == 503 and code == "outcome_unknown":
            self.unknown.append(name)
        elif answer.status_code == 503 and code in {"database_unavailable", "overloaded"}:
            self.refused.append(name)
        else:
            self.wrong[f"{answer.status_code} {code}"] += 1


async def test_what_was_acknowledged_is_there_when_the_standby_has_taken_over(pair: Pair, server: LiveServer) -> None:
    load = Load(server.url, await asyncio.to_thread(server.new_key, "failover@example.com"))
    calling = asyncio.create_task(load.run())
    await grown(load, load.acknowledged)
    await asyncio.to_thread(pair.lose_the_primary)
    await grown(load, load.refused)
    await asyncio.to_thread(pair.promote)
    await grown(load, load.acknowledged)
    load.over = True
    await calling
    assert load.wrong == {}
    stored = await asyncio.to_thread(stored_keys, pair.standby_url)
    assert len(stored) == len(set(stored))
    assert set(load.acknowledged) - set(stored) == set(), "acknowledged and lost"
    assert set(stored) & set(load.refused) == set(), "told that nothing was recorded"
    assert set(stored) <= {*load.acknowledged, *load.unknown}
    await healthy(server)
    assert not [line for line in server.said if "Traceback" in line or "unhandled error" in line]


async def grown(load: Load, answers: list[str]) -> None:
    """Wait until there are many more of these answers."""
    enough = len(answers) + 10 * CALLERS
    async with asyncio.timeout(RECOVERY_SECONDS):
        for pause in repeat(0.05):
            assert load.wrong == {}
            if len(answers) >= enough:
                return
            await asyncio.sleep(pause)


def stored_keys(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        counted = connection.execute(
            "select sum(used) from usage_counters join meters m on m.id = meter_id where m.key <> 'seats'"
        ).fetchone()
        events = connection.execute(
            "select idempotency_key from usage_events join meters m on m.id = meter_id where m.key <> 'seats'"
        )
        stored = [row[0] for row in events]
    assert counted == (len(stored),)
    return stored


async def healthy(server: LiveServer) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client, asyncio.timeout(RECOVERY_SECONDS):
        for pause in repeat(0.2):
            if (await client.get("/health")).json()["status"] == "ok":
                return
            await asyncio.sleep(pause)
