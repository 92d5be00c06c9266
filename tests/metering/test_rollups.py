"""Usage by the hour is what the events come to, whatever was rolled up already, corrected since, or cut by the span."""

import asyncio
from datetime import timedelta
from random import Random

import psycopg
import pytest

from support import settled
from tollkeeper.infra import Runtime
from tollkeeper.metering import Aggregation, Bucket, history
from tollkeeper.metering.rolling import keep_rolled_up, roll_up, rollup_lag

from .ledger import DAY, ORGANIZATION, Ledger, ledger_of, order_of, turn


async def compare(runtime: Runtime, ledger: Ledger) -> None:
    spans = [
        (DAY, DAY + timedelta(days=3)),
        (DAY + timedelta(hours=5, minutes=20), DAY + timedelta(hours=5, minutes=50)),
        (DAY + timedelta(hours=2, minutes=59, seconds=1), DAY + timedelta(days=2, minutes=1)),
    ]
    for start, end in spans:
        for bucket in Bucket:
            for split, only in ((False, None), (True, None), (True, ["large"]), (False, ["small", "large"])):
                async with runtime.transaction() as tx:
                    found = await history(
                        tx,
                        ORGANIZATION,
                        ledger.meter.id,
                        start=start,
                        end=end,
                        bucket=bucket,
                        group_by=("usage.model",) if split else (),
                        filters={"usage.model": only} if only else {},
                    )
                assert sorted(found, key=order_of) == ledger.expected(start, end, bucket, split=split, only=only)


@pytest.mark.parametrize("aggregation", Aggregation)
async def test_history_is_exact_at_every_stage_of_rolling_up(
    runtime: Runtime, connection: psycopg.AsyncConnection, aggregation: Aggregation
) -> None:
    ledger = await ledger_of(runtime, connection, aggregation, seed=list(Aggregation).index(aggregation))
    await ledger.record(40)
    await compare(runtime, ledger)
    await turn(runtime, 23)
    await compare(runtime, ledger)
    for most in (7, 100, 1, 30):
        for _ in range(6):
            await ledger.correct()
        await ledger.record(10)
        await compare(runtime, ledger)
        await turn(runtime, most)
        await compare(runtime, ledger)
    while await turn(runtime, 50):
        pass
    await compare(runtime, ledger)


async def test_a_correction_with_an_earlier_transaction_than_its_event(
    runtime: Runtime, connection: psycopg.AsyncConnection
) -> None:
    """A transaction sees what others committed after it began to write: the order of numbers is not that of causes."""
    ledger = await ledger_of(runtime, connection, Aggregation.SUM, seed=1)
    early = Ledger(await runtime.database.connect(application="early"), ledger.meter, Random(2), ledger.facts)
    async with early.connection:
        await early.connection.execute("begin")
        await early.connection.execute("select pg_current_xact_id()")
        await ledger.record(1)
        await early.correct()
        await early.connection.execute("commit")
    await compare(runtime, ledger)
    assert await turn(runtime, 1) == 1
    await compare(runtime, ledger)
    assert await turn(runtime, 1) == 1
    await compare(runtime, ledger)


async def test_how_far_behind_it_is(runtime: Runtime, connection: psycopg.AsyncConnection) -> None:
    async with runtime.transaction() as tx:
        assert await rollup_lag(tx) == timedelta()
    ledger = await ledger_of(runtime, connection, Aggregation.SUM, seed=1)
    await ledger.record(1)
    await settled(runtime)
    async with runtime.transaction() as tx:
        assert await rollup_lag(tx) > timedelta()
    await turn(runtime, 10)
    async with runtime.transaction() as tx:
        assert await rollup_lag(tx) == timedelta()


async def test_what_waits_for_a_transaction_from_before_waits(
    runtime: Runtime, connection: psycopg.AsyncConnection
) -> None:
    ledger = await ledger_of(runtime, connection, Aggregation.SUM, seed=1)
    early = await runtime.database.connect(application="early")
    async with early:
        await early.execute("begin")
        await early.execute("select pg_current_xact_id()")
        await ledger.record(1)
        async with runtime.transaction() as tx:
            span = await roll_up(tx)
            assert span is not None
            assert (span.count, span.reached) == (0, True)
            assert await rollup_lag(tx) > timedelta()
        await early.execute("commit")
    assert await turn(runtime, 10) == 1
    async with runtime.transaction() as tx:
        assert await rollup_lag(tx) == timedelta()


async def test_one_process_rolls_up_at_a_time(runtime: Runtime, connection: psycopg.AsyncConnection) -> None:
    ledger = await ledger_of(runtime, connection, Aggregation.SUM, seed=1)
    await ledger.record(3)
    await turn(runtime, 1)
    async with runtime.transaction() as tx, runtime.transaction() as other:
        assert await roll_up(tx) is not None
        assert await roll_up(other) is None
    await compare(runtime, ledger)


async def test_two_processes_keep_it_up_until_they_are_stopped(
    runtime: Runtime, connection: psycopg.AsyncConnection
) -> None:
    ledger = await ledger_of(runtime, connection, Aggregation.SUM, seed=1)
    keepers = [asyncio.create_task(keep_rolled_up(runtime)) for _ in range(2)]
    for _ in range(2):
        await ledger.record(20)
        for _ in range(1000):
            if await rolled(connection) == len(ledger.facts):
                break
            await asyncio.sleep(0.05)
    for each in keepers:
        each.cancel()
    await asyncio.gather(*keepers, return_exceptions=True)
    assert await rolled(connection) == len(ledger.facts)
    await compare(runtime, ledger)


async def rolled(connection: psycopg.AsyncConnection) -> int:
    row = await (await connection.execute("select coalesce(sum(events), 0) from usage_hours")).fetchone()
    assert row is not None
    return int(row[0])
