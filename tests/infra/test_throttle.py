"""Rate limits: the same promises in memory and in Redis, and what happens when Redis goes away."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redis_server import Redis
from tollkeeper.infra import LocalThrottle, Rate, Throttle, Verdict
from tollkeeper.infra.throttle import shared
from tollkeeper.infra.throttle.shared import TIMEOUT_SECONDS, SharedThrottle

START = 1_000_000.0
PATIENT_SECONDS = 10.0  # where Redis is not to be given up because the machine stands still for a moment


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Clock:
    return Clock()


@pytest.fixture
def redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    monkeypatch.setattr(shared, "TIMEOUT_SECONDS", PATIENT_SECONDS)
    redis = Redis(tmp_path)
    redis.start()
    yield redis
    redis.kill()


@pytest.fixture(params=["memory", "redis"])
async def limiter(request: pytest.FixtureRequest, seconds: Clock) -> AsyncIterator[Throttle]:
    limiter: Throttle = LocalThrottle(seconds)
    if request.param == "redis":
        redis: Redis = request.getfixturevalue("redis")
        limiter = SharedThrottle(redis.url, seconds)
    yield limiter
    await limiter.close()


def ada(per_minute: int, name: str = "default") -> Rate:
    return Rate("ada", per_minute, name)


async def until(condition: object, verdicts: SharedThrottle) -> None:
    """Wait until the throttle thinks so of Redis, ten seconds at most."""
    for _ in range(500):
        if verdicts.is_gone is condition:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"is_gone is not {condition}")


async def test_so_many_and_no_more(limiter: Throttle) -> None:
    verdicts = [await limiter.hit(ada(5)) for _ in range(7)]
    assert [verdict.allowed for verdict in verdicts] == [True] * 5 + [False] * 2
    assert [verdict.remaining for verdict in verdicts] == [4, 3, 2, 1, 0, 0, 0]
    assert all(verdict == Verdict(verdict.allowed, 5, verdict.remaining, 61, "default") for verdict in verdicts)


async def test_calls_at_once_are_counted_one_by_one(limiter: Throttle) -> None:
    verdicts = await asyncio.gather(*(limiter.hit(ada(5)) for _ in range(7)))
    assert [verdict.allowed for verdict in verdicts] == [True] * 5 + [False] * 2
    assert [verdict.remaining for verdict in verdicts] == [4, 3, 2, 1, 0, 0, 0]


async def test_a_refused_caller_is_told_when_one_more_fits(limiter: Throttle, seconds: Clock) -> None:
    for late in (0.0, 7.25, 7.5):
        seconds.now = START + late
        assert (await limiter.hit(ada(3))).allowed
    seconds.now = START + 30.5
    assert await limiter.hit(ada(3)) == Verdict(False, 3, 0, 31, "default")
    seconds.now = START + 60.999
    assert not (await limiter.hit(ada(3))).allowed
    seconds.now = START + 61
    passes = await limiter.hit(ada(3))
    assert passes == Verdict(True, 3, 0, 7, "default"), "the two of the eighth second are next"
    seconds.now = START + 68
    assert [(await limiter.hit(ada(3))).allowed for _ in range(3)] == [True, True, False]


async def test_a_limit_that_became_smaller_is_waited_for(limiter: Throttle, seconds: Clock) -> None:
    for late in range(4):
        seconds.now = START + late
        assert (await limiter.hit(ada(4))).allowed
    assert (await limiter.hit(ada(2))).reset_after == 2 + 61 - 3, "three calls have to go before one of two fits"


async def test_callers_are_counted_apart(limiter: Throttle) -> None:
    found = [(await limiter.hit(Rate(name, 1))).allowed for name in ("ada", "eve", "ada", "eve")]
    assert found == [True, True, False, False]


async def test_a_call_passes_all_its_limits_or_counts_against_none(limiter: Throttle) -> None:
    both = (Rate("org", 10), Rate("key", 2, "key"))
    verdicts = [await limiter.hit(*both) for _ in range(4)]
    assert [(verdict.allowed, verdict.name, verdict.remaining) for verdict in verdicts] == [
        (True, "key", 1),
        (True, "key", 0),
        (False, "key", 0),
        (False, "key", 0),
    ]
    assert (await limiter.hit(both[0])).remaining == 7, "refused calls were not counted against the other limit"


async def test_of_two_limits_in_the_way_the_longer_one_is_told(limiter: Throttle, seconds: Clock) -> None:
    slow, quick = Rate("slow", 1, "slow"), Rate("quick", 1, "quick")
    assert (await limiter.hit(quick)).allowed
    seconds.now += 10
    assert (await limiter.hit(slow)).allowed
    assert await limiter.hit(quick, slow) == Verdict(False, 1, 0, 61, "slow")


async def test_a_clock_that_goes_back_gives_nothing(limiter: Throttle, seconds: Clock) -> None:
    assert (await limiter.hit(ada(2))).allowed
    seconds.now -= 5
    assert [(await limiter.hit(ada(2))).allowed for _ in range(2)] == [True, False]


async def test_nothing_is_wrong_while_it_works(limiter: Throttle) -> None:
    assert await limiter.problem() is None


LATE = st.one_of(
    st.sampled_from([0.0, 0.001, 0.999, 1.0, 20.0, 40.0, 59.5, 60.0, 60.001, 61.0]),
    st.integers(0, 280).map(lambda n: n / 4),
)
CALLS = st.lists(st.tuples(LATE, st.sampled_from(["ada", "eve"]), st.integers(1, 3)), max_size=60)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=st.integers(1, 6), calls=CALLS)
async def test_never_more_in_any_minute_and_never_needlessly_fewer(
    limiter: Throttle, seconds: Clock, limit: int, calls: list[tuple[float, str, int]]
) -> None:
    seconds.now += 1000  # what an earlier example has counted is gone
    passed: dict[str, list[float]] = {"ada": [], "eve": []}
    for later, who, times in calls:
        seconds.now += later
        for verdict in await asyncio.gather(*(limiter.hit(Rate(who, limit)) for _ in range(times))):
            now, before = seconds.now, passed[who]
            within_a_minute = sum(moment > now - 60 for moment in before)
            counted = sum(moment > now - 61 for moment in before)
            if verdict.allowed:
                assert within_a_minute < limit, "one more than the limit within sixty seconds"
                before.append(now)
            else:
                assert counted >= limit, "refused although fewer were made within sixty-one seconds"
            assert within_a_minute + verdict.allowed <= limit - verdict.remaining <= counted + verdict.allowed
            assert verdict.limit == limit
            assert 1 <= verdict.reset_after <= 61


async def test_two_processes_share_one_allowance(redis: Redis) -> None:
    one, two = SharedThrottle(redis.url), SharedThrottle(redis.url)
    verdicts = [await each.hit(ada(4)) for _ in range(3) for each in (one, two)]
    assert [verdict.allowed for verdict in verdicts] == [True] * 4 + [False] * 2
    await one.close()
    await two.close()


async def test_a_thousand_calls_at_once_by_two_processes_are_counted_exactly(redis: Redis) -> None:
    one, two = SharedThrottle(redis.url), SharedThrottle(redis.url)
    rates = [(Rate("org", 700), Rate(f"key{number % 5}", 150, "key")) for number in range(1000)]
    verdicts = await asyncio.gather(*((one if number % 2 else two).hit(*rates[number]) for number in range(1000)))
    assert sum(verdict.allowed for verdict in verdicts) == 700
    await one.close()
    await two.close()


async def test_without_redis_each_process_counts_and_says_so(redis: Redis) -> None:
    limiter = SharedThrottle(redis.url)
    assert (await limiter.hit(ada(3))).remaining == 2
    redis.kill()
    assert [(await limiter.hit(ada(3))).allowed for _ in range(3)] == [True, True, False], "what it let through counts"
    assert await limiter.problem() == "not reachable; rate limits are counted by each process"
    redis.start()
    await until(False, limiter)
    assert await limiter.problem() is None
    assert not (await limiter.hit(ada(3))).allowed, "Redis forgot, this process did not"
    assert (await limiter.hit(Rate("eve", 3))).remaining == 2
    await limiter.close()


async def test_whatever_becomes_of_redis_a_process_never_lets_more_through(redis: Redis) -> None:
    processes = [SharedThrottle(redis.url) for _ in range(2)]
    passed = 0
    for change in (redis.kill, redis.start, redis.kill, redis.start):
        verdicts = await asyncio.gather(*(each.hit(ada(50)) for each in processes for _ in range(20)))
        passed += sum(verdict.allowed for verdict in verdicts)
        change()
    for each in processes:
        verdicts = await asyncio.gather(*(each.hit(ada(50)) for _ in range(60)))
        passed += sum(verdict.allowed for verdict in verdicts)
    assert passed == 2 * 50
    for each in processes:
        await each.close()


async def test_a_limit_that_needs_redis_is_closed_without_it(redis: Redis) -> None:
    limiter = SharedThrottle(redis.url)
    login = Rate("login", 5, "auth", needs_redis=True)
    assert (await limiter.hit(login)).allowed
    redis.kill()
    refused = await limiter.hit(ada(5), login)
    assert (refused.allowed, refused.closed, refused.name) == (False, True, "auth")
    assert (await limiter.hit(ada(5))).remaining == 4, "closed for one kind of calls only"
    redis.start()
    await until(False, limiter)
    assert (await limiter.hit(login)).allowed
    await limiter.close()


async def test_a_redis_that_hangs_costs_one_call_its_time_out_and_the_others_nothing(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "TIMEOUT_SECONDS", TIMEOUT_SECONDS)
    limiter = SharedThrottle(redis.url)
    assert (await limiter.hit(ada(1000))).allowed
    assert redis.process is not None
    redis.process.send_signal(signal.SIGSTOP)
    assert (await limiter.hit(ada(1000))).allowed
    assert limiter.is_gone
    told: list[Verdict] = []
    for _ in range(100):
        limiter.take((ada(1000),), told.append)
    assert len(told) == 100, "told without waiting for anything"
    redis.process.send_signal(signal.SIGCONT)
    await until(False, limiter)
    await limiter.close()


async def test_a_redis_that_refuses_to_count_is_as_good_as_gone(redis: Redis) -> None:
    limiter = SharedThrottle(redis.url)
    assert (await limiter.hit(ada(5))).allowed
    await limiter._redis.config_set("maxmemory", "1")
    assert [(await limiter.hit(ada(5))).allowed for _ in range(5)] == [True] * 4 + [False]
    assert limiter.is_gone
    await asyncio.sleep(1.2)
    assert limiter.is_gone, "a sign of life is not enough"
    await limiter._redis.config_set("maxmemory", "0")
    await until(False, limiter)
    await limiter.close()


async def test_what_waits_is_answered_before_the_end(redis: Redis) -> None:
    limiter = SharedThrottle(redis.url)
    told: list[Verdict] = []
    limiter.take((ada(5),), told.append)
    await limiter.close()
    assert [verdict.allowed for verdict in told] == [True]


async def test_one_callers_trouble_is_not_the_others(redis: Redis) -> None:
    limiter = SharedThrottle(redis.url)

    def fail(_: Verdict) -> None:
        raise RuntimeError("gone home")

    limiter.take((ada(5),), fail)
    assert (await limiter.hit(ada(5))).remaining == 3
    await limiter.close()
