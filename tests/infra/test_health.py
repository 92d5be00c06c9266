"""Health as pages tell it: remembered for a moment, and the warning when the trail waits for its seals."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from tollkeeper.infra import Health, Runtime, seal_trail, sealing_lag
from tollkeeper.infra import health as module

_OLD = """
with made as (
    insert into audit_trail (id, at, action, actor_kind, target_kind, target_id, via, request_id)
    values (%(id)s, now(), 'test.done', 'system', 'test', '', '', '') returning id
) , beside as (
    insert into audit_details (record_id, ip, user_agent, salt) select id, '', '', '\\x00' from made
) insert into audit_unsealed (record_id) select id from made
"""


class Asked:
    """How often a report was made; the first takes as long as it is told."""

    def __init__(self, seconds: float = 0) -> None:
        self.times = 0
        self._seconds = seconds

    async def __call__(self) -> Mapping[str, Any]:
        self.times += 1
        await asyncio.sleep(self._seconds)
        return {"status": "ok", "number": self.times}


async def test_many_looks_are_one_question(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked()
    health = Health(asked)
    found = await asyncio.gather(*(health.report() for _ in range(20)))
    assert [each and each["number"] for each in found] == [1] * 20
    assert asked.times == 1
    monkeypatch.setattr(module, "FRESH_SECONDS", 0.0)
    assert (await health.report() or {})["number"] == 1  # what is known is told at once, and asked for anew
    await asyncio.sleep(0.05)
    assert (await health.report() or {})["number"] == 2


async def test_a_first_report_that_takes_its_time_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.01)
    health = Health(Asked(seconds=0.2))
    assert await health.report() is None
    await asyncio.sleep(0.4)
    assert (await health.report() or {})["status"] == "ok"


async def test_records_that_wait_for_their_seal_too_long_are_a_warning(
    runtime: Runtime, application: httpx.ASGITransport, clean_database: str
) -> None:
    async with runtime.transaction() as tx:
        await seal_trail(tx)
        assert await sealing_lag(tx) == timedelta()
    early = datetime.now(UTC) - timedelta(minutes=6)
    with psycopg.connect(clean_database) as connection:
        connection.execute(_OLD, {"id": UUID(int=(int(early.timestamp() * 1000) << 80) | 7 << 76 | 2 << 62)})
    async with runtime.transaction() as tx:
        assert timedelta(minutes=6) <= await sealing_lag(tx) < timedelta(minutes=16)
    async with httpx.AsyncClient(transport=application, base_url="http://127.0.0.1:8000") as client:
        answer = await client.get("/health")
        assert answer.status_code == 200
        assert answer.json()["status"] == "degraded"
        assert answer.json()["checks"]["trail"]["problem"].startswith("the oldest record waits for its seal for")
        async with runtime.transaction() as tx:
            await seal_trail(tx)
        assert (await client.get("/health")).json()["checks"]["trail"]["status"] == "ok"
