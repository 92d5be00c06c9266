"""Usage by the hour is what the events come to, whatever was rolled up already, corrected since, or cut by the span."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from support import START
from tollkeeper.infra import Runtime
from tollkeeper.kit import new_id
from tollkeeper.metering import Aggregation, Bucket, HistoryPoint, Meter, define_meter, history, prepare_partitions
from tollkeeper.metering.rolling import roll_up, rollup_lag

ORGANIZATION = UUID(int=7)
DAY = START.replace(hour=0, minute=0, second=0, microsecond=0)
MODELS = ("small", "large", None)
INSERT = """
insert into usage_events
    (id, organization_id, meter_id, quantity, at, period_start, value, properties, corrects, revision, voided, reason)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


@dataclass
class Fact:
    """One event as the model knows it: its newest version."""

    id: UUID
    at: datetime
    quantity: int
    value: str
    model: str | None
    revision: int = 0
    voided: bool = False


@dataclass
class Ledger:
    """Writes events as the store holds them, and keeps what they should come to."""

    connection: psycopg.AsyncConnection
    meter: Meter
    random: Random
    facts: list[Fact] = field(default_factory=list)

    async def record(self, count: int) -> None:
        for _ in range(count):
            at = DAY + timedelta(minutes=self.random.randrange(0, 3 * 24 * 60))
            fact = Fact(new_id(), at, self.random.randrange(0, 50), self.random.choice("abc"), self._model())
            self.facts.append(fact)
            await self._write(fact, fact.id, ())

    async def correct(self) -> None:
        fact = self.random.choice(self.facts)
        fact.revision += 1
        fact.quantity, fact.model = self.random.randrange(0, 50), self._model()
        fact.voided = self.random.random() < 0.4
        if self.random.random() < 0.3:
            fact.at += timedelta(minutes=self.random.randrange(-90, 90))
        await self._write(fact, new_id(), (fact.id, fact.revision, fact.voided, "mistaken"))

    def _model(self) -> str | None:
        return self.random.choice(MODELS)

    async def _write(self, fact: Fact, event_id: UUID, correction: Sequence[Any]) -> None:
        properties = Jsonb({"usage": {"model": fact.model}} if fact.model else {"other": 1})
        row = (event_id, ORGANIZATION, self.meter.id, fact.quantity, fact.at, DAY, fact.value, properties)
        await self.connection.execute(INSERT, (*row, *(correction or (None,) * 4)))

    def expected(self, start: datetime, end: datetime, bucket: Bucket, *, split: bool, only: Any) -> list[HistoryPoint]:
        points: dict[tuple[datetime, str | None], list[Fact]] = {}
        for fact in self.facts:
            if start <= fact.at < end and not fact.voided and (only is None or fact.model in only):
                day = fact.at if bucket is Bucket.HOUR else fact.at.replace(hour=0)
                day = day.replace(day=1) if bucket is Bucket.MONTH else day
                point = day.replace(minute=0, second=0, microsecond=0)
                points.setdefault((point, fact.model if split else None), []).append(fact)
        found = [
            HistoryPoint(point, self._number(facts), {"usage.model": model} if split else {})
            for (point, model), facts in points.items()
        ]
        return sorted(found, key=_order)

    def _number(self, facts: list[Fact]) -> int:
        match self.meter.aggregation:
            case Aggregation.SUM:
                return sum(fact.quantity for fact in facts)
            case Aggregation.COUNT:
                return len(facts)
            case Aggregation.MAX:
                return max(fact.quantity for fact in facts)
            case Aggregation.UNIQUE:
                return len({fact.value for fact in facts})
            case Aggregation.LATEST:
                return max(facts, key=lambda fact: (fact.at, fact.id)).quantity


def _order(point: HistoryPoint) -> tuple[datetime, str]:
    return point.start, str(point.group.get("usage.model"))


@pytest.fixture
async def connection(runtime: Runtime) -> AsyncIterator[psycopg.AsyncConnection]:
    async with runtime.transaction() as tx:
        await prepare_partitions(tx)
    connection = await runtime.database.connect(application="writer")
    yield connection
    await connection.close()


async def ledger_of(
    runtime: Runtime, connection: psycopg.AsyncConnection, aggregation: Aggregation, seed: int
) -> Ledger:
    value = None if aggregation is Aggregation.COUNT else "value"
    name = aggregation.value
    async with runtime.transaction() as tx:
        meter = await define_meter(
            tx, name, event_type="calls", aggregation=aggregation, value=value, group_by=("usage.model",)
        )
    return Ledger(connection, meter, Random(seed))


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
                assert sorted(found, key=_order) == ledger.expected(start, end, bucket, split=split, only=only)


async def turn(runtime: Runtime, most: int) -> int:
    async with runtime.transaction() as tx:
        span = await roll_up(tx, most=most)
    assert span is not None
    return span.count


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
    async with runtime.transaction() as tx:
        assert await rollup_lag(tx) > timedelta()
    await turn(runtime, 10)
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
