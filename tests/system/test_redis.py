"""Redis is killed and comes back while two processes are under load: no call fails, and the limits hold as stated.

Stated is: with Redis there, no more than the limit of all processes together; whatever becomes of it, no more than the
limit of each. A customer who keeps to the limit is never refused.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from live_server import LiveServer
from redis_server import Redis

WORKERS = 2
PER_MINUTE = 300  # of the free plan
LEFT = PER_MINUTE - 1  # making the key was the first call
TRIES = 4
BEFORE, WITHOUT, AFTER = 1.0, 2.0, 2.0


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    redis = Redis(tmp_path)
    redis.start()
    yield redis
    redis.kill()


@pytest.fixture
def server(tmp_path: Path, redis: Redis) -> Iterator[LiveServer]:
    settings = {"TOLLKEEPER_RATE_LIMITS": "on", "REDIS_URL": redis.url}
    server = LiveServer(tmp_path / "data", workers=WORKERS, settings=settings)
    server.start()
    yield server
    server.stop()


class Load:
    """Calls with one key, each caller on a connection of its own, so that both processes get some."""

    def __init__(self, url: str, key: str) -> None:
        self._options = {"base_url": url, "headers": {"Authorization": f"Bearer {key}"}, "timeout": 20}
        self.answers: Counter[int] = Counter()
        self.stopped = asyncio.Event()

    async def run(self, callers: int, pause: float) -> None:
        await asyncio.gather(*(self._call(pause) for _ in range(callers)))

    async def _call(self, pause: float) -> None:
        async with httpx.AsyncClient(**self._options) as client:  # type: ignore[arg-type]
            while not self.stopped.is_set():
                await self.once(client)
                await asyncio.sleep(pause)

    async def once(self, client: httpx.AsyncClient) -> None:
        call = "track" if sum(self.answers.values()) % 2 else "check"
        answer = await client.post(f"/api/usage/{call}", json={"feature": "ai_tokens"})
        self.answers[answer.status_code] += 1

    async def many(self, callers: int, each: int) -> None:
        async def some() -> None:
            async with httpx.AsyncClient(**self._options) as client:  # type: ignore[arg-type]
                for _ in range(each):
                    await self.once(client)

        await asyncio.gather(*(some() for _ in range(callers)))


async def redis_is(server: LiveServer, status: str) -> None:
    """Wait until every process says so of Redis: ten answers in a row on new connections."""
    in_a_row = 0
    for _ in range(1500):
        async with httpx.AsyncClient(base_url=server.url) as client:
            report = await client.get("/health", timeout=20)
        assert report.status_code == 200
        redis = report.json()["checks"]["redis"]["status"]
        in_a_row = in_a_row + 1 if redis == status else 0
        if in_a_row == 10:
            assert report.json()["status"] == ("ok" if status == "ok" else "degraded")
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"redis is never {status}")


async def test_redis_dies_and_comes_back_under_load(server: LiveServer, redis: Redis) -> None:
    greedy = Load(server.url, server.new_key("greedy@example.com"))
    modest = Load(server.url, server.new_key("modest@example.com"))
    loads = [asyncio.create_task(greedy.run(6, 0.004)), asyncio.create_task(modest.run(4, 0.25))]
    await asyncio.sleep(BEFORE)
    redis.kill()
    await redis_is(server, "failing")
    await asyncio.sleep(WITHOUT)
    await asyncio.to_thread(redis.start)
    await redis_is(server, "ok")
    await asyncio.sleep(AFTER)
    for load in (greedy, modest):
        load.stopped.set()
    await asyncio.gather(*loads)
    assert set(greedy.answers) == {200, 429}, "not one call failed"
    assert LEFT <= greedy.answers[200] <= WORKERS * PER_MINUTE
    assert set(modest.answers) == {200}, "who keeps to the limit is never refused"

    # A Redis that stands still for longer than the time-out is gone for that moment: the limit is each process's then.
    passed: list[int] = []
    while LEFT not in passed and len(passed) < TRIES:
        late = Load(server.url, server.new_key(f"late{len(passed)}@example.com"))
        await late.many(callers=8, each=PER_MINUTE // 8 + 10)
        passed.append(late.answers[200])
        assert LEFT <= passed[-1] <= WORKERS * PER_MINUTE
    assert passed[-1] == LEFT, f"back together, the processes count exactly: {passed}"
