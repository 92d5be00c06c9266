"""Keeping usage by the hour up with the events, and telling how far it is behind."""

import asyncio
import time
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from tollkeeper.infra import Runtime, Tx
from tollkeeper.kit import new_id

from . import rules
from .store import rollups, tail

log = structlog.get_logger(__name__)

MOST_EVENTS = 40_000
"""How many events are rolled up in one transaction."""
PAUSE_SECONDS = 1.0
# An idle reader notes where it stands now and then only, so that nothing is written for nothing.
IDLE_TRANSACTIONS = 10_000


async def roll_up(tx: Tx, *, most: int = MOST_EVENTS) -> tail.Span | None:
    """Roll up the next events in the order they became visible; returns which.

    None: another process is at it.
    """
    position = await tail.lock_cursor(tx, rollups.CURSOR)
    if position is None:
        return None
    span = await tail.next_span(tx, position, most=most)
    if span.count:
        await rollups.roll(tx, span)
    if span.count or span.end.tx - position.tx > IDLE_TRANSACTIONS:
        await tail.move_cursor(tx, rollups.CURSOR, span.end)
    return span


async def keep_rolled_up(runtime: Runtime) -> None:
    """Roll up what is recorded until cancelled; several processes may do so, one works at a time.

    However far behind, it rests twice as long as it worked: those who call come first.
    """
    busy = False
    while True:
        began = time.monotonic()
        span = await _turn(runtime, first_summarize=busy)
        busy = span is not None and span.count > 0
        done = span is None or span.reached
        await asyncio.sleep(PAUSE_SECONDS if done else 2 * (time.monotonic() - began))


async def _turn(runtime: Runtime, *, first_summarize: bool) -> tail.Span | None:
    try:
        if first_summarize:  # what came while it rested, which every look at the newest events would go through
            async with runtime.transaction() as tx:
                await rollups.summarize(tx, rules.partition_of(rules.moment_of(new_id())).name)
        async with runtime.transaction() as tx:
            return await roll_up(tx)
    except (SQLAlchemyError, OSError, tail.OtherServerError) as error:  # the next turn finds everything as it was
        log.warning("usage was not rolled up", error=type(error).__name__)
        return None


async def rollup_lag(tx: Tx) -> timedelta:
    """Return for how long the oldest event that is not rolled up has been waiting; zero when none is."""
    position = await tail.read_cursor(tx, rollups.CURSOR) or tail.BEFORE_ALL
    oldest = await tail.oldest_waiting(tx, position)
    if oldest is None:
        return timedelta()
    # Both are the machine's own time, wherever the product's clock stands.
    return max(timedelta(), rules.moment_of(new_id()) - rules.moment_of(oldest))
