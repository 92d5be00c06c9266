"""How the parts of the service were: written down once whoever looks, never where nobody looked, and not for ever."""

import asyncio
from datetime import timedelta

from tollkeeper.infra import Observation, Runtime, UptimeSpan, forget_uptime, note_states, run_job, spans_since
from tollkeeper.infra.uptime.rules import LONGEST_GAP, LOOK_EVERY
from tollkeeper.infra.uptime.service import KEPT
from tollkeeper.kit import FixedClock

BOTH = {"pages": "works", "mails": "works"}


async def looked(runtime: Runtime, **states: str) -> bool:
    async with runtime.transaction(of_all=True) as tx:
        return await note_states(tx, [Observation(tx.now, states or BOTH)])


async def spans(runtime: Runtime, part: str = "pages") -> list[UptimeSpan]:
    async with runtime.transaction(of_all=True) as tx:
        return [each for each in await spans_since(tx, tx.now - timedelta(days=400)) if each.part == part]


async def test_what_goes_on_is_one_span_and_a_change_begins_the_next(runtime: Runtime, clock: FixedClock) -> None:
    begun = clock.now()
    for state in ("works", "works", "down", "down", "works"):
        await looked(runtime, pages=state, mails="works")
        clock.advance(LOOK_EVERY)
    found = [(each.state, each.since - begun, each.until - begun) for each in await spans(runtime)]
    minute = timedelta(minutes=1)
    assert found == [
        ("works", 0 * minute, 1 * minute),
        ("down", 1 * minute, 3 * minute),
        ("works", 3 * minute, 4 * minute),
    ]
    assert len(await spans(runtime, "mails")) == 1


async def test_where_nobody_looked_lies_no_span(runtime: Runtime, clock: FixedClock) -> None:
    await looked(runtime)
    clock.advance(LONGEST_GAP)
    await looked(runtime)
    clock.advance(LONGEST_GAP + timedelta(seconds=1))
    await looked(runtime)
    first, second = await spans(runtime)
    assert second.since - first.until > LONGEST_GAP
    assert second.since == second.until


async def test_many_processes_that_look_at_once_count_once(runtime: Runtime, clock: FixedClock) -> None:
    await asyncio.gather(*(looked(runtime) for _ in range(5)))
    clock.advance(LOOK_EVERY / 3)
    await looked(runtime, pages="down")  # another process, a moment later
    clock.advance(LOOK_EVERY)
    await asyncio.gather(*(looked(runtime) for _ in range(5)))
    [span] = await spans(runtime)
    assert span.until - span.since == LOOK_EVERY / 3 + LOOK_EVERY


async def test_only_one_writes_at_a_time(runtime: Runtime) -> None:
    async with runtime.transaction(of_all=True) as tx:
        assert await note_states(tx, [Observation(tx.now, BOTH)])
        assert not await looked(runtime)
    assert await looked(runtime)


async def test_looks_that_waited_are_written_in_their_order(runtime: Runtime, clock: FixedClock) -> None:
    await looked(runtime)
    waited = []
    for _ in range(30):
        clock.advance(LOOK_EVERY)
        waited.append(Observation(clock.now(), {"pages": "down"}))
    for _ in range(2):  # the second process was as blind
        async with runtime.transaction(of_all=True) as tx:
            await note_states(tx, waited)
    assert [(each.state, each.until - each.since) for each in await spans(runtime)] == [
        ("works", timedelta()),
        ("down", timedelta(minutes=30)),
    ]


async def test_what_is_older_than_the_page_shows_is_forgotten(runtime: Runtime, clock: FixedClock) -> None:
    await looked(runtime)
    clock.advance(KEPT + timedelta(minutes=1))
    await looked(runtime)
    assert len(await spans(runtime)) == 2
    await run_job(runtime, forget_uptime)
    [kept] = await spans(runtime)
    assert kept.until == clock.now()
