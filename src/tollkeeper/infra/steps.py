"""Work of several transactions, one after the other, on one connection."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncConnection

from .db import raw_of
from .tenancy import current_tenant, narrow

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
        tenant = current_tenant()
        async with self.connection.begin():
            if tenant is not None:
                await narrow(await raw_of(self.connection), tenant)
            tx = self.runtime.tx(self.connection, is_narrow=tenant is not None)
            yield tx
        self.runtime.heard(tx.told)
