"""The edge of calls that wait for the provider inside their transaction."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tollkeeper.infra import Runtime, Tx

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
