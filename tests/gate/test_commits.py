"""A commit is tried again only when that is safe, nothing waits for ever, and load beyond the database is refused."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import psycopg
import pytest

from support import Customer
from tollkeeper.gate import Gate, committing, queueing
from tollkeeper.infra import Runtime
from tollkeeper.metering import counters_replay

CUT_AT_COMMIT = """
create function cut() returns trigger security definer language plpgsql as
    'begin perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(5); return null; end';
create constraint trigger cut_at_commit after insert on usage_event_keys deferrable initially deferred
    for each row execute function cut();
"""
CUT_NOW = """
select pg_terminate_backend(pid) from pg_stat_activity
where application_name = 'tollkeeper-consume' and datname = current_database()
"""
NO_CUT = "drop trigger cut_at_commit on usage_event_keys; drop function cut"
WAITS = """
select count(*) from pg_stat_activity
where application_name = 'tollkeeper-consume' and wait_event_type = 'Lock' and datname = current_database()
"""


WAIT_SECONDS = 20.0


class Database:
    """The database as its administrator has it."""

    def __init__(self, url: str, connection: psycopg.AsyncConnection[Any]) -> None:
        self._url = url
        self.connection = connection

    @asynccontextmanager
    async def cutting(self, how: str) -> AsyncIterator[None]:
        """Have whoever records an idempotency key lose its connection meanwhile."""
        await self.connection.execute(how)
        try:
            yield
        finally:
            await self.connection.execute(NO_CUT)

    @asynccontextmanager
    async def other(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        """Begin a transaction beside the gate's; it is committed at the end."""
        async with await psycopg.AsyncConnection.connect(self._url) as other:
            yield other

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """Hold every counter meanwhile, as a forgotten session would."""
        async with self.other() as other:
            await other.execute("select * from usage_counters for update")
            yield

    async def waits(self) -> None:
        """Return once the gate waits for a lock."""
        async with asyncio.timeout(WAIT_SECONDS):
            while (await (await self.connection.execute(WAITS)).fetchone()) == (0,):  # noqa: ASYNC110 - it is in the database
                await asyncio.sleep(0.01)


@pytest.fixture
async def database(clean_database: str) -> AsyncIterator[Database]:
    async with await psycopg.AsyncConnection.connect(clean_database, autocommit=True) as connection:
        yield Database(clean_database, connection)


async def track(customer: Customer, key: str | None = None) -> httpx.Response:
    return await customer.client.post("/api/usage/track", json={"feature": "prompts", "idempotency_key": key})


async def used(runtime: Runtime, customer: Customer) -> int:
    async with runtime.transaction() as tx:
        assert await counters_replay(tx) == []
    answer = await customer.client.post("/api/usage/check", json={"feature": "prompts"})
    return int(answer.json()["used"])


async def test_a_connection_lost_before_the_commit_is_made_again(
    runtime: Runtime, ada: Customer, database: Database
) -> None:
    gate = runtime.part(Gate)
    _, _, counter = gate.counter(await gate.access(ada.organization_id), "prompts", runtime.clock.now())
    insert = "insert into usage_counters (organization_id, meter_id, period_start) values (%s, %s, %s)"
    await database.connection.execute(insert, counter[:3])
    async with database.locked():
        calls = [asyncio.create_task(track(ada)) for _ in range(5)]
        await database.waits()
        await database.connection.execute(CUT_NOW)
        await database.waits()
    answers = await asyncio.gather(*calls)
    assert [each.status_code for each in answers] == [200] * 5
    assert await used(runtime, ada) == 5


async def test_a_connection_that_died_unseen_counts_nothing_twice(
    runtime: Runtime, ada: Customer, database: Database
) -> None:
    await track(ada)
    await database.connection.execute(CUT_NOW)
    answer = await track(ada, "once")
    assert answer.status_code == 200 or answer.json()["code"] == "outcome_unknown", answer.text
    for _ in range(2):
        assert (await track(ada, "once")).status_code == 200
    assert await used(runtime, ada) == 2


async def test_a_connection_lost_in_the_commit_is_not_tried_again_but_said(
    runtime: Runtime, ada: Customer, database: Database
) -> None:
    async with database.cutting(CUT_AT_COMMIT):
        answer = await track(ada, "once")
    assert (answer.status_code, answer.json()["code"]) == (503, "outcome_unknown")
    assert int(answer.headers["retry-after"]) > 0
    for _ in range(2):
        assert (await track(ada, "once")).status_code == 200
    assert await used(runtime, ada) == 1


async def test_whoever_waits_for_a_forgotten_lock_gives_up_and_tries_again(
    runtime: Runtime, ada: Customer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committing, "STATEMENT_TIMEOUT", 200)
    await track(ada)
    async with database.locked():
        refused = await track(ada)
        assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
        assert int(refused.headers["retry-after"]) > 0
        call = asyncio.create_task(track(ada))
        await database.waits()
    assert (await call).status_code == 200
    assert await used(runtime, ada) == 2


async def test_a_key_recorded_meanwhile_in_another_period_is_a_repeat(
    runtime: Runtime, ada: Customer, database: Database
) -> None:
    gate = runtime.part(Gate)
    _, _, counter = gate.counter(await gate.access(ada.organization_id), "prompts", runtime.clock.now())
    insert = "insert into usage_event_keys (organization_id, meter_id, key, event_id) values (%s, %s, 'once', %s)"
    async with database.other() as elsewhere:
        await elsewhere.execute(insert, (*counter[:2], counter.organization_id))
        call = asyncio.create_task(track(ada, "once"))
        await database.waits()
    assert (await call).status_code == 200
    assert await used(runtime, ada) == 0


async def test_load_beyond_the_queue_is_refused_at_once(
    runtime: Runtime, ada: Customer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queueing, "MAX_WAITING", 3)
    await track(ada)
    async with database.locked():
        first = asyncio.create_task(track(ada))
        await database.waits()
        queued = [asyncio.create_task(track(ada)) for _ in range(3)]
        for _ in range(100):
            await asyncio.sleep(0.01 * (not runtime.part(Gate).counters.consuming.is_full))
        refused = await track(ada)
    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (503, "overloaded", "1")
    assert [each.status_code for each in await asyncio.gather(first, *queued)] == [200] * 4
    assert await used(runtime, ada) == 5
