"""Months of events go when they were kept long enough, were rolled up and passed on; history and counters stay."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from dateutil.relativedelta import relativedelta
from psycopg import sql
from pydantic import SecretStr

from support import settled
from tollkeeper.infra import Runtime
from tollkeeper.kit import FixedClock, new_id
from tollkeeper.metering import Bucket, define_meter, history, prepare_partitions, retention_report
from tollkeeper.metering.retention import WINDOWS, EventsInUseError, drop_oldest
from tollkeeper.metering.rolling import roll_up
from tollkeeper.metering.rules import Partition, first_id_at, moment_of, partition_of
from tollkeeper.metering.store import tail

ORGANIZATION = UUID(int=7)
KEEP = 3
EVENT = """
insert into usage_events (id, organization_id, meter_id, quantity, at, period_start, idempotency_key)
values (%s, %s, 1, 1, %s, %s, %s)
"""
KEY = "insert into usage_event_keys (organization_id, meter_id, key, event_id) values (%s, 1, %s, %s)"


@pytest.fixture
def month() -> datetime:
    """The first moment of this month, by the machine's clock."""
    return moment_of(new_id()).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture
async def connection(runtime: Runtime) -> AsyncIterator[psycopg.AsyncConnection]:
    runtime.settings = runtime.settings.model_copy(update={"keep_events": KEEP})
    async with runtime.transaction() as tx:
        await prepare_partitions(tx)
        await define_meter(tx, "prompts", event_type="prompts")
    # The owner's: the application makes no months but those to come.
    connection = await psycopg.AsyncConnection.connect(runtime.database.url, autocommit=True)
    yield connection
    for row in await (await connection.execute("select name from made_by_tests")).fetchall():
        await connection.execute(f"drop table if exists {row[0]}".encode())
    await connection.execute("drop table made_by_tests")
    await connection.close()


@pytest.fixture
async def old(connection: psycopg.AsyncConnection, month: datetime) -> list[Partition]:
    """Months before this one with three events each, the oldest first."""
    await connection.execute("create table made_by_tests (name text)")
    made = []
    for ago in range(KEEP + 2, 0, -1):
        start = month - relativedelta(months=ago)
        partition = partition_of(start)
        await connection.execute("insert into made_by_tests values (%s)", (partition.name,))
        await connection.execute(
            f"create table {partition.name} partition of usage_events for values from ('{partition.first}')"
            f" to ('{partition.after}')".encode()
        )
        for number in range(3):
            at = start + timedelta(days=1, hours=number, minutes=30)
            event_id, key = UUID(int=first_id_at(at).int + 1), f"{ago}-{number}"
            await connection.execute(EVENT, (event_id, ORGANIZATION, at, start, key))
            await connection.execute(KEY, (ORGANIZATION, key, event_id))
        made.append(partition)
    now = new_id()
    await connection.execute(EVENT, (now, ORGANIZATION, moment_of(now), month, None))
    return made


async def roll_everything(runtime: Runtime) -> None:
    await settled(runtime)
    async with runtime.transaction() as tx:
        await roll_up(tx)


async def drop_all(runtime: Runtime, most: int = 2) -> int:
    turns, after = 0, None
    while True:
        async with runtime.transaction() as tx:
            after = await drop_oldest(tx, after, most=most)
        if after is None:
            return turns
        turns += 1


async def points(runtime: Runtime, start: datetime, end: datetime) -> list[tuple[datetime, int]]:
    async with runtime.transaction() as tx:
        found = await history(tx, ORGANIZATION, 1, start=start, end=end, bucket=Bucket.HOUR)
    return [(each.start, each.used) for each in found]


async def count(connection: psycopg.AsyncConnection, table: str) -> int:
    query = sql.SQL("select count(*) from {}").format(sql.Identifier(table))
    row = await (await connection.execute(query)).fetchone()
    assert row is not None
    return int(row[0])


async def test_whole_months_go_with_their_keys_and_history_stays(
    runtime: Runtime, connection: psycopg.AsyncConnection, old: list[Partition], month: datetime
) -> None:
    start = month - relativedelta(months=KEEP + 2)
    await roll_everything(runtime)
    before = await points(runtime, start, month)
    assert len(before) == 3 * len(old)
    assert await drop_all(runtime) == 4  # two pieces of keys a month, the second with the drop
    assert await count(connection, "usage_events") == 3 * KEEP + 1
    assert await count(connection, "usage_event_keys") == 3 * KEEP
    assert await points(runtime, start, month) == before
    async with runtime.transaction() as tx:
        found = await retention_report(tx)
    assert found.dropped_until == month - relativedelta(months=KEEP)
    assert (found.due, found.held_up_by) == ((), ())
    assert await drop_all(runtime) == 0


