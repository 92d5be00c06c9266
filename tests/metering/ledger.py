"""Events written as the store holds them, beside a model that a person can check."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from support import START, settled
from tollkeeper.infra import Runtime
from tollkeeper.kit import new_id
from tollkeeper.metering import Aggregation, Bucket, HistoryPoint, Meter, define_meter
from tollkeeper.metering.rolling import roll_up

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
        return sorted(found, key=order_of)

    def total(self) -> int:
        """What everything comes to."""
        return self._number([fact for fact in self.facts if not fact.voided])

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


def order_of(point: HistoryPoint) -> tuple[datetime, str]:
    return point.start, str(point.group.get("usage.model"))


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


async def turn(runtime: Runtime, most: int) -> int:
    await settled(runtime)
    async with runtime.transaction() as tx:
        span = await roll_up(tx, most=most)
    assert span is not None
    return span.count
