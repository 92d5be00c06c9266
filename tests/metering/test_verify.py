"""The check of counters and hours against events finds nothing where all is well, and every one that lies."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from tollkeeper.infra import Runtime
from tollkeeper.kit import new_id
from tollkeeper.metering import Aggregation, Verified, verify_usage
from tollkeeper.metering import checks as checked

from .ledger import DAY, ORGANIZATION, Ledger, ledger_of, turn

COUNTER = """
insert into usage_counters (organization_id, meter_id, period_start, member_id, used, since)
values (%s, %s, %s, %s, %s, %s)
"""
NOBODY = UUID(int=0)
LATER = DAY + timedelta(days=40)


async def check(runtime: Runtime) -> Verified:
    """Everything in one answer."""
    pieces = [piece async for piece in verify_usage(runtime)]
    return Verified(
        None,
        sum(piece.pairs for piece in pieces),
        sum(piece.unchecked for piece in pieces),
        tuple(each for piece in pieces for each in piece.counters),
        tuple(each for piece in pieces for each in piece.hours),
    )


async def count(connection: psycopg.AsyncConnection, ledger: Ledger, used: int) -> None:
    await connection.execute(COUNTER, (ORGANIZATION, ledger.meter.id, DAY, NOBODY, used, None))


@pytest.fixture(params=list(Aggregation))
async def ledger(request: pytest.FixtureRequest, runtime: Runtime, connection: psycopg.AsyncConnection) -> Ledger:
    """Forty events and corrections, most of them rolled up, with a counter that is right."""
    ledger = await ledger_of(runtime, connection, request.param, seed=11)
    await ledger.record(40)
    for _ in range(8):
        await ledger.correct()
    await turn(runtime, 45)
    await count(connection, ledger, ledger.total())
    return ledger


async def test_nothing_is_found_where_all_is_well(runtime: Runtime, ledger: Ledger) -> None:
    found = await check(runtime)
    assert (found.pairs, found.unchecked, found.findings) == (1, 0, [])
    await turn(runtime, 100)
    assert (await check(runtime)).findings == []
    assert ledger.facts


async def test_a_counter_that_lies_is_named_with_both_numbers(
    runtime: Runtime, connection: psycopg.AsyncConnection, ledger: Ledger
) -> None:
    await connection.execute("update usage_counters set used = used + 1")
    (found,) = (await check(runtime)).counters
    assert (found.key.meter_id, found.used, found.replayed) == (ledger.meter.id, ledger.total() + 1, ledger.total())
    assert "stands at" in (await check(runtime)).findings[0]


async def test_a_counter_that_is_missing(runtime: Runtime, connection: psycopg.AsyncConnection, ledger: Ledger) -> None:
    await connection.execute("delete from usage_counters")
    (found,) = (await check(runtime)).counters
    assert (found.used, found.replayed) == (0, ledger.total())


async def test_an_hour_that_lies_and_one_that_is_missing(
    runtime: Runtime, connection: psycopg.AsyncConnection, ledger: Ledger
) -> None:
    hours = await (await connection.execute("select distinct hour from usage_hours order by 1 limit 2")).fetchall()
    await connection.execute("update usage_hours set used = used + 1, events = events + 1 where hour = %s", hours[0])
    await connection.execute("delete from usage_hour_values where hour = %s", hours[0])
    await connection.execute("delete from usage_hours where hour = %s", hours[1])
    found = (await check(runtime)).hours
    assert [each.hour for each in found] == [hours[0][0], hours[1][0]]
    assert ledger.facts


async def test_a_rolling_window_holds_what_happened_since(
    runtime: Runtime, connection: psycopg.AsyncConnection
) -> None:
    ledger = await ledger_of(runtime, connection, Aggregation.SUM, seed=3)
    await ledger.record(30)
    await count(connection, ledger, ledger.total())
    since, window = DAY + timedelta(days=1), datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=2)
    inside = sum(fact.quantity for fact in ledger.facts if fact.at > since)
    await connection.execute(COUNTER, (ORGANIZATION, ledger.meter.id, window, NOBODY, inside, since))
    assert (await check(runtime)).findings == []
    await connection.execute(
        "update usage_counters set since = %s where since is not null", (since - timedelta(days=1),)
    )
    (found,) = (await check(runtime)).counters
    assert (found.key.period_start, found.used) == (window, inside)


async def test_a_member_s_counter_holds_the_member_s_events(
    runtime: Runtime, connection: psycopg.AsyncConnection
) -> None:
    ledger = await ledger_of(runtime, connection, Aggregation.SUM, seed=3)
    await ledger.record(9)
    await count(connection, ledger, ledger.total())
    member, other = new_id(), new_id()
    for who, fact in zip([member, other, None] * 3, ledger.facts, strict=True):
        await connection.execute("update usage_events set member_id = %s where id = %s", (who, fact.id))
    theirs = sum(fact.quantity for fact in ledger.facts[::3])
    await connection.execute(COUNTER, (ORGANIZATION, ledger.meter.id, DAY, member, theirs, None))
    assert (await check(runtime)).findings == []
    await connection.execute("update usage_counters set used = used + 2 where member_id = %s", (member,))
    (found,) = (await check(runtime)).counters
    assert (found.key.member_id, found.used, found.replayed) == (member, theirs + 2, theirs)
    assert f"member {member}" in (await check(runtime)).findings[0]


async def test_what_began_before_the_events_that_are_kept_is_not_told_of(
    runtime: Runtime, connection: psycopg.AsyncConnection, ledger: Ledger
) -> None:
    await connection.execute("update usage_counters set used = used + 5")
    await connection.execute("insert into usage_dropped values (%s, %s)", (LATER, LATER))
    found = await check(runtime)
    assert (found.unchecked, found.findings) == (1, [])
    assert ledger.facts


async def test_pieces_leave_nothing_out(
    runtime: Runtime, connection: psycopg.AsyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checked, "PAIRS_AT_ONCE", 2)
    ledgers = [await ledger_of(runtime, connection, each, seed=5) for each in Aggregation]
    for ledger in ledgers:
        await ledger.record(3)
    found = await check(runtime)
    assert found.pairs == len(ledgers)
    assert {each.key.meter_id for each in found.counters} == {each.meter.id for each in ledgers}
