"""Admission is exact: decided under lock, recorded with its counter, never counted twice."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import START
from tollkeeper.infra import Runtime
from tollkeeper.kit import new_id
from tollkeeper.metering import (
    Aggregation,
    Bucket,
    Consumption,
    CounterKey,
    Known,
    Limit,
    MeterMismatchError,
    Outcome,
    Standing,
    Verdict,
    consume,
    counters_replay,
    decide,
    define_meter,
    history,
    prepare_partitions,
    read_counters,
)

ORGANIZATION = UUID(int=7)


@pytest.fixture
async def meter_id(runtime: Runtime) -> int:
    async with runtime.transaction() as tx:
        await prepare_partitions(tx)
        return (await define_meter(tx, "prompts", event_type="prompts", unit="prompt")).id


def take(
    meter_id: int, count: int = 1, *, limit: int | None = 10, hard: bool = True, key: str | None = None
) -> Consumption:
    return Consumption(CounterKey(ORGANIZATION, meter_id, START), count, Limit(limit, hard), START, key)


async def commit(runtime: Runtime, requests: Sequence[Consumption]) -> list[Outcome]:
    async with await runtime.database.connect(application="test") as connection:
        async with connection.pipeline():
            await connection.execute("begin")
            outcomes, _, _ = await consume(connection, requests, START)
            await connection.execute("commit")
        return outcomes


async def used(runtime: Runtime, meter_id: int) -> int:
    async with await runtime.database.connect(application="test") as connection:
        key = CounterKey(ORGANIZATION, meter_id, START)
        return (await read_counters(connection, [key])).get(key, Standing()).used


async def test_a_batch_is_admitted_up_to_the_limit_in_arrival_order(runtime: Runtime, meter_id: int) -> None:
    outcomes = await commit(runtime, [take(meter_id, 6), take(meter_id, 5), take(meter_id, 4)])
    assert [each[:2] for each in outcomes] == [
        (Verdict.ADMITTED, 6),
        (Verdict.REFUSED, 6),
        (Verdict.ADMITTED, 10),
    ]
    assert await used(runtime, meter_id) == 10


async def test_an_idempotency_key_counts_once_within_and_across_batches(runtime: Runtime, meter_id: int) -> None:
    first = await commit(runtime, [take(meter_id, 2, key="a"), take(meter_id, 2, key="a"), take(meter_id, 1, key="b")])
    second = await commit(runtime, [take(meter_id, 2, key="a")])
    assert [outcome.verdict for outcome in first] == [Verdict.ADMITTED, Verdict.REPEATED, Verdict.ADMITTED]
    assert [each[:2] for each in second] == [(Verdict.REPEATED, 3)]
    assert await used(runtime, meter_id) == 3


async def test_a_refused_key_may_try_again(runtime: Runtime, meter_id: int) -> None:
    assert (await commit(runtime, [take(meter_id, 11, key="big")]))[0].verdict is Verdict.REFUSED
    assert (await commit(runtime, [take(meter_id, 11, limit=20, key="big")]))[0].verdict is Verdict.ADMITTED


async def test_soft_and_unlimited_are_never_refused(runtime: Runtime, meter_id: int) -> None:
    outcomes = await commit(runtime, [take(meter_id, 50, hard=False), take(meter_id, 50, limit=None)])
    assert [each[:2] for each in outcomes] == [(Verdict.ADMITTED, 50), (Verdict.ADMITTED, 100)]


async def test_nothing_stays_when_the_transaction_rolls_back(runtime: Runtime, meter_id: int) -> None:
    async with await runtime.database.connect(application="test") as connection:
        await connection.execute("begin")
        await consume(connection, [take(meter_id, key="k")], START)
        await connection.execute("rollback")
    assert await used(runtime, meter_id) == 0
    assert (await commit(runtime, [take(meter_id, key="k")]))[0].verdict is Verdict.ADMITTED


async def test_parallel_batches_never_pass_a_hard_limit(runtime: Runtime, meter_id: int) -> None:
    async def caller() -> int:
        admitted = 0
        async with await runtime.database.connect(application="test") as connection:
            for _ in range(30):
                async with connection.pipeline():
                    await connection.execute("begin")
                    outcomes, _, _ = await consume(connection, [take(meter_id, limit=100) for _ in range(3)], START)
                    await connection.execute("commit")
                admitted += sum(outcome.verdict is Verdict.ADMITTED for outcome in outcomes)
        return admitted

    assert sum(await asyncio.gather(*(caller() for _ in range(6)))) == 100
    assert await used(runtime, meter_id) == 100
    async with runtime.transaction() as tx:
        assert await counters_replay(tx) == []


async def test_the_replay_check_finds_a_counter_that_lies(runtime: Runtime, meter_id: int) -> None:
    await commit(runtime, [take(meter_id, 3)])
    async with await runtime.database.connect(application="test") as connection:
        await connection.execute("update usage_counters set used = 4")
    async with runtime.transaction() as tx:
        assert await counters_replay(tx) == [(CounterKey(ORGANIZATION, meter_id, START), 4, 3)]


async def test_history_sums_by_bucket(runtime: Runtime, meter_id: int) -> None:
    late = Consumption(CounterKey(ORGANIZATION, meter_id, START), 5, Limit(None), START + timedelta(hours=2))
    await commit(runtime, [take(meter_id, 1), take(meter_id, 2), late])
    async with runtime.transaction() as tx:
        day = START.replace(hour=0)
        points = await history(tx, ORGANIZATION, meter_id, start=day, end=day + timedelta(days=1), bucket=Bucket.HOUR)
    assert [(point.start.hour, point.used) for point in points] == [(12, 3), (14, 5)]


async def test_events_land_in_the_partition_of_their_month(runtime: Runtime, meter_id: int) -> None:
    await commit(runtime, [take(meter_id)])
    async with await runtime.database.connect(application="test") as connection:
        cursor = await connection.execute("select tableoid::regclass::text, id from usage_events")
        ((partition, event_id),) = await cursor.fetchall()
    assert partition == f"usage_events_{new_id_month(event_id)}"


def new_id_month(event_id: UUID) -> str:
    return f"{datetime.fromtimestamp((event_id.int >> 80) / 1000, UTC):%Y_%m}"


async def test_a_meter_keeps_its_meaning(runtime: Runtime, meter_id: int) -> None:
    async with runtime.transaction() as tx:
        assert (await define_meter(tx, "prompts", event_type="prompts", unit="prompt")).id == meter_id
        with pytest.raises(MeterMismatchError):
            await define_meter(tx, "prompts", event_type="prompts", aggregation=Aggregation.SUM, unit="token")


async def test_a_negative_counter_is_impossible(runtime: Runtime, meter_id: int) -> None:
    await commit(runtime, [take(meter_id)])
    async with await runtime.database.connect(application="test") as connection:
        with pytest.raises(psycopg.errors.CheckViolation):
            await connection.execute("update usage_counters set used = -1")


@given(
    counts=st.lists(st.tuples(st.integers(1, 9), st.sampled_from([None, "a", "b", "c"])), max_size=40),
    limit=st.integers(0, 60),
    start=st.integers(0, 30),
)
def test_deciding_never_passes_the_limit_nor_refuses_what_fits(
    counts: list[tuple[int, str | None]], limit: int, start: int
) -> None:
    key = CounterKey(ORGANIZATION, 1, START)
    requests = [Consumption(key, count, Limit(limit), START, name) for count, name in counts]
    decision = decide(requests, {key: Standing(start)}, Known(keys={(ORGANIZATION, 1, "c")}))
    standing = start
    names: set[str | None] = {"c"}
    for request, outcome in zip(requests, decision.outcomes, strict=True):
        if request.idempotency_key in names:
            assert outcome[:2] == (Verdict.REPEATED, standing)
        elif standing + request.quantity <= limit:
            standing += request.quantity
            names |= {request.idempotency_key} - {None}
            assert outcome[:2] == (Verdict.ADMITTED, standing)
        else:
            assert outcome[:2] == (Verdict.REFUSED, standing)
    assert standing <= max(limit, start)
    assert new_id() < new_id()
