"""Amended and voided events: history is kept, and counters are what the events come to, for every aggregation."""

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from support import START
from tollkeeper.infra import Runtime
from tollkeeper.kit import new_id
from tollkeeper.metering import (
    Aggregation,
    Consumption,
    Correction,
    CounterKey,
    EventRecord,
    Limit,
    LimitPassedError,
    Standing,
    Terms,
    consume,
    correct,
    counters_replay,
    define_meter,
    find_event,
    list_events,
    prepare_partitions,
    read_counters,
    replay,
)
from tollkeeper.metering.rules.further import window_start
from tollkeeper.metering.store import lock_counters
from tollkeeper.metering.tables import USAGE_GRANTS
from tollkeeper.rating import Period

ORGANIZATION = UUID(int=7)
UNLIMITED = Limit(None)
SPAN = Period(START - timedelta(days=1), START + timedelta(days=1))


class Meter:
    """One meter, with what its events should come to."""

    def __init__(self, runtime: Runtime, meter_id: int, aggregation: Aggregation) -> None:
        self.runtime = runtime
        self.aggregation = aggregation
        self.counter = CounterKey(ORGANIZATION, meter_id, START)

    async def take(self, *quantities: int, limit: Limit = UNLIMITED) -> None:
        """Count events, each a second after the one before; values repeat."""
        wanted = [
            Consumption(
                self.counter,
                quantity,
                limit,
                START + timedelta(seconds=number),
                aggregation=self.aggregation,
                value=str(quantity % 3) if self.aggregation is Aggregation.UNIQUE else None,
            )
            for number, quantity in enumerate(quantities)
        ]
        async with await self.runtime.database.connect(application="test") as connection, connection.pipeline():
            await connection.execute("begin")
            await consume(connection, wanted, START)
            await connection.execute("commit")

    async def events(self) -> list[EventRecord]:
        """Every event, oldest first."""
        async with self.runtime.transaction() as tx:
            page = await list_events(tx, ORGANIZATION, self.counter.meter_id, SPAN, cursor=None, limit=100)
        return list(reversed(page.data))

    async def correct(self, event: EventRecord, quantity: int | None, *, limit: Limit = UNLIMITED) -> list[int]:
        """Correct one; returns the thresholds it reached."""
        wanted = Correction(quantity, "a test", None)
        async with self.runtime.transaction() as tx:
            done = await correct(tx, event, wanted, limit=limit, aggregation=self.aggregation)
        assert done.counted.used == await self.used()
        return [each.percent for each in done.crossings]

    async def used(self) -> int:
        async with await self.runtime.database.connect(application="test") as connection:
            return (await read_counters(connection, [self.counter]))[self.counter].used


async def a_meter(runtime: Runtime, aggregation: Aggregation) -> Meter:
    async with runtime.transaction() as tx:
        await prepare_partitions(tx)
        meter = await define_meter(tx, "thing", event_type="thing", aggregation=aggregation)
    return Meter(runtime, meter.id, aggregation)


def expected(aggregation: Aggregation, events: list[EventRecord]) -> int:
    """What events come to, by the definition of the aggregation."""
    counting = [each for each in events if not each.newest.voided]
    quantities = [each.newest.quantity for each in counting]
    match aggregation:
        case Aggregation.SUM:
            return sum(quantities)
        case Aggregation.COUNT:
            return len(quantities)
        case Aggregation.MAX:
            return max(quantities, default=0)
        case Aggregation.LATEST:
            return max(((each.at, each.id, each.newest.quantity) for each in counting), default=(None, None, 0))[2]
        case Aggregation.UNIQUE:
            return len({each.value for each in counting})