async def test_spans_within_dropped_months_are_by_whole_hours(
    runtime: Runtime, old: list[Partition], month: datetime
) -> None:
    assert old
    await roll_everything(runtime)
    first = month - relativedelta(months=KEEP + 2) + timedelta(days=1)
    cut = (first + timedelta(minutes=45), first + timedelta(hours=1, minutes=45))
    assert await points(runtime, *cut) == [(first + timedelta(hours=1), 1)]
    await drop_all(runtime)
    assert await points(runtime, *cut) == [(first, 1)]


async def test_nothing_goes_before_it_is_rolled_up_and_passed_on(
    runtime: Runtime, connection: psycopg.AsyncConnection, old: list[Partition]
) -> None:
    url = SecretStr("http://127.0.0.1:9/events")
    runtime.settings = runtime.settings.model_copy(update={"clickhouse_url": url})
    everything = 3 * len(old) + 1
    assert await drop_all(runtime) == 0
    async with runtime.transaction() as tx:
        assert (await retention_report(tx)).held_up_by == ("rollups", tail.SINK_CURSOR)
    await roll_everything(runtime)
    assert await drop_all(runtime) == 0
    async with runtime.transaction() as tx:
        assert (await retention_report(tx)).held_up_by == (tail.SINK_CURSOR,)
        await tail.lock_cursor(tx, tail.SINK_CURSOR)
        await tail.move_cursor(tx, tail.SINK_CURSOR, (await tail.next_span(tx, tail.BEFORE_ALL, most=100)).end)
    assert await count(connection, "usage_events") == everything
    assert await drop_all(runtime) == 4


async def test_everything_is_kept_unless_told_otherwise(
    runtime: Runtime, connection: psycopg.AsyncConnection, old: list[Partition]
) -> None:
    runtime.settings = runtime.settings.model_copy(update={"keep_events": None})
    await roll_everything(runtime)
    assert await drop_all(runtime) == 0
    assert await count(connection, "usage_events") == 3 * len(old) + 1


async def test_months_are_of_the_newest_event_when_a_clock_runs_ahead(
    runtime: Runtime, connection: psycopg.AsyncConnection, old: list[Partition], month: datetime
) -> None:
    """The machine's clock may jump; what it says alone drops nothing that the events do not say, too."""
    await roll_everything(runtime)
    await connection.execute("delete from usage_events where id >= %s", (first_id_at(month),))
    async with runtime.transaction() as tx:
        due = (await retention_report(tx)).due
    assert due == (old[0],)


async def test_who_reads_events_is_not_waited_for(
    runtime: Runtime, connection: psycopg.AsyncConnection, old: list[Partition]
) -> None:
    await roll_everything(runtime)
    async with await runtime.database.connect(application="reader") as reader:
        await reader.execute("begin")
        await reader.execute("select count(*) from usage_events")
        with pytest.raises(EventsInUseError):
            await drop_all(runtime, most=100)
        await reader.execute("commit")
    assert await count(connection, "usage_events") == 3 * len(old) + 1
    assert await drop_all(runtime, most=100) == 2


async def test_room_is_made_by_the_machine_s_months_wherever_the_product_s_clock_stands(
    runtime: Runtime, connection: psycopg.AsyncConnection, old: list[Partition], month: datetime
) -> None:
    """The clock of these tests stands in another year; ids do not."""
    assert old
    assert runtime.clock.now().astimezone(UTC) < month
    await connection.execute(EVENT, (new_id(), ORGANIZATION, runtime.clock.now(), month, None))
    async with runtime.transaction() as tx:
        months = (await retention_report(tx)).months
    ahead = [f"{month + relativedelta(months=more):%Y-%m}" for more in range(4)]
    assert set(ahead) <= set(months)


async def test_what_a_rolling_window_needs_stays(
    runtime: Runtime, connection: psycopg.AsyncConnection, old: list[Partition], month: datetime
) -> None:
    """A window is told what leaves it by the events; one that is idle gives its memory up once it is empty."""
    window = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=20)
    last = partition_of(month - relativedelta(months=1))
    since = moment_of(old[0].first) + timedelta(days=3)
    await roll_everything(runtime)
    insert = (
        "insert into usage_counters (organization_id, meter_id, period_start, used, since) values (%s, 1, %s, 9, %s)"
    )
    await connection.execute(insert, (ORGANIZATION, window, since))
    assert isinstance(runtime.clock, FixedClock)
    runtime.clock.advance(moment_of(last.after) - runtime.clock.now())
    async with runtime.transaction() as tx:
        assert (await retention_report(tx)).held_up_by == (WINDOWS,)
    assert await drop_all(runtime) == 0
    runtime.clock.advance(timedelta(days=90))
    await drop_all(runtime)
    assert await count(connection, "usage_counters") == 0
    assert await count(connection, "usage_events") == 3 * KEEP + 1
