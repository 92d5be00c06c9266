"""Recorded usage as callers see it, and correcting it: by operators, until the period is closed."""

from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest

from support import START, Customer
from tollkeeper.infra import Runtime
from tollkeeper.kit import FixedClock
from tollkeeper.metering import counters_replay

REASON = "sent twice by a faulty client"


async def track(customer: Customer, count: int = 1, **more: Any) -> None:
    answer = await customer.client.post("/api/usage/track", json={"feature": "prompts", "count": count, **more})
    assert answer.status_code == 200, answer.text


async def events_of(customer: Customer, **query: Any) -> list[dict[str, Any]]:
    """Every event as a member lists them, page by page."""
    found: list[dict[str, Any]] = []
    params = {"feature": "prompts", **query}
    while True:
        answer = await customer.client.get("/api/usage/events", params=params)
        assert answer.status_code == 200, answer.text
        found += answer.json()["data"]
        if answer.json()["next_cursor"] is None:
            return found
        params["cursor"] = answer.json()["next_cursor"]


async def amend(operator: httpx.AsyncClient, event_id: str, count: int, customer: str = "ada-1") -> httpx.Response:
    body = {"count": count, "reason": REASON, "customer": customer}
    return await operator.patch(f"/api/usage/events/{event_id}", json=body)


async def void(operator: httpx.AsyncClient, event_id: str, customer: str = "ada-1") -> httpx.Response:
    return await operator.delete(f"/api/usage/events/{event_id}", params={"reason": REASON, "customer": customer})


async def test_events_are_listed_latest_first_page_by_page(clock: FixedClock, ada: Customer, eve: Customer) -> None:
    for number in range(5):
        clock.advance(timedelta(seconds=number % 2))
        await track(ada, number + 1, idempotency_key=f"call-{number}")
    await track(eve, 100)
    assert [each["count"] for each in await events_of(ada, limit=2)] == [5, 4, 3, 2, 1]
    span = {"from": START.isoformat(), "to": (START + timedelta(seconds=1)).isoformat()}
    assert [each["count"] for each in await events_of(ada, **span)] == [1]
    (newest, *_) = await events_of(ada)
    assert newest["history"].pop().pop("recorded_at")
    assert newest == {
        "id": newest["id"],
        "feature": "prompts",
        "count": 5,
        "voided": False,
        "at": (START + timedelta(seconds=2)).isoformat().replace("+00:00", "Z"),
        "idempotency_key": "call-4",
        "value": None,
        "properties": None,
        "revision": 0,
        "history": [],
    }


async def test_an_event_is_amended_and_voided_with_its_history(
    runtime: Runtime, ada: Customer, operator: httpx.AsyncClient
) -> None:
    await track(ada, 400)
    await track(ada, 100)
    second, first = await events_of(ada)
    amended = await amend(operator, first["id"], 40)
    assert (amended.status_code, amended.json()["used"], amended.json()["remaining"]) == (200, 140, 860)
    assert amended.headers["x-quota-used"] == "140"
    voided = (await void(operator, second["id"])).json()
    assert (voided["used"], voided["voided"], voided["revision"]) == (40, True, 1)
    read = (await ada.client.get(f"/api/usage/events/{first['id']}")).json()
    assert [(each["count"], each["reason"]) for each in read["history"]] == [(400, None), (40, REASON)]
    check = await ada.client.post("/api/usage/check", json={"feature": "prompts"})
    assert check.json()["used"] == 40
    async with runtime.transaction() as tx:
        assert await counters_replay(tx) == []


async def test_members_do_not_correct_their_own_usage(ada: Customer) -> None:
    await track(ada, 400)
    (event,) = await events_of(ada)
    answers = [
        await ada.client.patch(f"/api/usage/events/{event['id']}", json={"count": 0, "reason": "please"}),
        await ada.client.delete(f"/api/usage/events/{event['id']}", params={"reason": "please"}),
    ]
    assert [each.status_code for each in answers] == [403, 403]
    assert (await events_of(ada))[0]["count"] == 400


async def test_a_hard_limit_holds_against_corrections(ada: Customer, operator: httpx.AsyncClient) -> None:
    await track(ada, 900)
    await track(ada, 50)
    event = (await events_of(ada))[0]
    refused = await amend(operator, event["id"], 101)
    assert (refused.status_code, refused.json()["code"], refused.json()["requested"]) == (402, "quota_exceeded", 51)
    assert (await amend(operator, event["id"], 100)).json()["remaining"] == 0


async def test_another_organizations_event_is_not_there(
    ada: Customer, eve: Customer, operator: httpx.AsyncClient
) -> None:
    await track(eve, 5)
    (event,) = await events_of(eve)
    answers = [
        await ada.client.get(f"/api/usage/events/{event['id']}"),
        await amend(operator, event["id"], 1),
        await void(operator, event["id"]),
    ]
    assert [(each.status_code, each.json()["code"]) for each in answers] == [(404, "event_not_found")] * 3
    assert (await amend(operator, event["id"], 1, customer="eve-1")).status_code == 200


async def test_a_closed_period_stays_what_it_was(clock: FixedClock, ada: Customer, operator: httpx.AsyncClient) -> None:
    await track(ada, 5)
    (event,) = await events_of(ada)
    clock.advance(timedelta(days=31 + 3) - timedelta(seconds=1))
    amended = await amend(operator, event["id"], 6)
    assert (amended.status_code, amended.json()["used"]) == (200, 6)
    clock.advance(timedelta(seconds=1))
    for refused in (await amend(operator, event["id"], 7), await void(operator, event["id"])):
        assert (refused.status_code, refused.json()["code"]) == (422, "period_closed")
        assert refused.json()["closed_since"] == "2026-04-13T12:00:00+00:00"


async def test_a_repeat_of_a_voided_call_stays_a_repeat(ada: Customer, operator: httpx.AsyncClient) -> None:
    await track(ada, 5, idempotency_key="once")
    (event,) = await events_of(ada)
    await void(operator, event["id"])
    await track(ada, 5, idempotency_key="once")
    assert [each["voided"] for each in await events_of(ada)] == [True]


async def test_a_threshold_reached_by_a_correction_is_told_once(
    ada: Customer, operator: httpx.AsyncClient, clean_database: str
) -> None:
    await track(ada, 700)
    (event,) = await events_of(ada)
    for count in (800, 100, 850):
        assert (await amend(operator, event["id"], count)).status_code == 200
    await track(ada, 1)
    async with await psycopg.AsyncConnection.connect(clean_database) as connection:
        told = await connection.execute(
            "select args ->> 'percent', args ->> 'used' from procrastinate_jobs"
            " where task_name = 'metering.announce_threshold'"
        )
        assert await told.fetchall() == [("80", "800")]


@pytest.mark.parametrize(
    "query",
    [{}, {"feature": "prompts", "cursor": "nonsense"}, {"feature": "unicorns"}],
    ids=["no feature", "cursor", "unknown"],
)
async def test_a_wrong_list_is_refused(ada: Customer, query: dict[str, str]) -> None:
    answer = await ada.client.get("/api/usage/events", params=query)
    assert answer.status_code == 422
