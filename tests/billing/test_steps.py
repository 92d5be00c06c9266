"""Work in steps: each is on disk before the next, on one connection, under a lock that lasts through all of them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tollkeeper.billing.provider import held, lock
from tollkeeper.infra import Database, Runtime, Steps, Tx

COUNT = "select count(*) from steps_taken"


@pytest.fixture
async def single(runtime: Runtime) -> AsyncIterator[Runtime]:
    """A process with one connection, and a table to count in."""
    database = Database(runtime.database.url, pool_size=1, role=None)
    alone = replace(runtime, database=database)
    async with alone.transaction() as tx:
        await (await tx.raw()).execute("create table steps_taken (name text)")
        await (await tx.raw()).execute("grant all on steps_taken to public")
    yield alone
    async with alone.transaction() as tx:
        await (await tx.raw()).execute("drop table steps_taken")
    await database.close()


async def take(tx: Tx, name: str) -> None:
    await (await tx.raw()).execute("insert into steps_taken values (%s)", (name,))


async def taken(runtime: Runtime) -> int:
    async with runtime.transaction() as tx:
        found = await (await (await tx.raw()).execute(COUNT)).fetchone()
    assert found is not None
    return int(found[0])


async def test_each_step_is_kept_whatever_becomes_of_the_next(single: Runtime, runtime: Runtime) -> None:
    async with single.steps() as steps:
        async with steps.transaction() as tx:
            await take(tx, "first")
        assert await taken(runtime) == 1, "others see it"
        with pytest.raises(LookupError):
            await fail(steps)
        async with steps.transaction() as tx:
            await take(tx, "third")
    assert await taken(runtime) == 2


async def fail(steps: Steps) -> None:
    async with steps.transaction() as tx:
        await take(tx, "second")
        raise LookupError


async def test_a_lock_lasts_through_all_steps_and_no_longer(single: Runtime, runtime: Runtime) -> None:
    order: list[str] = []
    began = asyncio.Event()

    async def holder() -> None:
        async with single.steps() as steps, held(steps, "one thing"):
            for name in ("first", "second"):
                async with steps.transaction() as tx:
                    await take(tx, name)
                order.append(name)
                began.set()
                await asyncio.sleep(0.2)
            raise LookupError

    async def other() -> None:
        await began.wait()
        async with runtime.transaction() as tx:
            await lock(tx, "one thing")
            order.append("other")

    done = await asyncio.gather(holder(), other(), return_exceptions=True)
    assert [type(each) for each in done] == [LookupError, type(None)]
    assert order == ["first", "second", "other"]
    async with runtime.transaction() as tx:
        await lock(tx, "one thing")  # the connection that is back in the pool keeps none
