"""The history of usage as callers see it: by hour, day and month, split and filtered by what the events say."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from psycopg.types.json import Jsonb

from support import START, Customer, settled
from tollkeeper.infra import Runtime
from tollkeeper.kit import FixedClock, new_id
from tollkeeper.metering import roll_up

EVENT = """
insert into usage_events (id, organization_id, meter_id, quantity, at, period_start, properties)
select %s, %s, id, %s, %s, %s, %s from meters where key = 'prompts'
"""
HISTORY = {"feature": "prompts", "from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z"}
USES = ((0, 5, "large"), (0, 7, "small"), (1, 1, "large"), (25, 2, None))


@pytest.fixture(params=["from events", "rolled up", "half of each"])
async def used(request: pytest.FixtureRequest, runtime: Runtime, ada: Customer) -> Customer:
    """Some usage of two models, and of none, over two days."""
    async with await runtime.database.connect(application="test") as connection:
        await connection.execute("""update meters set group_by = '["model"]' where key = 'prompts'""")
        for hours, count, model in USES:
            at, properties = START + timedelta(hours=hours), Jsonb({"model": model} if model else {})
            await connection.execute(EVENT, (new_id(), ada.organization_id, count, at, START, properties))
    if request.param != "from events":
        await settled(runtime)
        async with runtime.transaction() as tx:
            await roll_up(tx, most=2 if request.param == "half of each" else 100)
    return ada


async def history(client: httpx.AsyncClient, **more: Any) -> list[tuple[Any, ...]]:
    answer = await client.get("/api/usage", params=HISTORY | more)
    assert answer.status_code == 200, answer.text
    found = answer.json()["history"]["data"]
    return [(each["start"], each["used"], *each.get("group", {}).values()) for each in found]


async def test_by_hour_day_and_month(used: Customer) -> None:
    hours = [("2026-03-10T12:00:00Z", 12), ("2026-03-10T13:00:00Z", 1), ("2026-03-11T13:00:00Z", 2)]
    assert await history(used.client, bucket="hour") == hours
    assert await history(used.client) == [("2026-03-10T00:00:00Z", 13), ("2026-03-11T00:00:00Z", 2)]
    assert await history(used.client, bucket="month") == [("2026-03-01T00:00:00Z", 15)]


async def test_by_the_periods_that_limits_are_for(clock: FixedClock, ada: Customer) -> None:
    for count in (400, 30, 2):
        answer = await ada.client.post("/api/usage/track", json={"feature": "prompts", "count": count})
        assert answer.status_code == 200
        clock.advance(timedelta(days=31))
    months = [("2026-03-10T12:00:00Z", 400), ("2026-04-10T12:00:00Z", 30), ("2026-05-10T12:00:00Z", 2)]
    since = {"from": "2026-03-12T00:00:00Z", "to": "2026-06-01T00:00:00Z"}
    assert await history(ada.client, bucket="period", **since) == months
    assert await history(ada.client, bucket="period", **since | {"to": "2026-05-01T00:00:00Z"}) == months[:2]
    assert await history(ada.client, bucket="period", **since | {"from": "2026-04-11T00:00:00Z"}) == months[1:]
    await ada.client.post("/api/usage/track", json={"feature": "prompts", "count": 125})
    for path in ("/api/usage", "/api/usage/limits", "/api/usage?feature=prompts"):
        data = (await ada.client.get(path)).json()["data"]
        assert next(each["percent"] for each in data if each["feature"] == "prompts") == 12.5


async def test_split_by_what_the_events_say(used: Customer) -> None:
    month = "2026-03-01T00:00:00Z"
    found = await history(used.client, bucket="month", group_by="model")
    assert sorted(found, key=str) == [(month, 2, None), (month, 6, "large"), (month, 7, "small")]


async def test_filtered(used: Customer) -> None:
    assert await history(used.client, **{"filter[model]": "large"}) == [("2026-03-10T00:00:00Z", 6)]
    either = await history(used.client, **{"filter[model]": ["large", "small"]})
    assert either == [("2026-03-10T00:00:00Z", 13)]
    assert await history(used.client, **{"filter[model]": "huge"}) == []


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"group_by": "colour"}, "group_by"),
        ({"filter[colour]": "red"}, "filter"),
        ({"filter[model]": "x" * 256}, "filter"),
        ({"filter[model]": "a\x00b"}, "filter"),
        ({"filter[": "x"}, "filter"),
        ({"group_by": ["model"] * 6}, "group_by"),
        ({"bucket": "period", "group_by": "model"}, "bucket"),
    ],
)
async def test_what_cannot_be_asked(used: Customer, more: dict[str, Any], field: str) -> None:
    answer = await used.client.get("/api/usage", params=HISTORY | more)
    assert answer.status_code == 422
    assert {each["field"] for each in answer.json()["errors"]} == {field}


async def test_nobody_else_s_history_is_in_it(used: Customer, eve: Customer) -> None:
    assert await history(used.client)
    assert await history(eve.client) == []
