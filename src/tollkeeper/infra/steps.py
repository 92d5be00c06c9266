"""Work of several transactions, one after the other, on one connection."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncConnection

if TYPE_CHECKING:
    from .runtime import Runtime, Tx


class Steps:
    """Several transactions, of which each is on disk before the next begins, or before others are asked for something.

    They have one connection together: whoever is in the middle of such work never waits for a second one, so that any
    number of them gets on with any number of connections. Between them no transaction is open.
    """

    def __init__(self, runtime: "Runtime", connection: AsyncConnection) -> None:
        self.runtime = runtime
        self.connection = connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Tx"]:
        """Open the next one, and commit it on leaving or roll it back on an error. The edge's tool only."""
        async with self.connection.begin():
            yield self.runtime.tx(self.connection)
