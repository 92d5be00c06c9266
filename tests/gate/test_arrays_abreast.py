"""Arrays under way at once: each event is counted once, limits hold, and the one that is wrong harms no other."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable

import httpx
import psycopg
import pytest

from support import Customer
from tollkeeper.catalog import apply, read_catalogue_file
from tollkeeper.gate import Gate
from tollkeeper.infra import Runtime
from tollkeeper.metering import Foresight, counters_replay

CATALOGUE = """
features:
  calls: {name: Calls, kind: metered, event_type: call}
  capped: {name: Capped, kind: metered, event_type: capped}
plans:
  free: {name: Free, default: true, entitlements: {calls: {limit: null}, capped: {limit: 400, hard: true}}}
"""


@pytest.fixture(autouse=True)
async def catalogue(runtime: Runtime, ada: Customer) -> AsyncIterator[None]:
    assert ada.secret  # the application is up
    async with runtime.transaction() as tx:
        await apply(tx, read_catalogue_file(CATALOGUE))
    yield
    async with runtime.transaction() as tx:
        assert await counters_replay(tx) == []


@pytest.fixture
def foreseen(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bundles each batch that was foreseen, and recorded so, had."""
    recorded: list[int] = []
    record = Foresight.record

    async def noted(self: Foresight, connection: object, batch: object, turn: object) -> None:
        await record(self, connection, batch, turn)  # type: ignore[arg-type]
        recorded.append(len(batch.tallies))  # type: ignore[attr-defined]

    monkeypatch.setattr(Foresight, "record", noted)
    return recorded


async def send(customer: Customer, ids: Iterable[str], kind: str = "call", **data: object) -> httpx.Response:
    body = [{"id": each, "source": "tests", "type": kind, "data": data} for each in ids]
    headers = {"Content-Type": "application/cloudevents-batch+json"}
    return await customer.client.post("/api/events", content=json.dumps(body), headers=headers)


async def used(customer: Customer, feature: str) -> int:
    answer = await customer.client.post("/api/usage/check", json={"feature": feature})
    found: int = answer.json()["used"]
    return found


async def test_arrays_that_overlap_are_counted_once_each_event(ada: Customer) -> None:
    """Every other array repeats half of the one before it, while single events move the same counter."""
    await send(ada, ["first"])
    arrays = [[f"e{number}" for number in range(start, start + 40)] for start in range(0, 800, 20)]
    tracks = [ada.client.post("/api/usage/track", json={"feature": "calls"}) for _ in range(30)]
    answers = await asyncio.gather(*(send(ada, each) for each in arrays), *tracks)
    assert {each.status_code for each in answers} <= {200, 204}
    assert await used(ada, "calls") == 1 + 820 + 30


async def test_arrays_of_a_counter_that_nobody_else_moves_are_foreseen(ada: Customer, foreseen: list[int]) -> None:
    await send(ada, ["first"])
    for turn in range(5):
        answers = await asyncio.gather(*(send(ada, [f"{turn}-{each}-{n}" for n in range(20)]) for each in range(6)))
        assert {each.status_code for each in answers} == {204}
    assert await used(ada, "calls") == 1 + 600
    assert sum(foreseen) == 30


async def test_a_hard_limit_is_reached_and_never_passed(ada: Customer) -> None:
    await send(ada, ["first"], "capped")
    answers = await asyncio.gather(*(send(ada, [f"{n}-{m}" for m in range(30)], "capped") for n in range(20)))
    assert {each.status_code for each in answers} == {204, 402}
    assert await used(ada, "capped") == 400
    refused = sum(len(each.json()["refused"]) for each in answers if each.status_code == 402)
    assert refused == 601 - 400


async def test_what_cannot_be_stored_harms_nobody_else(ada: Customer) -> None:
    await send(ada, ["first"])
    good = [send(ada, [f"{n}-{m}" for m in range(10)]) for n in range(6)]
    huge = ada.client.post(
        "/api/events",
        content=b'[{"id": "huge", "source": "tests", "type": "call", "data": {"n": 1e999999}}]',
        headers={"Content-Type": "application/cloudevents-batch+json"},
    )
    *answers, wrong = await asyncio.gather(*good, huge)
    assert {each.status_code for each in answers} == {204}
    assert (wrong.status_code, wrong.json()["code"]) == (422, "unstorable")
    assert await used(ada, "calls") == 61
    assert (await send(ada, ["after"])).status_code == 204


async def test_lost_connections_lose_nothing_that_was_acknowledged(
    runtime: Runtime, ada: Customer, clean_database: str
) -> None:
    await send(ada, ["first"])
    calls = [asyncio.create_task(send(ada, [f"{n}-{m}" for m in range(50)])) for n in range(12)]
    cut = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tollkeeper-events'"
    async with await psycopg.AsyncConnection.connect(clean_database, autocommit=True) as connection:
        while not all(each.done() for each in calls):
            await connection.execute(cut + " and datname = current_database()")
            await asyncio.sleep(0.01)
    for number, answer in enumerate([await each for each in calls]):
        assert answer.status_code in {204, 503}, answer.text
        if answer.status_code != 204:  # safe to send again, whatever became of it
            assert (await send(ada, [f"{number}-{m}" for m in range(50)])).status_code == 204
    assert await used(ada, "calls") == 601
    assert not runtime.part(Gate).counters.arrays.is_full
