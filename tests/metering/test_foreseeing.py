"""Deciding before asking is as exact as asking: whatever somebody else moved is noticed before anything counts."""

import asyncio
import random
from collections.abc import Sequence
from uuid import UUID

import psycopg
import pytest

from support import START
from tollkeeper.infra import Runtime
from tollkeeper.metering import (
    Consumption,
    CounterKey,
    Foresight,
    Limit,
    NotAsForeseenError,
    Outcome,
    Verdict,
    consume,
    counters_replay,
    define_meter,
    prepare_partitions,
    read_counters,
)

HARD = Limit(1000, hard=True, thresholds=())


@pytest.fixture
async def meter_id(runtime: Runtime) -> int:
    async with runtime.transaction() as tx:
        await prepare_partitions(tx)
        return (await define_meter(tx, "prompts", event_type="prompts", unit="prompt")).id


def take(meter_id: int, count: int = 1, *, of: int = 7, key: str | None = None, limit: Limit = HARD) -> Consumption:
    return Consumption(CounterKey(UUID(int=of), meter_id, START), count, limit, START, key)


class Writer:
    """Commits batches as the gate does: foreseen ones, and again the usual way after a miss."""

    def __init__(self, connection: psycopg.AsyncConnection[object]) -> None:
        self.connection = connection
        self.foresight = Foresight()
        self.misses = 0
        self.hits = 0

    async def commit(self, *requests: Consumption) -> Sequence[Outcome]:
        foreseen = self.foresight.foresee(requests)
        if foreseen is not None:
            try:
                await self.foresight.commit(self.connection, foreseen)
            except NotAsForeseenError:
                self.misses += 1
            else:
                self.hits += 1
                return foreseen.outcomes
        async with self.connection.transaction():
            outcomes, _, counters = await consume(self.connection, requests, START)
        self.foresight.remember(counters)
        return outcomes


async def test_what_another_moved_is_noticed_and_nothing_counts_twice(runtime: Runtime, meter_id: int) -> None:
    async with (
        await runtime.database.connect(application="a") as a,
        await runtime.database.connect(application="b") as b,
    ):
        first, second = Writer(a), Writer(b)
        assert [each.used for each in await first.commit(take(meter_id), take(meter_id, 2))] == [1, 3]
        assert [each.used for each in await first.commit(take(meter_id))] == [4]
        assert [each.used for each in await second.commit(take(meter_id, 6))] == [10]
        assert (first.misses, second.misses, first.hits) == (0, 0, 1)
        assert [each.used for each in await first.commit(take(meter_id))] == [11]
        assert first.misses == 1
        found = await read_counters(a, [take(meter_id).counter])
    assert [each.used for each in found.values()] == [11]
    async with runtime.transaction() as tx:
        assert not await counters_replay(tx)


async def test_a_repeated_key_is_found_though_nobody_looked_for_it(runtime: Runtime, meter_id: int) -> None:
    async with await runtime.database.connect(application="a") as connection:
        writer = Writer(connection)
        await writer.commit(take(meter_id, key="one"))
        outcomes = await writer.commit(take(meter_id), take(meter_id, key="one"), take(meter_id, key="two"))
    assert writer.misses == 1
    assert [each.verdict for each in outcomes] == [Verdict.ADMITTED, Verdict.REPEATED, Verdict.ADMITTED]
    assert outcomes[-1].used == 3


async def test_a_limit_is_never_passed_and_always_reached_by_many_writers(runtime: Runtime, meter_id: int) -> None:
    """Four writers, three counters, batches of every size; half of what they want is beyond the limits."""
    chance = random.Random(4)
    limit = Limit(60, hard=True)
    wanted = [[(chance.randint(1, 3), chance.randint(1, 3)) for _ in range(40)] for _ in range(4)]

    async def work(writer: Writer, steps: list[tuple[int, int]]) -> int:
        taken = 0
        for start in range(0, len(steps), 5):
            batch = [take(meter_id, count, of=of, limit=limit) for of, count in steps[start : start + 5]]
            for request, outcome in zip(batch, await writer.commit(*batch), strict=True):
                taken += request.quantity if outcome.verdict is Verdict.ADMITTED else 0
        return taken

    connections = [await runtime.database.connect(application=f"w{n}") for n in range(4)]
    try:
        async with connections[0].transaction():
            await consume(connections[0], [take(meter_id, of=of, limit=limit) for of in (1, 2, 3)], START)
        writers = [Writer(each) for each in connections]
        taken = await asyncio.gather(*(work(w, steps) for w, steps in zip(writers, wanted, strict=True)))
        counters = await read_counters(connections[0], [take(meter_id, of=of).counter for of in (1, 2, 3)])
    finally:
        for each in connections:
            await each.close()
    used = [each.used for each in counters.values()]
    assert sum(used) == sum(taken) + 3
    # Nothing of one unit was refused while one was left; what was refused was larger than what was left.
    assert all(58 <= each <= 60 for each in used)
    async with runtime.transaction() as tx:
        assert not await counters_replay(tx)


async def test_after_a_miss_it_rests_longer_and_longer(runtime: Runtime, meter_id: int) -> None:
    async with (
        await runtime.database.connect(application="a") as a,
        await runtime.database.connect(application="b") as b,
    ):
        writer = Writer(a)
        rounds = 40
        for _ in range(rounds):
            await writer.commit(take(meter_id))
            async with b.transaction():
                await consume(b, [take(meter_id)], START)
        found = await read_counters(a, [take(meter_id).counter])
    assert [each.used for each in found.values()] == [2 * rounds]
    assert 1 <= writer.misses <= 6
