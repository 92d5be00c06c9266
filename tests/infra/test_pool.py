"""Which connections the pool hands out."""

import asyncio

import psycopg
import pytest
from sqlalchemy import text

from tollkeeper.infra import Runtime, db

_WHO = text("select pg_backend_pid()")


async def _own_process(runtime: Runtime) -> int:
    async with runtime.transaction() as tx:
        return int((await tx.connection.execute(_WHO)).scalar_one())


@pytest.mark.parametrize("unused_seconds", [db.UNUSED_SECONDS, -1.0], ids=["used lately", "unused for long"])
async def test_a_connection_that_lives_is_used_again(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, unused_seconds: float
) -> None:
    monkeypatch.setattr(db, "UNUSED_SECONDS", unused_seconds)
    first = await _own_process(runtime)
    assert await _own_process(runtime) == first


async def test_a_connection_that_was_cut_while_nobody_used_it_is_replaced(
    runtime: Runtime, clean_database: str
) -> None:
    cut = await _own_process(runtime)
    with psycopg.connect(clean_database, autocommit=True) as other:
        other.execute("select pg_terminate_backend(%s, 5000)", [cut])
    await asyncio.sleep(0)
    assert await _own_process(runtime) != cut
