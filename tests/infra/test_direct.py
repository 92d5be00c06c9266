"""Statements straight over libpq behave like the driver's own: rows, errors, large ones, lost connections."""

import struct
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from psycopg import errors as pg

from tollkeeper.infra import Direct

Connection = psycopg.AsyncConnection[Any]


@pytest.fixture
async def connection(clean_database: str) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(clean_database, autocommit=True) as found:
        await found.execute("create temporary table kept (n int8 primary key, words text)")
        yield found


INSERT = "insert into kept select n, $2::text from generate_series(1, $1::int8) as n"


def number(value: int) -> bytes:
    return struct.pack(">q", value)


async def kept(connection: Connection) -> list[Any]:
    return await (await connection.execute("select n, words from kept order by n")).fetchall()


async def test_rows_are_written_and_counted_and_committed(connection: Connection) -> None:
    insert = Direct(INSERT)
    assert await insert.run(connection, [number(3), "höh".encode()]) == 3
    assert await kept(connection) == [(1, "höh"), (2, "höh"), (3, "höh")]
    assert await Direct("select n from kept where n > $1::int8").run(connection, [number(1)]) == 2
    assert await Direct("delete from kept where words = $1").run(connection, [None]) == 0


async def test_what_is_done_meanwhile_is_done_before_the_answer(connection: Connection) -> None:
    done: list[str] = []
    await Direct("select pg_sleep(0.01)").run(connection, [], lambda: done.append("meanwhile"))
    assert done == ["meanwhile"]


async def test_errors_are_the_drivers_and_leave_the_connection_in_use(connection: Connection) -> None:
    insert = Direct(INSERT)
    await insert.run(connection, [number(1), b"first"])
    with pytest.raises(pg.UniqueViolation):
        await insert.run(connection, [number(2), b"again"])
    with pytest.raises(pg.CharacterNotInRepertoire):
        await Direct("insert into kept values (9, $1)").run(connection, [b"nul\x00"])
    with pytest.raises(pg.SyntaxError):
        await Direct("insert nothing").run(connection, [])
    assert await kept(connection) == [(1, "first")]
    assert connection.info.transaction_status.name == "IDLE"


async def test_within_a_transaction_nothing_is_committed_alone(connection: Connection) -> None:
    await connection.execute("begin")
    await Direct(INSERT).run(connection, [number(2), b"gone"])
    await connection.rollback()
    assert await kept(connection) == []


async def test_what_the_socket_does_not_take_at_once_is_sent_bit_by_bit(connection: Connection) -> None:
    words = b"w" * 20_000_000
    assert await Direct(INSERT).run(connection, [number(1), words]) == 1
    row = await (await connection.execute("select length(words) from kept")).fetchone()
    assert row == (len(words),)


async def test_a_connection_that_is_lost_is_said_to_be(connection: Connection, clean_database: str) -> None:
    statement = Direct("select pg_terminate_backend(pg_backend_pid()), pg_sleep(5)")
    with pytest.raises(psycopg.OperationalError):
        await statement.run(connection, [])
    with pytest.raises(psycopg.OperationalError):
        await Direct("select 1").run(connection, [])
    async with await psycopg.AsyncConnection.connect(clean_database, autocommit=True) as another:
        assert await Direct("select 1").run(another, []) == 1
