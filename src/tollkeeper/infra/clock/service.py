"""Reading, moving and following the shared clock."""

import asyncio
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from tollkeeper.infra.db import Listener
from tollkeeper.infra.runtime import CHANGES, Runtime, Tx
from tollkeeper.kit import MovableClock

from . import store

log = structlog.get_logger(__name__)
KIND = "clock"


async def clock_offset(tx: Tx) -> timedelta:
    """Return how far the shared clock stands before the machine's; zero when it was never moved."""
    return await store.read(tx)


async def move_clock(tx: Tx, offset: timedelta) -> None:
    """Move the shared clock. Every process hears of it with the commit; our own moves at once."""
    before = await store.read(tx)
    await store.write(tx, offset, tx.runtime.clock.wall())
    await tx.changed(KIND)
    if offset != before:
        was, is_now = ({"seconds_ahead": round(each.total_seconds())} for each in (before, offset))
        await tx.record("clock.moved", target=("clock", ""), before=was, after=is_now)
    if isinstance(tx.runtime.clock, MovableClock):
        tx.runtime.clock.offset = offset


async def load_clock(runtime: Runtime) -> None:
    """Set this process's clock to the shared one. A clock that cannot be moved is left alone."""
    if isinstance(runtime.clock, MovableClock):
        async with runtime.transaction() as tx:
            runtime.clock.offset = await store.read(tx)


async def follow_clock(runtime: Runtime) -> None:
    """Keep this process's clock equal to the shared one until cancelled; at once over when it cannot be moved."""
    if not isinstance(runtime.clock, MovableClock):
        return
    moved = asyncio.Event()
    moved.set()

    def heard(payload: str) -> None:
        if payload.partition(":")[0] == KIND:
            moved.set()

    listening = asyncio.create_task(Listener(runtime.database, CHANGES, heard, moved.set).run())
    try:
        while True:
            await moved.wait()
            moved.clear()
            try:
                await load_clock(runtime)
            except (SQLAlchemyError, OSError) as error:  # the listener sets `moved` when the database is back
                log.warning("the clock cannot be read", error=type(error).__name__)
    finally:
        listening.cancel()
