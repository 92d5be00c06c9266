"""Two hosts, each with a supervisor, workers and a data directory of its own, on one PostgreSQL: one service."""

import asyncio
import os
import secrets
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from live_server import LiveServer
from support import make_database
from tollkeeper.metering import NOBODY

CALLERS = 16
CALLS = 1_100
LIMIT = 1_000
OBEYED_SECONDS = 20.0
LOGIN = {"email": "hosts@example.com", "password": "kill me at any moment"}


@pytest.fixture
def database(postgres_url: str) -> str:
    return make_database(postgres_url, f"hosts_{os.getpid()}")


@pytest.fixture
def hosts(tmp_path: Path, database: str) -> Iterator[list[LiveServer]]:
    # As in production, hosts have their secrets in common; what a data directory makes up is each host's own.
    common = {
        "DATABASE_URL": database,
        "JWT_SECRET": secrets.token_hex(32),
        "JWT_REFRESH_SECRET": secrets.token_hex(32),
        "TOLLKEEPER_ENCRYPTION_KEYS": secrets.token_hex(32),
    }
    started: list[LiveServer] = []
    for name in ("first", "second"):
        host = LiveServer(tmp_path / name, workers=1, settings=common)
        host.start()
        started.append(host)
    yield started
    for host in started:
        host.stop()


class Calls:
    """So many calls by many callers, each at one of the hosts, told apart by their idempotency keys."""

    def __init__(self, hosts: list[LiveServer], key: str) -> None:
        self._hosts = hosts
        self._headers = {"Authorization": f"Bearer {key}"}
        self._names = iter(f"call-{number}" for number in range(CALLS))
        self.statuses: Counter[int] = Counter()
        self.lost: list[str] = []

    async def run(self) -> None:
        await asyncio.gather(*(self._caller(self._hosts[number % 2]) for number in range(CALLERS)))

    async def _caller(self, host: LiveServer) -> None:
        async with httpx.AsyncClient(base_url=host.url, headers=self._headers, timeout=30) as client:
            for name in self._names:
                await self.track(client, name)

    async def track(self, client: httpx.AsyncClient, name: str) -> None:
        try:
            answer = await client.post("/api/usage/track", json={"feature": "prompts", "idempotency_key": name})
        except httpx.TransportError:
            self.lost.append(name)
            return
        self.statuses[answer.status_code] += 1
        if answer.status_code == 503:
            self.lost.append(name)


async def test_two_hosts_hold_one_limit_and_one_may_die(hosts: list[LiveServer], database: str) -> None:
    first, second = hosts
    key = await asyncio.to_thread(first.new_key, LOGIN["email"])
    calls = Calls(hosts, key)
    load = asyncio.create_task(calls.run())
    while calls.statuses.total() < 200:  # noqa: ASYNC110 - under load is when so many have been answered
        await asyncio.sleep(0.01)
    await asyncio.to_thread(first.kill)
    await load
    async with httpx.AsyncClient(base_url=second.url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as client:
        for name in [*calls.lost, *(f"call-{number}" for number in range(CALLS))]:
            await calls.track(client, name)
        report = (await client.get("/health")).json()
    assert report["checks"]["gate"]["status"] == "ok"
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "select count(*), count(distinct idempotency_key) from usage_events join meters m on m.id = meter_id"
            " where m.key <> 'seats'"
        ).fetchone()
        counted = connection.execute(
            "select used from usage_counters join meters m on m.id = meter_id"
            " where m.key <> 'seats' and member_id = %s",
            [NOBODY],
        ).fetchone()
    assert (found, counted) == ((LIMIT, LIMIT), (LIMIT,))


async def test_what_one_host_is_told_the_other_obeys(hosts: list[LiveServer]) -> None:
    first, second = hosts
    key = await asyncio.to_thread(first.new_key, LOGIN["email"])
    async with (
        httpx.AsyncClient(base_url=first.url, timeout=20) as one,
        httpx.AsyncClient(base_url=second.url, headers={"Authorization": f"Bearer {key}"}, timeout=20) as other,
    ):
        assert (await other.post("/api/usage/check", json={"feature": "prompts"})).status_code == 200
        login = await one.post("/api/auth/login", json=LOGIN)
        bearer = {"Authorization": f"Bearer {login.json()['access_token']}"}
        # A token of one host is good at the other.
        async with httpx.AsyncClient(base_url=second.url, headers=bearer, timeout=20) as person:
            (listed,) = (await person.get("/api/keys")).json()["data"]
        one.cookies.clear()
        assert (await one.delete(f"/api/keys/{listed['id']}", headers=bearer)).is_success
        async with asyncio.timeout(OBEYED_SECONDS):
            # What is waited for is at the other host.
            while (await other.post("/api/usage/check", json={"feature": "prompts"})).status_code != 401:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