@pytest.mark.parametrize("aggregation", list(Aggregation))
async def test_after_any_corrections_the_counter_is_what_its_events_come_to(
    runtime: Runtime, aggregation: Aggregation
) -> None:
    meter, dice = await a_meter(runtime, aggregation), random.Random(aggregation)
    await meter.take(5, 9, 2, 7, 9)
    for step in range(12):
        event = dice.choice(await meter.events())
        await meter.correct(event, dice.choice([None, dice.randint(0, 12)]))
        if step == 6:
            await meter.take(4, 8)
        assert await meter.used() == expected(aggregation, await meter.events())
        async with runtime.transaction() as tx:
            assert await counters_replay(tx) == []
    for event in await meter.events():
        await meter.correct(event, None)
    assert await meter.used() == 0
    await meter.take(6)
    assert await meter.used() == expected(aggregation, await meter.events()) > 0


async def test_the_history_is_kept(runtime: Runtime) -> None:
    meter = await a_meter(runtime, Aggregation.SUM)
    await meter.take(10)
    (event,) = await meter.events()
    await meter.correct(event, 4)
    await meter.correct(event, None)
    await meter.correct(event, 6)
    (event,) = await meter.events()
    assert [(each.revision, each.quantity, each.voided) for each in event.versions] == [
        (0, 10, False),
        (1, 4, False),
        (2, 4, True),
        (3, 6, False),
    ]
    assert [each.reason for each in event.versions] == [None, "a test", "a test", "a test"]
    async with runtime.transaction() as tx:
        assert await find_event(tx, ORGANIZATION, event.id) == event


async def test_what_changes_nothing_records_nothing(runtime: Runtime) -> None:
    meter = await a_meter(runtime, Aggregation.SUM)
    await meter.take(10)
    (event,) = await meter.events()
    await meter.correct(event, 10)
    await meter.correct(event, None)
    await meter.correct(event, None)
    (event,) = await meter.events()
    assert [each.revision for each in event.versions] == [0, 1]


async def test_a_threshold_is_told_once_whichever_way_usage_goes(runtime: Runtime) -> None:
    meter, limit = await a_meter(runtime, Aggregation.SUM), Limit(100, hard=False)
    await meter.take(75, limit=limit)
    (event,) = await meter.events()
    assert await meter.correct(event, 85, limit=limit) == [80]
    assert await meter.correct(event, 50, limit=limit) == []
    assert await meter.correct(event, 95, limit=limit) == [90]
    assert await meter.correct(event, None, limit=limit) == []
    assert await meter.correct(event, 120, limit=limit) == [100]


async def test_a_correction_never_passes_a_hard_limit(runtime: Runtime) -> None:
    meter, limit = await a_meter(runtime, Aggregation.SUM), Limit(10)
    await meter.take(4, 5, limit=limit)
    first, _ = await meter.events()
    with pytest.raises(LimitPassedError):
        await meter.correct(first, 6, limit=limit)
    assert await meter.used() == 9
    await meter.correct(first, 5, limit=limit)
    assert await meter.used() == 10
    # Usage over a limit that came down may still be lowered.
    await meter.correct(first, 4, limit=Limit(2))
    assert await meter.used() == 9


async def test_corrections_of_one_event_at_once_follow_each_other(runtime: Runtime) -> None:
    meter = await a_meter(runtime, Aggregation.SUM)
    await meter.take(1, 2)
    event, _ = await meter.events()
    async with runtime.transaction() as first:
        await correct(first, event, Correction(50, "a", None), limit=UNLIMITED, aggregation=Aggregation.SUM)
        other = asyncio.create_task(meter.correct(event, 7))
        await asyncio.sleep(0.1)
        assert not other.done()
    await other
    event, _ = await meter.events()
    assert [each.quantity for each in event.versions] == [1, 50, 7]
    assert await meter.used() == 9


