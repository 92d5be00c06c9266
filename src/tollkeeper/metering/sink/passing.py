"""Passing events on: a step at a time, by one process of all. Opens its own transactions, as no request or job does."""

import asyncio
from datetime import timedelta

import psycopg
import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy.exc import SQLAlchemyError

from tollkeeper.infra import Runtime, Tx
from tollkeeper.kit import new_id
from tollkeeper.metering.rules import moment_of
from tollkeeper.metering.store.tail import OtherServerError

from . import store
from .clickhouse import ClickHouseSink
from .model import EventSink, SinkUnavailableError

log = structlog.get_logger(__name__)

MOST_EVENTS = 10_000
"""How many events are passed on at once: some megabytes in memory, and few enough parts for ClickHouse to merge."""
PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 60.0
# An idle reader notes where it stands now and then only, so that nothing is written for nothing.
IDLE_TRANSACTIONS = 10_000
TOO_LATE = timedelta(minutes=5)
"""Events that wait for longer are a problem that `/health` tells of."""

PASSED = Counter("tollkeeper_sink_events", "Usage events passed on to ClickHouse by this process, repeats included.")
FAILED = Counter("tollkeeper_sink_failures", "Tries to pass events on that failed.")
LAG = Gauge("tollkeeper_sink_lag_seconds", "For how long the oldest event that was not passed on has been waiting.")


def provide_sink(runtime: Runtime) -> None:
    """Offer the sink that the settings name; without one nothing is passed on."""
    url = runtime.settings.clickhouse_url
    if url is not None:
        runtime.provide(EventSink, ClickHouseSink(url.get_secret_value()))  # type: ignore[type-abstract]


async def pass_on(runtime: Runtime, sink: EventSink, *, most: int = MOST_EVENTS) -> bool:
    """Pass the next events on, then note how far that is; returns whether nothing was left.

    No transaction is open while the store is asked. Ended in between, the next run passes the same events on again.

    Raises:
        SinkUnavailableError: the store does not take them; nothing was noted.
    """
    async with runtime.transaction() as tx:
        start, piece, events = await store.next_events(tx, most=most)
    if events:
        await sink.insert(events)
        PASSED.inc(len(events))
    if events or piece.end.tx - start.tx > IDLE_TRANSACTIONS:
        async with runtime.transaction() as tx:
            await store.move(tx, start, piece.end)
    return piece.reached


async def pass_events_on(runtime: Runtime) -> None:
    """Pass events on until cancelled. Several processes may do so: one works, the others wait to take over."""
    sink = runtime.parts.get(EventSink)
    if sink is None:
        return
    try:
        while True:
            try:
                await _lead(runtime, sink)
            except (SQLAlchemyError, psycopg.Error, OSError, OtherServerError) as error:
                log.warning("events are not passed on", error=type(error).__name__)
            await asyncio.sleep(PAUSE_SECONDS)
    finally:
        await sink.close()


async def _lead(runtime: Runtime, sink: EventSink) -> None:
    """Pass events on for as long as this process is the one that does; returns at once when another one is."""
    connection = await runtime.database.connect(application="tollkeeper-sink")
    async with connection:
        pause = PAUSE_SECONDS
        while await store.lead(connection):
            try:
                done = await pass_on(runtime, sink)
            except SinkUnavailableError as error:
                FAILED.inc()
                log.warning("events are not passed on", problem=error.detail, again_in=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                continue
            pause = PAUSE_SECONDS
            if done:
                await asyncio.sleep(PAUSE_SECONDS)


async def sink_lag(tx: Tx) -> timedelta:
    """Return for how long the oldest event that was not passed on has been waiting; zero when none is."""
    # Both are the machine's own time, wherever the product's clock stands.
    found = await store.waiting(tx, moment_of(new_id()))
    LAG.set(found.total_seconds())
    return found


async def sink_problem(runtime: Runtime) -> str | None:
    """Say what is wrong with passing events on; None when the store answers and nothing waits for long."""
    sink: EventSink = runtime.part(EventSink)  # type: ignore[type-abstract]
    if problem := await sink.problem():
        return problem
    async with runtime.transaction() as tx:
        lag = await sink_lag(tx)
    return f"the oldest event has been waiting for {lag.total_seconds():.0f} s" if lag > TOO_LATE else None
