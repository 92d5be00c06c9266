"""What the file says of limits: over which time, what comes beside them, what contradicts itself."""

from datetime import timedelta

import psycopg
import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from tollkeeper import catalog
from tollkeeper.catalog import CatalogueFileError, EntitlementPeriod, read_catalogue_file, window_in_words
from tollkeeper.infra import Runtime

from .test_apply import apply

FILE = """
features:
  calls: {{name: Calls, kind: metered, unit: call{meter}}}
plans:
  free:
    name: Free
    default: true
    entitlements:
      calls: {limit}
"""


def said(limit: str, meter: str = "") -> str:
    return FILE.format(limit=limit, meter=meter)


@pytest.mark.parametrize(
    ("limit", "meter", "words"),
    [
        ("{limit: 5, period: rolling}", "", "needs a `window`"),
        ("{limit: 5, window: 24h}", "", "belongs to `period: rolling`"),
        ("{limit: 5, period: rolling, window: 30s}", "", "write a number and m, h or d"),
        ("{limit: 5, period: rolling, window: 0m}", "", "write a number and m, h or d"),
        ("{limit: 5, period: rolling, window: 367d}", "", "at most 366d"),
        ("{limit: 5, period: rolling, window: 1h}", ", aggregation: max", "only what is a sum or a count can roll"),
        ("{limit: 5, period: [rolling], window: 1h}", ", aggregation: [max]", ""),
        ("{limit: 5, period: fortnight}", "", "Input should be 'billing'"),
        ("{limit: 5, hard: false, grace: 1}", "", "`grace` goes beyond a hard limit"),
        ("{limit: null, grace: 1}", "", "`grace` goes beyond a hard limit"),
        ("{limit: 5, grace: -1}", "", "greater than or equal to 0"),
        ("{limit: 5, thresholds: [90, 80]}", "", "write them ascending"),
        ("{limit: 5, thresholds: [80, 80]}", "", "write them ascending"),
        ("{limit: 5, thresholds: [0]}", "", "greater than or equal to 1"),
        ("{limit: 5, thresholds: [1001]}", "", "less than or equal to 1000"),
        ("{limit: 5, rollover: 0}", "", "greater than or equal to 1"),
        ("{limit: null, rollover: 3}", "", "nothing is left over of an unlimited amount"),
        ("{limit: 5, period: never, rollover: 3}", "", "nothing is left over at the end of what has no end"),
        ("{limit: 5, rollover: 3}", ", aggregation: latest", "only what is a sum or a count can be left over"),
        ("{limit: 5, per_member: -1}", "", "greater than or equal to 0"),
    ],
)
def test_what_contradicts_itself_is_named(limit: str, meter: str, words: str) -> None:
    with pytest.raises(CatalogueFileError) as caught:
        read_catalogue_file(said(limit, meter))
    told = [f"{each.field}: {each.message}" for each in caught.value.problems]
    assert any("plans.free.entitlements.calls" in each and words in each for each in told), told


@pytest.mark.parametrize(
    ("window", "words"),
    [
        (timedelta(minutes=1), "minute"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(hours=1), "60 minutes"),
        (timedelta(hours=24), "24 hours"),
        (timedelta(days=30), "30 days"),
    ],
)
def test_a_window_is_said_in_its_largest_whole_unit(window: timedelta, words: str) -> None:
    assert window_in_words(window) == words


async def test_all_of_it_is_kept_and_the_difference_said(runtime: Runtime, clean_database: psycopg.Connection) -> None:
    del clean_database
    await apply(runtime, said("{limit: 5}"))
    rich = "{limit: 5, period: calendar_day, grace: 1, thresholds: [50, 100, 150], rollover: 3, per_member: 2}"
    assert await apply(runtime, said(rich)) == [
        (
            "~ entitlement of free: calls 5 (hard, a billing period) becomes 5 (hard, a calendar day; 1 more in grace; "
            "up to 3 carried over; 2 a member; told at 50 %, 100 %, 150 %)"
        )
    ]
    assert await apply(runtime, said(rich)) == []
    async with runtime.transaction() as tx:
        found = (await catalog.get_plan(tx, "free")).entitlements[0]
    assert (found.grace, found.thresholds, found.rollover, found.per_member) == (1, (50, 100, 150), 3, 2)
    assert await apply(runtime, said("{limit: 5, period: rolling, window: 24h, thresholds: []}")) == [
        (
            "~ entitlement of free: calls 5 (hard, a calendar day; 1 more in grace; up to 3 carried over; 2 a member; "
            "told at 50 %, 100 %, 150 %) becomes 5 (hard, any 24 hours; told at nothing)"
        )
    ]
    async with runtime.transaction() as tx:
        found = (await catalog.get_plan(tx, "free")).entitlements[0]
    assert (found.period, found.window, found.thresholds) == (EntitlementPeriod.ROLLING, timedelta(days=1), ())


async def test_anybody_can_read_it(runtime: Runtime, clean_database: psycopg.Connection) -> None:
    del clean_database
    await apply(runtime, said("{limit: 5, period: rolling, window: 90m, grace: 2, per_member: 1}"))
    app = FastAPI()
    app.state.runtime = runtime
    app.include_router(catalog.router, prefix="/api")
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        shown = (await client.get("/api/plans")).json()["data"][0]["entitlements"][0]
    assert (shown["period"], shown["window_seconds"], shown["grace"], shown["per_member"]) == ("rolling", 5400, 2, 1)
    assert (shown["thresholds"], shown["rollover"]) == ([80, 90, 100], None)