async def test_a_charge_is_explained_by_what_was_known_when_it_was_made(runtime: Runtime) -> None:
    meter = await a_meter(runtime, Aggregation.SUM)
    await meter.take(10, 20)
    first, _ = await meter.events()
    charged = new_id()
    await asyncio.sleep(0.002)
    await meter.correct(first, 3)
    async with runtime.transaction() as tx:
        assert await replay(tx, *meter.counter[:3], recorded_before=charged) == (2, 30)
        assert await replay(tx, *meter.counter[:3], recorded_before=new_id()) == (2, 23)


async def counted(runtime: Runtime, wanted: Sequence[Consumption], now: datetime) -> None:
    async with await runtime.database.connect(application="test") as connection, connection.pipeline():
        await connection.execute("begin")
        await consume(connection, wanted, now)
        await connection.execute("commit")


async def stands(runtime: Runtime, *keys: CounterKey) -> list[Standing]:
    async with await runtime.database.connect(application="test") as connection:
        await connection.execute("begin")
        found = await lock_counters(connection, sorted(keys))
        return [found.get(key, Standing()) for key in keys]


async def test_a_member_has_their_own_counter_corrected_too(runtime: Runtime) -> None:
    meter, member = await a_meter(runtime, Aggregation.SUM), new_id()
    terms = Terms(per_member=Limit(100))
    own = Consumption(meter.counter, 40, UNLIMITED, START, member_id=member, terms=terms)
    await counted(runtime, [own, own._replace(quantity=5, member_id=new_id())], START)
    event = next(each for each in await meter.events() if each.member_id == member)
    await meter.correct(event, 15)
    whole, of_member = await stands(runtime, meter.counter, meter.counter._replace(member_id=member))
    assert (whole.used, of_member.used) == (20, 15)
    await meter.correct(event, None)
    whole, of_member = await stands(runtime, meter.counter, meter.counter._replace(member_id=member))
    assert (whole.used, of_member.used) == (5, 0)


@pytest.mark.parametrize("aggregation", [Aggregation.SUM, Aggregation.COUNT])
async def test_what_has_left_a_rolling_window_no_longer_moves_it(runtime: Runtime, aggregation: Aggregation) -> None:
    meter = await a_meter(runtime, aggregation)
    hour = timedelta(hours=1)
    meter.counter = meter.counter._replace(period_start=window_start(hour))
    early = Consumption(meter.counter, 40, UNLIMITED, START, aggregation=aggregation)
    late = early._replace(quantity=3, at=START + hour)
    await counted(runtime, [early], START)
    await counted(runtime, [late], START + hour - timedelta(seconds=1))
    first, second = await meter.events()
    both = await meter.used()
    await meter.correct(second, None)
    assert await meter.used() == both - (3 if aggregation is Aggregation.SUM else 1)
    await counted(runtime, [late], START + hour + timedelta(seconds=1))
    before = await meter.used()
    await meter.correct(first, None)
    assert await meter.used() == before


async def test_what_credits_paid_for_comes_back_to_them(runtime: Runtime) -> None:
    meter, limit = await a_meter(runtime, Aggregation.SUM), Limit(10)
    async with runtime.transaction() as tx:
        await tx.connection.execute(
            USAGE_GRANTS.insert().values(
                id=new_id(),
                organization_id=ORGANIZATION,
                meter_id=meter.counter.meter_id,
                amount=8,
                reason="a gift",
                created_at=START,
            )
        )
    await counted(runtime, [Consumption(meter.counter, 15, limit, START)], START)

    async def drawn() -> tuple[int, int]:
        async with runtime.transaction() as tx:
            used = (await tx.connection.execute(USAGE_GRANTS.select())).one().used
        return used, (await stands(runtime, meter.counter))[0].credited

    assert await drawn() == (5, 5)
    (event,) = await meter.events()
    await meter.correct(event, 12, limit=limit)
    assert await drawn() == (2, 2)
    await meter.correct(event, 4, limit=limit)
    assert await drawn() == (0, 0)
    await meter.correct(event, 10, limit=limit)
    with pytest.raises(LimitPassedError):
        await meter.correct(event, 11, limit=limit)
