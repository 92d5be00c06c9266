"""Events are read in the order they became visible: nothing is skipped, nothing comes twice."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import psycopg
import pytest

from support import START, settled
from tollkeeper.infra import Runtime
from tollkeeper.kit import new_id
from tollkeeper.metering import prepare_partitions
from tollkeeper.metering.store import tail

INSERT = """
insert into usage_events (id, organization_id, meter_id, quantity, at, period_start)
select unnest(%s::uuid[]), gen_random_uuid(), 1, 1, %s, %s
"""
CHOSEN = """
insert into usage_events (id, organization_id, meter_id, quantity, at, period_start, tx)
values (%s, %s, 1, 1, %s, %s, null)
"""

OF_ANOTHER_SERVER = """
insert into usage_events (id, organization_id, meter_id, quantity, at, period_start, tx)
values (%s, gen_random_uuid(), 1, 1, %s, %s, %s)
"""


async def record(connection: psycopg.AsyncConnection, ids: Sequence[UUID]) -> None:
    await connection.execute(INSERT, (list(ids), START, START))


@pytest.fixture
async def writer(runtime: Runtime) -> AsyncIterator[psycopg.AsyncConnection]:
    async with runtime.transaction() as tx:
        await prepare_partitions(tx)
    connection = await runtime.database.connect(application="writer")
    yield connection
    await connection.close()


async def read(runtime: Runtime, name: str = "reader", most: int = 100) -> list[UUID]:
    """One turn of a reader, as every reader does it."""
    async with runtime.transaction() as tx:
        position = await tail.lock_cursor(tx, name)
        assert position is not None
        piece = await tail.read_piece(tx, position, most=most)
        await tail.move_cursor(tx, name, piece.end)
        assert len(piece.events) <= most
        return [row.id for row in piece.events]


async def read_all(runtime: Runtime, most: int) -> list[UUID]:
    found: list[UUID] = []
    await settled(runtime)
    while piece := await read(runtime, most=most):
        found += piece
    return found


async def test_what_commits_late_is_waited_for(runtime: Runtime, writer: psycopg.AsyncConnection) -> None:
    early, late = [new_id()], [new_id()]
    async with await runtime.database.connect(application="slow") as slow:
        await slow.execute("begin")
        await record(slow, early)
        await record(writer, late)
        assert await read(runtime) == []
        await slow.execute("commit")
    await settled(runtime)
    assert await read(runtime) == [*early, *late]
    assert await read(runtime) == []


async def test_what_is_rolled_back_holds_nothing_up(runtime: Runtime, writer: psycopg.AsyncConnection) -> None:
    late = [new_id()]
    async with await runtime.database.connect(application="slow") as slow:
        await slow.execute("begin")
        await record(slow, [new_id()])
        await record(writer, late)
        await slow.execute("rollback")
    await settled(runtime)
    assert await read(runtime) == late


@pytest.mark.parametrize("most", [1, 2, 7, 1000])
async def test_pieces_of_any_size_hold_each_event_once(
    runtime: Runtime, writer: psycopg.AsyncConnection, most: int
) -> None:
    batches = [[new_id() for _ in range(size)] for size in (1, 5, 3, 1, 1, 9)]
    for batch in batches:
        await writer.execute("begin")
        await record(writer, batch[::-1])
        await writer.execute("commit")
    assert await read_all(runtime, most) == [each for batch in batches for each in batch]


async def test_events_from_before_transactions_were_kept_come_first(
    runtime: Runtime, writer: psycopg.AsyncConnection
) -> None:
    new = [new_id()]
    await record(writer, new)
    old = [new_id() for _ in range(5)]
    for each in old:
        await writer.execute(CHOSEN, (each, each, START, START))
    assert await read_all(runtime, 2) == [*old, *new]


async def test_numbers_of_transactions_beyond_32_bits_and_gaps_between_them(
    runtime: Runtime, writer: psycopg.AsyncConnection
) -> None:
    """A position far behind is a matter of a few steps, and no number is too large."""
    event = [new_id()]
    await record(writer, event)
    await settled(runtime)
    async with runtime.transaction() as tx:
        with pytest.raises(tail.OtherServerError):
            await tail.next_span(tx, tail.Position(1 << 40), most=10)
        span = await tail.next_span(tx, tail.Position(0), most=10)
        assert (span.count, span.reached) == (1, True)


async def test_a_cursor_has_one_holder_and_moves_with_the_work(
    runtime: Runtime, writer: psycopg.AsyncConnection
) -> None:
    await record(writer, [new_id()])
    await settled(runtime)
    assert len(await read(runtime)) == 1
    async with runtime.transaction() as tx:
        position = await tail.lock_cursor(tx, "reader")
        assert position is not None
        async with runtime.transaction() as other:
            assert await tail.lock_cursor(other, "reader") is None
            assert await tail.lock_cursor(other, "another") == tail.BEFORE_ALL
        await tail.move_cursor(tx, "reader", position)
        async with runtime.transaction() as other:
            assert await tail.lock_cursor(other, "reader") is None
    with pytest.raises(ZeroDivisionError):
        await move_and_fail(runtime)
    await record(writer, [new_id()])
    await settled(runtime)
    assert len(await read(runtime)) == 1


async def move_and_fail(runtime: Runtime) -> None:
    async with runtime.transaction() as tx:
        await tail.lock_cursor(tx, "reader")
        await tail.move_cursor(tx, "reader", tail.Position(1 << 50))
        raise ZeroDivisionError


@pytest.mark.usefixtures("writer")
async def test_readers_beside_writers_see_each_event_once(runtime: Runtime) -> None:
    written: list[UUID] = []

    async def write() -> None:
        async with await runtime.database.connect(application="one of many") as connection:
            for size in (3, 1, 4, 1, 5):
                ids = [new_id() for _ in range(size)]
                await connection.execute("begin")
                await record(connection, ids)
                await asyncio.sleep(0)
                await connection.execute("commit")
                written.extend(ids)

    found: list[UUID] = []

    async def follow() -> None:
        while len(found) < 4 * 14:
            found.extend(await read(runtime, most=3))

    await asyncio.wait_for(asyncio.gather(follow(), *(write() for _ in range(4))), 60)
    assert sorted(found) == sorted(written)


async def test_events_of_a_dump_restored_on_another_server(runtime: Runtime, writer: psycopg.AsyncConnection) -> None:
    """There transactions count from the beginning again, and readers stand where they stood."""
    ahead = new_id()
    await writer.execute(OF_ANOTHER_SERVER, (ahead, START, START, 1 << 40))
    handled, waiting = [new_id() for _ in range(2)], [new_id() for _ in range(3)]
    for each in handled:
        await record(writer, [each])
    async with runtime.transaction() as tx:
        for name, event_id, number in (("far", handled[1], 1 << 41), ("near", ahead, 1 << 40)):
            await tail.lock_cursor(tx, name)
            await tail.move_cursor(tx, name, tail.Position(number, event_id))
    shift = "update usage_events set tx = tx + %s where id = any(%s)"
    await writer.execute(shift, ((1 << 41) - 1_000_000, handled))
    for each in waiting:
        await writer.execute(OF_ANOTHER_SERVER, (each, START, START, 1 << 42))
    with pytest.raises(tail.OtherServerError):
        await read(runtime, "far")
    async with runtime.transaction() as tx:
        await tail.renumber(tx)
    later = new_id()
    await record(writer, [later])
    await settled(runtime)
    assert await read(runtime, "far") == [*waiting, later]
    assert await read(runtime, "near") == [*handled, *waiting, later]
    assert await read(runtime, "a new one") == [ahead, *handled, *waiting, later]
