"""Limits of every kind as callers meet them: periods, windows, carried quota, members, credits, gauges."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from support import Customer, client_of
from tollkeeper import catalog, identity
from tollkeeper.gate import Gate
from tollkeeper.infra import Runtime
from tollkeeper.kit import FixedClock
from tollkeeper.metering import Release, counters_replay
from tollkeeper.orgs import suspend_organization

from .test_quick import facts, quickly, without_own

CATALOGUE = """
features:
  daily: {name: Daily, kind: metered, unit: call}
  weekly: {name: Weekly, kind: metered, unit: call}
  yearly: {name: Yearly, kind: metered, unit: call}
  rolling: {name: Rolling, kind: metered, unit: call}
  shared: {name: Shared, kind: metered, unit: call}
  flowing: {name: Flowing, kind: metered, unit: call}
  paid: {name: Paid, kind: metered, unit: call}
  seats: {name: Seats, kind: metered, unit: seat, aggregation: latest}
plans:
  free:
    name: Free
    default: true
    entitlements:
      daily: {limit: 5, period: calendar_day, rollover: 3}
      weekly: {limit: 2, period: calendar_week}
      yearly: {limit: 2, period: calendar_year}
      rolling: {limit: 3, period: rolling, window: 1m}
      shared: {limit: 7, per_member: 3}
      flowing: {limit: 5, period: rolling, window: 1h, per_member: 2}
      paid: {limit: 2, grace: 1, thresholds: [50, 100]}
      seats: {limit: 3}
