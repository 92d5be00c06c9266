"""The edge of work that waits for the provider: inside its transaction, or between its steps."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tollkeeper.infra import Runtime, Steps, Tx

from . import store
from .model import ProviderUnavailableError

POOL_SHARE = 3
"""One connection in so many of the pool may wait for the provider."""
TURN_SECONDS = 10.0


class Turns:
    """How many transactions of this process may still begin to wait for the provider."""

    def __init__(self, count: int) -> None:
        self.free = asyncio.Semaphore(count)


@asynccontextmanager
async def provider_transaction(runtime: Runtime) -> AsyncIterator[Tx]:
    """Open a transaction that will wait for the provider, one of a few at a time; the edge's tool, as `transaction`.

    It keeps its connection while the provider thinks, since what it decides is only right under its locks. A slow
    provider may therefore hold a few connections, never the pool that everything else is served from.

    Raises:
        ProviderUnavailableError: the others have been waiting too long already.
    """
    turns = runtime.parts.setdefault(Turns, Turns(max(1, runtime.settings.database_pool_size // POOL_SHARE)))
    try:
        async with asyncio.timeout(TURN_SECONDS):
            await turns.free.acquire()
    except TimeoutError:
        raise ProviderUnavailableError from None
    try:
        async with runtime.transaction() as tx:
            yield tx
    finally:
        turns.free.release()


@asynccontextmanager
async def held(steps: Steps, name: str) -> AsyncIterator[None]:
    """Let work of this name run one at a time, in all processes, through all its steps; beside `lock`, too."""
    async with steps.transaction() as tx:
        await store.hold(tx, name)
    try:
        yield
    finally:
        try:
            async with steps.transaction() as tx:
                await store.let_go(tx, name)
        except BaseException:
            await steps.connection.invalidate()  # back in the pool it would keep the lock
            raise
