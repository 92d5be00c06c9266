"""Usage reported after its period ended counts where it happened, until the period is closed."""

import json
from datetime import datetime, timedelta

import httpx
import psycopg
import pytest

from support import START, Customer
from tollkeeper.billing import EntitlementsChanged
from tollkeeper.gate import Gate, Quick
from tollkeeper.infra import Runtime
from tollkeeper.kit import FixedClock
from tollkeeper.metering import counters_replay

SECOND = timedelta(seconds=1)
FIRST_MONTH_ENDS = datetime.fromisoformat("2026-04-10T12:00:00Z")
LATE_FOR = timedelta(days=3)


def stand_at(clock: FixedClock, moment: datetime) -> None:
    clock.advance(moment - clock.now())


async def bought(runtime: Runtime, customer: Customer, plan: str | None, start: datetime, days: int = 30) -> None:
    """Tell the gate what billing would tell it, and have it hear."""
    async with runtime.transaction() as tx:
        await tx.emit(
            EntitlementsChanged(
                organization_id=customer.organization_id,
                plan=plan,
                period_start=start if plan else None,
                period_end=start + timedelta(days=days) if plan else None,
            )
        )
    runtime.part(Gate).projection.clear()


async def track(customer: Customer, at: datetime, count: int = 1, feature: str = "prompts") -> httpx.Response:
    body = {"feature": feature, "count": count, "at": at.isoformat()}
    return await customer.client.post("/api/usage/track", json=body)


async def used_now(customer: Customer) -> int:
    answer = await customer.client.post("/api/usage/check", json={"feature": "prompts"})
    return int(answer.json()["used"])


async def test_late_usage_counts_in_the_period_it_happened_in(
    runtime: Runtime, clock: FixedClock, ada: Customer
) -> None:
    await track(ada, START, 5)
    stand_at(clock, FIRST_MONTH_ENDS + timedelta(days=1))
    await track(ada, clock.now(), 100)
    late = await track(ada, FIRST_MONTH_ENDS - SECOND, 7)
    assert (late.status_code, late.json()["used"], late.json()["reset_at"]) == (200, 12, "2026-04-10T12:00:00Z")
    assert await used_now(ada) == 100
    async with runtime.transaction() as tx:
        assert await counters_replay(tx) == []


async def test_a_period_is_closed_when_its_time_for_late_usage_is_over(clock: FixedClock, ada: Customer) -> None:
    stand_at(clock, FIRST_MONTH_ENDS + LATE_FOR - SECOND)
    assert (await track(ada, START)).status_code == 200
    stand_at(clock, FIRST_MONTH_ENDS + LATE_FOR)
    refused = await track(ada, START)
    problem = refused.json()
    assert (refused.status_code, problem["code"], problem["closed_since"]) == (
        422,
        "period_closed",
        "2026-04-13T12:00:00+00:00",
    )
    assert problem["errors"][0]["field"] == "at"


async def test_a_hard_limit_holds_in_the_earlier_period(clock: FixedClock, ada: Customer) -> None:
    assert (await track(ada, START, 999)).status_code == 200
    stand_at(clock, FIRST_MONTH_ENDS + SECOND)
    assert (await track(ada, START, 2)).json()["code"] == "quota_exceeded"
    assert (await track(ada, START, 1)).json()["remaining"] == 0
    assert await used_now(ada) == 0


async def test_what_held_then_is_what_was_bought_then(runtime: Runtime, clock: FixedClock, ada: Customer) -> None:
    """Free until the 20th, Pro from then on, Premium since its renewal: each has its own counter and limit."""
    purchase = START + timedelta(days=10)
    await track(ada, START, 900)
    stand_at(clock, purchase + SECOND)
    await bought(runtime, ada, "pro", purchase)
    pro = await track(ada, purchase + SECOND, 2000)
    free = await track(ada, purchase - SECOND, 50)
    assert (free.json()["used"], free.json()["limit"]) == (950, 1000)
    renewal = purchase + timedelta(days=30)
    stand_at(clock, renewal + timedelta(days=1))
    await bought(runtime, ada, "premium", renewal)
    late = await track(ada, renewal - SECOND, 5)
    assert (late.json()["used"], late.json()["limit"]) == (2005, pro.json()["limit"])
    assert late.json()["reset_at"] == renewal.isoformat().replace("+00:00", "Z")
    assert await used_now(ada) == 0


async def test_after_the_end_of_a_plan_its_last_period_still_takes_late_usage(
    runtime: Runtime, clock: FixedClock, ada: Customer
) -> None:
    purchase = START + timedelta(days=5)
    stand_at(clock, purchase)
    await bought(runtime, ada, "pro", purchase)
    await track(ada, purchase, 3000)
    stand_at(clock, purchase + timedelta(days=30, hours=1))
    await bought(runtime, ada, None, purchase)
    late = await track(ada, purchase + timedelta(days=26) - SECOND, 4)
    assert late.json()["used"] == 3004
    assert (await track(ada, clock.now(), 6)).json()["used"] == 6