"""
WITHOUT_SHARES = CATALOGUE.replace("{limit: 7, per_member: 3}", "{limit: 7}")
FIXED = CATALOGUE.replace("{limit: 3, period: rolling, window: 1m}", "{limit: 3}")
ANN, BEN = str(UUID(int=1)), str(UUID(int=2))
MINUTE, MICROSECOND = timedelta(minutes=1), timedelta(microseconds=1)


async def apply(runtime: Runtime, content: str) -> None:
    async with runtime.transaction() as tx:
        await catalog.apply(tx, catalog.read_catalogue_file(content))
    runtime.part(Gate).projection.clear()


@pytest.fixture
async def acme(runtime: Runtime, ada: Customer) -> AsyncIterator[Customer]:
    """An organization on a plan with limits of every kind; afterwards, counters equal what their events come to."""
    await apply(runtime, CATALOGUE)
    yield ada
    async with runtime.transaction() as tx:
        assert await counters_replay(tx) == []


async def call(customer: Customer, path: str, feature: str, count: int = 1, **more: Any) -> httpx.Response:
    return await customer.client.post(f"/api/usage/{path}", json={"feature": feature, "count": count, **more})


async def codes(customer: Customer, feature: str, *counts: int, **more: Any) -> list[int]:
    return [(await call(customer, "track", feature, count, **more)).status_code for count in counts]


async def limit_of(customer: Customer, feature: str) -> dict[str, Any]:
    data = (await customer.client.get("/api/usage/limits")).json()["data"]
    return next(each for each in data if each["feature"] == feature)


async def test_periods_of_the_calendar_end_at_midnight_on_monday_and_in_january(
    clock: FixedClock, acme: Customer
) -> None:
    answers = {feature: (await call(acme, "track", feature, 2)).json() for feature in ("daily", "weekly", "yearly")}
    assert [each["reset_at"] for each in answers.values()] == [
        "2026-03-11T00:00:00Z",
        "2026-03-16T00:00:00Z",
        "2027-01-01T00:00:00Z",
    ]
    assert await codes(acme, "weekly", 1) == [402]
    clock.advance(timedelta(days=5, hours=12) - MICROSECOND)
    assert await codes(acme, "weekly", 1) == [402]
    clock.advance(MICROSECOND)
    assert await codes(acme, "weekly", 1) == [200]
    assert await codes(acme, "yearly", 1) == [402]


async def test_a_window_forgets_each_use_to_the_microsecond(clock: FixedClock, acme: Customer) -> None:
    assert await codes(acme, "rolling", 2) == [200]
    clock.advance(MINUTE / 2)
    assert await codes(acme, "rolling", 1, 1) == [200, 402]
    clock.advance(MINUTE / 2 - MICROSECOND)
    seen = (await call(acme, "check", "rolling")).json()
    assert (seen["allowed"], seen["used"], seen["remaining"]) == (False, 3, 0)
    assert await codes(acme, "rolling", 1) == [402]
    clock.advance(MICROSECOND)
    seen = (await call(acme, "check", "rolling", 2)).json()
    assert (seen["allowed"], seen["used"], seen["remaining"]) == (True, 1, 2)
    assert await codes(acme, "rolling", 3, 2) == [402, 200]
    shown = await limit_of(acme, "rolling")
    assert (shown["used"], shown["window_seconds"], shown["period"]) == (3, 60, "rolling")
    clock.advance(MINUTE)
    assert (await limit_of(acme, "rolling"))["used"] == 0


async def test_many_at_once_at_the_boundary_get_just_what_left_the_window(
    runtime: Runtime, clock: FixedClock, acme: Customer
) -> None:
    other = Gate(runtime)
    assert await codes(acme, "rolling", 1, 2) == [200, 200]
    clock.advance(MINUTE)
    access = await other.access(acme.organization_id)
    _, _, wanted = other.consumption(acme.key.actor, access, "rolling", 1, key=None, at=None)
    try:
        theirs = [other.counters.consuming.submit(wanted) for _ in range(10)]
        ours = [call(acme, "track", "rolling") for _ in range(10)]
        outcomes = await asyncio.gather(*theirs)
        answers = await asyncio.gather(*ours)
    finally:
        await other.close()
    admitted = sum(each.verdict.value == "admitted" for each in outcomes) + sum(
        each.status_code == 200 for each in answers
    )
    assert admitted == 3


async def test_what_another_counter_took_is_in_the_window_that_comes_after(runtime: Runtime, acme: Customer) -> None:
    assert await codes(acme, "rolling", 1) == [200]
    await apply(runtime, FIXED)
    assert await codes(acme, "rolling", 1) == [200]
    await apply(runtime, CATALOGUE)
    assert (await call(acme, "check", "rolling")).json()["used"] == 2
    assert await codes(acme, "rolling", 2, 1) == [402, 200]


async def test_holding_in_a_window_survives_a_plan_without_one(runtime: Runtime, acme: Customer) -> None:
    held = (await call(acme, "reserve", "rolling", 2)).json()
    await apply(runtime, FIXED)
    assert await codes(acme, "rolling", 1) == [200]
    await apply(runtime, CATALOGUE)
    assert await codes(acme, "rolling", 1) == [402]
    settled = await acme.client.post(f"/api/usage/reserve/{held['id']}/settle", json={"count": 2})
    assert (settled.status_code, settled.json()["used"], settled.json()["reserved"]) == (200, 3, 0)


async def test_what_is_left_over_is_carried_into_the_next_day_once(clock: FixedClock, acme: Customer) -> None:
    assert await codes(acme, "daily", 4) == [200]
    assert (await limit_of(acme, "daily"))["carried"] == 0
    clock.advance(timedelta(days=1))
    seen = (await call(acme, "check", "daily", 6)).json()
    assert (seen["allowed"], seen["limit"], seen["carried"]) == (True, 6, 1)
    assert await codes(acme, "daily", 7, 1) == [402, 200]
    clock.advance(timedelta(days=1))
    # Yesterday's use went to what was carried into it; of its own five at most three are.
    first = (await call(acme, "track", "daily", 8)).json()
    assert (first["limit"], first["carried"], first["remaining"]) == (8, 3, 0)
    clock.advance(timedelta(days=1))
    assert (await call(acme, "check", "daily", 5)).json()["carried"] == 0


async def test_a_correction_says_where_it_stands_with_all_that_bears_on_it(
    clock: FixedClock, operator: httpx.AsyncClient, acme: Customer
) -> None:
    clock.advance(timedelta(days=2))
    assert await codes(acme, "daily", 2, 6) == [200, 200]
    (event, _) = (await acme.client.get("/api/usage/events", params={"feature": "daily"})).json()["data"]
    path, customer = f"/api/usage/events/{event['id']}", str(acme.organization_id)
    refused = await operator.patch(path, json={"count": 7, "reason": "more", "customer": customer})
    assert (refused.status_code, refused.json()["limit"], refused.json()["remaining"]) == (402, 8, 0)
    voided = await operator.delete(path, params={"reason": "wrong", "customer": customer})
    assert [voided.json()[name] for name in ("used", "limit", "remaining")] == [2, 8, 6]
    assert voided.headers["x-quota-limit"] == "8"


async def test_nothing_is_carried_over_from_before_there_was_a_plan(clock: FixedClock, acme: Customer) -> None:
    assert (await call(acme, "check", "daily", 6)).json()["allowed"] is False
    clock.advance(timedelta(days=1))
    assert (await call(acme, "check", "daily", 8)).json()["allowed"] is True


@pytest.mark.parametrize("feature", ["shared", "flowing"])
async def test_a_member_is_refused_at_their_own_limit(acme: Customer, feature: str) -> None:
    own = (await limit_of(acme, feature))["per_member"]
    taken = await call(acme, "track", feature, own, member=ANN)
    assert taken.json()["member"] == {"id": ANN, "used": own, "limit": own, "remaining": 0}
    refused = await call(acme, "track", feature, member=ANN)
    assert (refused.status_code, refused.json()["scope"], refused.json()["member"]) == (402, "member", ANN)
    assert (refused.json()["used"], refused.json()["remaining"]) == (own, 0)
    assert (await call(acme, "check", feature, member=ANN)).json()["allowed"] is False
    assert (await call(acme, "check", feature, member=BEN)).json()["allowed"] is True
    assert await codes(acme, feature, 1, member=BEN) == [200]
    assert await codes(acme, feature, 1) == [200]
    left = (await call(acme, "check", feature)).json()["remaining"]
    assert await codes(acme, feature, left) == [200]
    refused = await call(acme, "track", feature, member=BEN)
    assert (refused.status_code, refused.json()["scope"]) == (402, "organization")
    shown = (await acme.client.get("/api/usage/members", params={"feature": feature})).json()["data"]
    assert [(each["id"], each["used"], each["remaining"]) for each in shown] == [(ANN, own, 0), (BEN, 1, own - 1)]


@pytest.mark.parametrize("feature", ["shared", "flowing"])
async def test_the_nil_id_names_nobody(runtime: Runtime, acme: Customer, feature: str) -> None:
    nobody = str(UUID(int=0))
    assert await codes(acme, feature, 3, 1, member=nobody) == [200, 200]
    held = await call(acme, "reserve", feature, 1, member=nobody)
    assert (held.status_code, "member" in held.json()) == (201, False)
    # What was taken for a member's before stands in nobody's way.
    async with runtime.transaction() as tx:
        await tx.connection.execute(text("update usage_events set member_id = :nobody"), {"nobody": nobody})
        await tx.connection.execute(text("update usage_reservations set member_id = :nobody"), {"nobody": nobody})
    runtime.part(Gate).projection.clear()
    assert await codes(acme, feature, 2, member=ANN) == [402 if feature == "flowing" else 200]
    shown = (await acme.client.get("/api/usage/members", params={"feature": feature})).json()["data"]
    assert [each["id"] for each in shown] == ([] if feature == "flowing" else [ANN])


async def test_members_are_counted_anew_after_a_plan_without_shares(runtime: Runtime, acme: Customer) -> None:
    assert await codes(acme, "shared", 1, member=ANN) == [200]
    await apply(runtime, WITHOUT_SHARES)
    assert await codes(acme, "shared", 2, member=ANN) == [200]
    await apply(runtime, CATALOGUE)
    assert (await call(acme, "check", "shared", member=ANN)).json()["member"]["used"] == 3
    assert await codes(acme, "shared", 1, member=ANN) == [402]
    assert await codes(acme, "shared", 1, member=BEN) == [200]


async def test_what_a_member_holds_counts_for_them_until_it_is_given_back(runtime: Runtime, acme: Customer) -> None:
    held = (await call(acme, "reserve", "shared", 2, member=ANN)).json()
    assert await codes(acme, "shared", 2, 1, member=ANN) == [402, 200]
    released = await acme.client.post(f"/api/usage/reserve/{held['id']}/release")
    assert released.json()["member"]["used"] == 1
    assert await codes(acme, "shared", 2, 1, member=ANN) == [200, 402]
    held = (await call(acme, "reserve", "shared", 2, member=BEN, ttl_seconds=1)).json()
    gate = runtime.part(Gate)
    found = await gate.find_reservation(acme.organization_id, UUID(held["id"]))
    await gate.counters.consuming.submit(Release(found.id, found.counter))
    assert await codes(acme, "shared", 3, member=BEN) == [200]


async def grant(operator: httpx.AsyncClient, customer: Customer, amount: int, **more: Any) -> httpx.Response:
    body = {"feature": "paid", "amount": amount, "reason": "sorry", "customer": str(customer.organization_id), **more}
    return await operator.post("/api/usage/grants", json=body)


async def test_credits_pay_for_what_passes_the_limit_soonest_expiring_first(
    runtime: Runtime, clock: FixedClock, operator: httpx.AsyncClient, acme: Customer
) -> None:
    assert await codes(acme, "paid", 3, 1) == [200, 402]
    lasting = (await grant(operator, acme, 2)).json()
    soon = (await grant(operator, acme, 2, expires_at=(clock.now() + MINUTE).isoformat())).json()
    seen = (await call(acme, "check", "paid", 4)).json()
    assert (seen["allowed"], seen["credits"], seen["remaining"]) == (True, 4, 0)
    taken = (await call(acme, "track", "paid", 1, idempotency_key="once")).json()
    assert (taken["used"], taken["credits"]) == (4, 3)
    assert (await call(acme, "track", "paid", 1, idempotency_key="once")).json()["used"] == 4
    shown = (await acme.client.get("/api/usage/grants", params={"feature": "paid"})).json()["data"]
    assert {each["id"]: each["used"] for each in shown} == {lasting["id"]: 0, soon["id"]: 1}
    clock.advance(MINUTE)
    refused = await call(acme, "track", "paid", 3)
    assert (refused.status_code, refused.json()["credits"], refused.json()["scope"]) == (402, 2, "organization")
    assert (await call(acme, "track", "paid", 2)).json()["credits"] == 0
    assert await codes(acme, "paid", 1) == [402]
    assert (await limit_of(acme, "paid"))["credits"] == 0
    async with runtime.transaction() as tx:
        paid = await tx.connection.execute(text("select sum(credits), sum(quantity) from usage_events"))
        assert paid.one() == (3, 6)
        counted = await tx.connection.execute(text("select used, credited from usage_counters"))
        assert counted.one() == (6, 3)


async def test_what_is_voided_cannot_be_drawn_from(operator: httpx.AsyncClient, acme: Customer) -> None:
    made = (await grant(operator, acme, 5, external_id="ticket-1")).json()
    again = await grant(operator, acme, 5, external_id="ticket-1")
    assert (again.status_code, again.json()["id"]) == (200, made["id"])
    other = await grant(operator, acme, 6, external_id="ticket-1")
    assert (other.status_code, other.json()["code"]) == (409, "grant_mismatch")
    assert await codes(acme, "paid", 4) == [200]
    path, body = f"/api/usage/grants/{made['id']}/void", {"customer": str(acme.organization_id)}
    voided = [(await operator.post(path, json=body)).json() for _ in range(2)]
    assert [(each["used"], each["remaining"], bool(each["voided_at"])) for each in voided] == [(1, 0, True)] * 2
    assert await codes(acme, "paid", 1) == [402]
    missing = await operator.post(f"/api/usage/grants/{ANN}/void", json=body)
    assert (missing.status_code, missing.json()["code"]) == (404, "grant_not_found")


async def test_of_the_same_grant_many_times_at_once_one_is_made(operator: httpx.AsyncClient, acme: Customer) -> None:
    answers = await asyncio.gather(*(grant(operator, acme, 5, external_id="ticket-1") for _ in range(8)))
    assert sorted(each.status_code for each in answers) == [200] * 7 + [201]
    assert len({each.json()["id"] for each in answers}) == 1
    assert (await limit_of(acme, "paid"))["credits"] == 5


async def test_several_workers_together_draw_no_more_than_was_granted(
    runtime: Runtime, operator: httpx.AsyncClient, acme: Customer
) -> None:
    await grant(operator, acme, 4)
    await grant(operator, acme, 3)
    other = Gate(runtime)
    access = await other.access(acme.organization_id)
    _, _, wanted = other.consumption(acme.key.actor, access, "paid", 1, key=None, at=None)
    try:
        theirs = [other.counters.consuming.submit(wanted) for _ in range(10)]
        ours = [call(acme, "track", "paid") for _ in range(10)]
        outcomes, answers = await asyncio.gather(*theirs), await asyncio.gather(*ours)
    finally:
        await other.close()
    admitted = [each.verdict.value == "admitted" for each in outcomes] + [each.status_code == 200 for each in answers]
    assert sum(admitted) == 3 + 7
    data = (await acme.client.get("/api/usage/grants")).json()["data"]
    assert [each["remaining"] for each in data] == [0, 0]


async def test_arrays_keep_to_the_same_limits(operator: httpx.AsyncClient, acme: Customer) -> None:
    await grant(operator, acme, 2)
    wishes = [
        *({"feature": "shared", "member": ANN} for _ in range(4)),
        {"feature": "shared", "count": 2, "member": BEN},
        *({"feature": "paid"} for _ in range(6)),
        *({"feature": "rolling"} for _ in range(4)),
        {"feature": "daily", "count": 6},
    ]
    answer = await acme.client.post("/api/usage/track/batch", json={"items": wishes})
    said = [each["status"] for each in answer.json()["data"]]
    assert said[:5] == ["recorded"] * 3 + ["refused", "recorded"]
    assert said[5:11] == ["recorded"] * 5 + ["refused"]
    assert said[11:15] == ["recorded"] * 3 + ["refused"]
    assert said[15:] == ["refused"]
    assert (await call(acme, "check", "shared", member=ANN)).json()["member"]["used"] == 3


async def test_a_key_counts_for_the_member_who_made_it(
    runtime: Runtime, application: httpx.ASGITransport, acme: Customer
) -> None:
    async with runtime.transaction() as tx:
        user = await identity.register_user(tx, email="ann@example.com", password_hash=None, name="Ann")
        _, secret = await identity.create_key(
            tx,
            organization_id=acme.organization_id,
            created_by=user.id,
            name="Ann's",
            kind=identity.KeyKind.LIVE,
            scopes=(),
            expires_at=None,
        )
    async with client_of(application, secret) as client:
        taken = await client.post("/api/usage/track", json={"feature": "shared", "count": 3})
        assert taken.json()["member"] == {"id": str(user.id), "used": 3, "limit": 3, "remaining": 0}
        assert (await client.post("/api/usage/track", json={"feature": "shared"})).json()["scope"] == "member"
    assert await codes(acme, "shared", 1) == [200]


async def told(runtime: Runtime) -> list[tuple[int, int]]:
    query = "select args->>'percent', args->>'limit' from procrastinate_jobs where task_name like %s order by id"
    async with await runtime.database.connect(application="test") as connection:
        rows = await (await connection.execute(query, ["%announce_threshold"])).fetchall()
    return [(int(percent), int(limit)) for percent, limit in rows]


async def test_a_top_up_and_a_reset_arm_the_thresholds_again_and_nothing_else_does(
    runtime: Runtime, clock: FixedClock, operator: httpx.AsyncClient, acme: Customer
) -> None:
    assert await codes(acme, "paid", 1, 1) == [200, 200]
    assert await told(runtime) == [(50, 2), (100, 2)]
    await grant(operator, acme, 4)
    assert await codes(acme, "paid", 1, 1, 1, 1) == [200] * 4
    assert await told(runtime) == [(50, 2), (100, 2), (50, 6), (100, 6)]
    assert await codes(acme, "paid", 1, 1) == [200, 402]
    assert len(await told(runtime)) == 4
    clock.advance(timedelta(days=31))
    assert await codes(acme, "paid", 1) == [200]
    assert await told(runtime) == [(50, 2), (100, 2), (50, 6), (100, 6), (50, 2)]


async def test_a_gauge_is_set_and_only_its_rise_can_be_refused(acme: Customer) -> None:
    async def stand(value: int, feature: str = "seats", **more: Any) -> httpx.Response:
        return await acme.client.post("/api/usage/set", json={"feature": feature, "value": value, **more})

    assert [(await stand(value)).json()["used"] for value in (2, 3, 0, 3)] == [2, 3, 0, 3]
    refused = await stand(4)
    assert (refused.status_code, refused.json()["used"]) == (402, 3)
    assert (await stand(1)).json()["remaining"] == 2
    other = await stand(1, "paid")
    assert (other.status_code, other.json()["code"]) == (422, "not_a_gauge")
    assert (await stand(1, "nothing")).json()["code"] == "unknown_feature"


async def test_nobody_sets_a_gauge_for_a_suspended_organization(
    runtime: Runtime, operator: httpx.AsyncClient, acme: Customer
) -> None:
    async with runtime.transaction() as tx:
        await suspend_organization(tx, acme.organization_id, "unpaid")
    runtime.part(Gate).projection.clear()
    body = {"feature": "seats", "value": 1, "customer": str(acme.organization_id)}
    refused = await operator.post("/api/usage/set", json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "organization_suspended")


BODIES: list[tuple[str, dict[str, Any]]] = [
    ("track", {"feature": "rolling"}),
    ("track", {"feature": "rolling", "count": 4}),
    ("track", {"feature": "daily", "count": 2}),
    ("track", {"feature": "shared", "count": 2, "member": ANN}),
    ("track", {"feature": "shared", "count": 4, "member": ANN}),
    ("track", {"feature": "flowing", "count": 3, "member": ANN}),
    ("track", {"feature": "paid", "count": 9}),
    ("check", {"feature": "paid", "count": 9}),
    ("check", {"feature": "paid", "count": 3}),
]


@pytest.mark.parametrize(("path", "body"), BODIES)
async def test_the_quick_way_answers_alike(
    runtime: Runtime, operator: httpx.AsyncClient, acme: Customer, path: str, body: dict[str, Any]
) -> None:
    await runtime.part(Gate).projection.listener.connected.wait()
    await asyncio.sleep(0.1)
    await grant(operator, acme, 2)
    before = {**body, "idempotency_key": "same"} if path == "track" else body
    first = await acme.client.post(f"/api/usage/{path}", json=before, headers={"x-request-id": "same"})
    quick = await quickly(runtime, acme.secret, path, before, x_request_id="same")
    again = await acme.client.post(f"/api/usage/{path}", json=before, headers={"x-request-id": "same"})
    assert quick is not None
    status, headers, document = quick
    ordinary = facts(again)
    assert (status, document) == (ordinary[0], ordinary[2])
    assert without_own(headers) == without_own({name: value for name, value in ordinary[1].items() if name in headers})
    assert first.status_code == status


async def test_checks_with_more_to_look_at_take_the_ordinary_way(runtime: Runtime, acme: Customer) -> None:
    await runtime.part(Gate).projection.listener.connected.wait()
    await asyncio.sleep(0.1)
    for feature in ("rolling", "daily", "shared"):
        assert (await call(acme, "check", feature)).json()["allowed"] is True
        assert await quickly(runtime, acme.secret, "check", {"feature": feature}) is None
