"""Setting usage aside: held against the limit, settled to the real figure, given back by itself."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import text

from support import Customer
from tollkeeper.gate import Gate
from tollkeeper.infra import Runtime
from tollkeeper.kit import FixedClock
from tollkeeper.metering import counters_replay


async def call(customer: Customer, path: str, **body: Any) -> httpx.Response:
    return await customer.client.post(f"/api/usage/{path}", json=body)


async def standing(customer: Customer) -> tuple[int, int]:
    document = (await call(customer, "check", feature="deployments")).json()
    return document["used"], document["remaining"]


async def test_what_is_held_cannot_be_had_by_others_and_settles_to_what_was_used(ada: Customer) -> None:
    held = await call(ada, "reserve", feature="deployments", count=2, ttl_seconds=60)
    assert (held.status_code, held.json()["state"], held.json()["reserved"]) == (201, "held", 2)
    assert held.headers["x-quota-remaining"] == "1"
    assert await standing(ada) == (0, 1)
    refused = await call(ada, "track", feature="deployments", count=2)
    assert (refused.status_code, refused.json()["remaining"]) == (402, 1)
    settled = await call(ada, f"reserve/{held.json()['id']}/settle", count=1)
    assert (settled.status_code, settled.json()["settled"], settled.json()["used"]) == (200, 1, 1)
    assert await standing(ada) == (1, 2)


async def test_settling_twice_counts_once_and_another_figure_is_too_late(runtime: Runtime, ada: Customer) -> None:
    path = f"reserve/{(await call(ada, 'reserve', feature='deployments', count=2)).json()['id']}"
    assert [(await call(ada, f"{path}/settle", count=2)).status_code for _ in range(2)] == [200, 200]
    late = await call(ada, f"{path}/settle", count=1)
    assert (late.status_code, late.json()["code"], late.json()["state"]) == (409, "reservation_closed", "settled")
    assert (await call(ada, f"{path}/release")).status_code == 409
    assert await standing(ada) == (2, 1)
    async with runtime.transaction() as tx:
        assert await counters_replay(tx) == []


async def test_what_is_released_is_given_back_and_twice_is_no_harm(ada: Customer) -> None:
    path = f"reserve/{(await call(ada, 'reserve', feature='deployments', count=3)).json()['id']}"
    assert await standing(ada) == (0, 0)
    states = [(await call(ada, f"{path}/release")).json()["state"] for _ in range(2)]
    assert states == ["released", "released"]
    assert await standing(ada) == (0, 3)


async def test_more_than_is_left_cannot_be_held(ada: Customer) -> None:
    refused = await call(ada, "reserve", feature="deployments", count=4)
    assert (refused.status_code, refused.json()["code"], refused.json()["requested"]) == (402, "quota_exceeded", 4)
    assert await standing(ada) == (0, 3)


async def test_what_expires_is_given_back_at_once_though_nobody_tidied_up(clock: FixedClock, ada: Customer) -> None:
    held = (await call(ada, "reserve", feature="deployments", count=3, ttl_seconds=60)).json()
    assert (await call(ada, "track", feature="deployments")).status_code == 402
    clock.advance(timedelta(seconds=60))
    assert (await call(ada, "track", feature="deployments", count=3)).status_code == 200, "admission gives it up itself"
    settled = await call(ada, f"reserve/{held['id']}/settle", count=1)
    assert settled.status_code == 402, "the work was done too late, and the room is taken"


async def test_an_expired_one_with_room_left_is_counted_as_usage(clock: FixedClock, ada: Customer) -> None:
    held = (await call(ada, "reserve", feature="deployments", count=2, ttl_seconds=1)).json()
    clock.advance(timedelta(seconds=2))
    settled = await call(ada, f"reserve/{held['id']}/settle", count=2)
    assert (settled.status_code, settled.json()["used"], settled.json()["reserved"]) == (200, 2, 0)


async def test_the_gate_tidies_up_what_expired(runtime: Runtime, clock: FixedClock, ada: Customer) -> None:
    await call(ada, "reserve", feature="deployments", count=2, ttl_seconds=1)
    clock.advance(timedelta(seconds=2))
    await runtime.part(Gate).counters.give_up_expired()
    assert await standing(ada) == (0, 3)
    async with runtime.transaction() as tx:
        states = (await tx.connection.execute(text("select state from usage_reservations"))).scalars().all()
    assert states == ["expired"]


async def test_the_same_idempotency_key_holds_once(ada: Customer) -> None:
    body = {"feature": "deployments", "count": 2, "idempotency_key": "job-1"}
    answers = await asyncio.gather(*(call(ada, "reserve", **body) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await standing(ada) == (0, 1)


async def test_a_call_sent_twice_under_one_header_holds_once(ada: Customer) -> None:
    once, body = {"Idempotency-Key": "job-1"}, {"feature": "deployments", "count": 2}
    first, again = [await ada.client.post("/api/usage/reserve", json=body, headers=once) for _ in range(2)]
    assert (first.status_code, first.headers["x-quota-remaining"], "credits" in first.json()) == (201, "1", False)
    assert (again.status_code, again.json()) == (201, first.json())
    other = await ada.client.post("/api/usage/reserve", json={**body, "count": 1}, headers=once)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert await standing(ada) == (0, 1)


async def test_what_expired_is_not_counted_in_a_period_that_is_closed(
    runtime: Runtime, clock: FixedClock, ada: Customer
) -> None:
    held = (await call(ada, "reserve", feature="deployments", count=2, ttl_seconds=1)).json()
    clock.advance(timedelta(days=31 + 3))
    await runtime.part(Gate).counters.give_up_expired()
    late = await call(ada, f"reserve/{held['id']}/settle", count=1)
    assert (late.status_code, late.json()["code"]) == (422, "period_closed")
    assert (await call(ada, f"reserve/{held['id']}/settle", count=0)).json()["state"] == "settled"


async def test_another_tenant_s_reservation_is_none(ada: Customer, eve: Customer) -> None:
    path = f"reserve/{(await call(ada, 'reserve', feature='deployments', count=2)).json()['id']}"
    for answer in (await call(eve, f"{path}/settle", count=1), await call(eve, f"{path}/release")):
        assert (answer.status_code, answer.json()["code"]) == (404, "reservation_not_found")
    assert await standing(ada) == (0, 1)


async def test_many_at_once_never_hold_more_than_there_is(runtime: Runtime, ada: Customer) -> None:
    """Holding, taking, settling and releasing side by side on fifty runs."""

    async def worker(number: int) -> int:
        held = await call(ada, "reserve", feature="sandbox_runs", count=3)
        if held.status_code == 402:
            return int((await call(ada, "track", feature="sandbox_runs")).status_code == 200)
        path = f"reserve/{held.json()['id']}"
        if number % 3 == 0:
            await call(ada, f"{path}/release")
            return 0
        assert (await call(ada, f"{path}/settle", count=number % 4)).status_code == 200
        return number % 4

    used = sum(await asyncio.gather(*(worker(number) for number in range(60))))
    document = (await call(ada, "check", feature="sandbox_runs")).json()
    assert document["used"] == used <= document["limit"] == 50
    assert document["remaining"] == 50 - used
    async with runtime.transaction() as tx:
        assert await counters_replay(tx) == []


async def test_a_threshold_is_told_with_the_usage_that_reached_it_and_once(runtime: Runtime, ada: Customer) -> None:
    for _ in range(3):
        await call(ada, "track", feature="deployments")
    await call(ada, "track", feature="sandbox_runs", count=45)
    await call(ada, "track", feature="sandbox_runs", count=1)
    async with runtime.transaction() as tx:
        rows = await tx.connection.execute(
            text(
                "select (args->>'percent')::int, (args->>'limit')::int, (args->>'used')::int from procrastinate_jobs "
                "where task_name = 'metering.announce_threshold' order by id"
            )
        )
        told = [tuple(row) for row in rows]
    assert told == [(80, 3, 3), (90, 3, 3), (100, 3, 3), (80, 50, 45), (90, 50, 45)]


async def test_one_poisonous_request_does_not_sink_its_batch(runtime: Runtime, ada: Customer) -> None:
    """Text that the database refuses, past every check before it."""
    gate = runtime.part(Gate)
    access = await gate.access(ada.organization_id)
    takes = [
        gate.take(ada.key.actor, access, "prompts", 1, key=key, at=None)
        for key in ("one", "two", "po\x00ison", "four", "five")
    ]
    found = await asyncio.gather(*takes, return_exceptions=True)
    assert [isinstance(each, Exception) for each in found] == [False, False, True, False, False]
    assert (await call(ada, "check", feature="prompts")).json()["used"] == 4