@pytest.mark.usefixtures("application")
async def test_a_plan_given_back_after_it_was_withheld_is_known_by_both_moments(
    runtime: Runtime, clock: FixedClock, ada: Customer
) -> None:
    await bought(runtime, ada, "pro", START)
    stand_at(clock, START + timedelta(days=5))
    await bought(runtime, ada, None, START)
    stand_at(clock, START + timedelta(days=8))
    await bought(runtime, ada, "pro", START)
    past = await runtime.part(Gate).projection.past(ada.organization_id)
    assert [(since - START, access.plan) for since, access in past] == [
        (timedelta(days=8), "pro"),
        (timedelta(days=5), "free"),
        (timedelta(0), "pro"),
        (timedelta(0), "free"),
    ]


async def test_before_the_organization_was_made_is_no_period(clock: FixedClock, ada: Customer) -> None:
    stand_at(clock, START + timedelta(hours=1))
    assert (await track(ada, START - SECOND)).json()["code"] == "outside_period"


async def test_the_quick_way_leaves_late_usage_to_the_ordinary_one(
    runtime: Runtime, clock: FixedClock, ada: Customer
) -> None:
    stand_at(clock, FIRST_MONTH_ENDS + SECOND)
    assert (await track(ada, clock.now())).status_code == 200
    headers = [(b"authorization", f"Bearer {ada.secret}".encode())]
    body = json.dumps({"feature": "prompts", "at": START.isoformat()}).encode()

    class Nobody:
        def write(self, status: int, rest: bytes) -> None:
            raise AssertionError(f"the quick way answered {status}: {rest!r}")

    assert not runtime.part(Quick).take(b"/api/usage/track", headers, body, Nobody())
    assert (await track(ada, START)).json()["used"] == 1


async def test_thresholds_of_the_earlier_period_are_told_of_it(
    clock: FixedClock, ada: Customer, clean_database: str
) -> None:
    stand_at(clock, FIRST_MONTH_ENDS + SECOND)
    await track(ada, START, 800)
    async with await psycopg.AsyncConnection.connect(clean_database) as connection:
        told = await connection.execute(
            "select args ->> 'period_start', args ->> 'percent' from procrastinate_jobs"
            " where task_name = 'metering.announce_threshold'"
        )
        assert await told.fetchall() == [(START.isoformat(), "80")]


async def test_arrays_of_calls_count_late_ones_where_they_happened(clock: FixedClock, ada: Customer) -> None:
    stand_at(clock, FIRST_MONTH_ENDS + timedelta(days=1))
    moments = [START, clock.now(), FIRST_MONTH_ENDS - SECOND, START - timedelta(days=60)]
    items = [{"feature": "prompts", "count": 10 + n, "at": at.isoformat()} for n, at in enumerate(moments)]
    answer = await ada.client.post("/api/usage/track/batch", json={"items": items})
    verdicts = [each["status"] for each in answer.json()["data"]]
    assert (answer.status_code, verdicts) == (200, ["recorded", "recorded", "recorded", "invalid"])
    assert answer.json()["data"][3]["code"] == "outside_period"
    assert (await track(ada, START)).json()["used"] == 23
    assert await used_now(ada) == 11


async def test_what_was_recorded_before_its_period_closed_is_a_repeat(
    runtime: Runtime, clock: FixedClock, ada: Customer
) -> None:
    body = {"feature": "prompts", "count": 5, "at": START.isoformat(), "idempotency_key": "job-1"}
    old = {"specversion": "1.0", "id": "1", "source": "log", "type": "prompts", "time": START.isoformat()}
    event = json.dumps([old]).encode()
    kind = {"Content-Type": "application/cloudevents-batch+json"}
    assert (await ada.client.post("/api/usage/track", json=body)).status_code == 200
    assert (await ada.client.post("/api/events", content=event, headers=kind)).status_code == 204
    stand_at(clock, FIRST_MONTH_ENDS + LATE_FOR)
    again = await ada.client.post("/api/usage/track", json=body)
    assert (again.status_code, again.json()["used"], again.json()["reset_at"]) == (200, 6, "2026-04-10T12:00:00Z")
    items = [body, body | {"idempotency_key": "job-2"}, {"feature": "prompts"}]
    bulk = (await ada.client.post("/api/usage/track/batch", json={"items": items})).json()["data"]
    assert [(each["status"], each["code"]) for each in bulk] == [
        ("repeated", None),
        ("invalid", "period_closed"),
        ("recorded", None),
    ]
    fresh = {"specversion": "1.0", "id": "2", "source": "log", "type": "prompts"}
    both = json.dumps([old, fresh]).encode()
    assert (await ada.client.post("/api/events", content=both, headers=kind)).status_code == 204
    unknown = json.dumps([old | {"id": "3"}, fresh]).encode()
    refused = await ada.client.post("/api/events", content=unknown, headers=kind)
    assert [each["field"] for each in refused.json()["errors"]] == ["0.time"]
    assert await used_now(ada) == 2
    async with runtime.transaction() as tx:
        assert await counters_replay(tx) == []
