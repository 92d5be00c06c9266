"""Rate limits: the same promises in memory and in Redis, and what happens when Redis goes away."""

import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tollkeeper.infra import LocalThrottle, SharedThrottle, Throttle, throttle

START_SECONDS = 10.0


class Redis:
    """A Redis server of our own on a free port."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("no redis-server; install it with `apt-get install redis-server`")
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        self._process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)  # noqa: S603 - our own server
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("redis-server did not start")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    redis = Redis(tmp_path)
    redis.start()
    yield redis
    redis.kill()


@pytest.fixture(params=["memory", "redis"])
async def limiter(request: pytest.FixtureRequest) -> AsyncIterator[Throttle]:
    limiter: Throttle = LocalThrottle()
    if request.param == "redis":
        redis: Redis = request.getfixturevalue("redis")
        limiter = SharedThrottle(redis.url)
    yield limiter
    await limiter.close()


async def test_so_many_and_no_more(limiter: Throttle) -> None:
    verdicts = [await limiter.hit("ada", 5) for _ in range(7)]
    assert [verdict.allowed for verdict in verdicts] == [True] * 5 + [False] * 2
    assert [verdict.remaining for verdict in verdicts[:5]] == [4, 3, 2, 1, 0]
    assert all(verdict.limit == 5 and 1 <= verdict.reset_after <= 120 for verdict in verdicts)


@pytest.mark.parametrize(("early", "moment", "wait"), [(4, 30.0, 15), (5, 50.0, 10), (0, 50.0, 22), (1, 59.5, 1)])
async def test_a_refused_caller_is_told_when_one_more_fits(
    monkeypatch: pytest.MonkeyPatch, early: int, moment: float, wait: int
) -> None:
    """`early` calls in one minute, the rest `moment` seconds into the next; as soon as told one more passes."""
    limiter = LocalThrottle()
    clock = [600.0]
    monkeypatch.setattr("tollkeeper.infra.throttle.time.time", lambda: clock[0])
    for _ in range(early):
        assert (await limiter.hit("ada", 5)).allowed
    clock[0] = 660.0 + moment
    while (verdict := await limiter.hit("ada", 5)).allowed:
        pass
    assert verdict.reset_after == wait
    clock[0] += wait
    assert (await limiter.hit("ada", 5)).allowed


async def test_callers_are_counted_apart(limiter: Throttle) -> None:
    assert [(await limiter.hit(name, 1)).allowed for name in ("ada", "eve", "ada", "eve")] == [True, True, False, False]


async def test_nothing_is_wrong_while_it_works(limiter: Throttle) -> None:
    assert await limiter.problem() is None


async def test_two_processes_share_one_allowance(redis: Redis) -> None:
    one, two = SharedThrottle(redis.url), SharedThrottle(redis.url)
    verdicts = [await each.hit("ada", 4) for _ in range(3) for each in (one, two)]
    assert [verdict.allowed for verdict in verdicts] == [True] * 4 + [False] * 2
    await one.close()
    await two.close()


async def test_without_redis_each_process_counts_and_says_so(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    limiter = SharedThrottle(redis.url)
    assert (await limiter.hit("ada", 2)).remaining == 1
    redis.kill()
    assert [(await limiter.hit("ada", 2)).allowed for _ in range(3)] == [True, True, False]
    assert await limiter.problem() == "not reachable; limits are counted per process"
    redis.start()
    monkeypatch.setattr(throttle, "REDIS_RETRY_SECONDS", 0.0)
    limiter._ask_again_at = 0.0
    assert (await limiter.hit("ada", 2)).remaining == 1, "back in Redis, which forgot"
    assert await limiter.problem() is None
    await limiter.close()
