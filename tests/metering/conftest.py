"""A connection that writes what others read."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from tollkeeper.infra import Runtime
from tollkeeper.metering import prepare_partitions


@pytest.fixture
async def connection(runtime: Runtime) -> AsyncIterator[psycopg.AsyncConnection]:
    async with runtime.transaction() as tx:
        await prepare_partitions(tx)
    connection = await runtime.database.connect(application="writer")
    yield connection
    await connection.close()
