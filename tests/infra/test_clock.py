"""The clock that all processes of a trial system share."""

import asyncio
from datetime import UTC, datetime, timedelta

from tollkeeper.infra import Runtime, Sought, clock_offset, follow_clock, load_clock, move_clock, search_trail
from tollkeeper.kit import FixedClock, MovableClock

MONTH = timedelta(days=31)
AT = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def test_a_moved_clock_goes_on_from_where_it_stands() -> None:
    base = FixedClock(AT)
    clock = MovableClock(base)
    clock.offset = MONTH
    assert clock.now() == AT + MONTH
    base.advance(timedelta(seconds=5))
    assert clock.now() == AT + MONTH + timedelta(seconds=5)
    assert clock.wall() == AT + timedelta(seconds=5)


async def test_a_move_is_kept_for_processes_that_start_later(runtime: Runtime) -> None:
    runtime.clock = clock = MovableClock(FixedClock(AT))
    async with runtime.transaction() as tx:
        assert await clock_offset(tx) == timedelta()
        await move_clock(tx, MONTH)
    assert clock.now() == AT + MONTH
    async with runtime.transaction() as tx:
        await move_clock(tx, MONTH)  # it stands there already
        (moved,) = (await search_trail(tx, Sought(action="clock.moved"))).data
    assert (moved.before, moved.after) == ({"seconds_ahead": 0}, {"seconds_ahead": 31 * 86_400})
    runtime.clock = later = MovableClock(FixedClock(AT))
    await load_clock(runtime)
    assert later.now() == AT + MONTH


async def test_a_process_hears_that_another_moved_the_clock(runtime: Runtime) -> None:
    runtime.clock = ours = MovableClock(FixedClock(AT))
    following = asyncio.create_task(follow_clock(runtime))
    await asyncio.sleep(0.3)  # it listens by now
    runtime.clock = MovableClock(FixedClock(AT))
    async with runtime.transaction() as tx:
        await move_clock(tx, MONTH)
    runtime.clock = ours
    async with asyncio.timeout(10):
        while ours.now() != AT + MONTH:  # noqa: ASYNC110 - nothing tells when a clock was set
            await asyncio.sleep(0.02)
    following.cancel()


async def test_a_clock_that_cannot_be_moved_is_left_alone(runtime: Runtime) -> None:
    runtime.clock = FixedClock(AT)
    async with runtime.transaction() as tx:
        await move_clock(tx, MONTH)
    await load_clock(runtime)
    await follow_clock(runtime)
    assert runtime.clock.now() == AT
