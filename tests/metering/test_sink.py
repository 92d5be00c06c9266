"""Events reach ClickHouse at least once and count there once, whatever is killed; the real client, a real engine."""

import asyncio
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import clickhouse_connect
import httpx
import pytest
from pydantic import SecretStr

from support import START, settled
from tollkeeper.infra import Runtime
from tollkeeper.metering import (
    Aggregation,
    ClickHouseSink,
    Consumption,
    Correction,
    CounterKey,
    Limit,
    SinkUnavailableError,
    consume,
    correct,
    counters_of_periods,
    define_meter,
    list_events,
    pass_events_on,
    pass_on,
    prepare_partitions,
    provide_sink,
    sink_lag,
)
from tollkeeper.metering.sink import passing
from tollkeeper.rating import Period

SERVER = Path(__file__).with_name("clickhouse_server.py")
ORGANIZATION = UUID(int=7)
UNLIMITED = Limit(None)
WAIT_SECONDS = 30.0

DIES_AFTER_INSERTING = """
import asyncio, os, signal, sys
from pathlib import Path
from tollkeeper.infra import load_settings
from tollkeeper.metering import ClickHouseSink, pass_on
from tollkeeper.wiring import build_runtime

class Sink(ClickHouseSink):
    async def insert(self, events):
        await super().insert(events)
        os.kill(os.getpid(), signal.SIGKILL)

runtime = build_runtime(load_settings(data_dir=Path(sys.argv[3])), sys.argv[1])
asyncio.run(pass_on(runtime, Sink(sys.argv[2]), most=30))
"""


class Server:
    """The engine behind its own process, started and killed at will; what it took it keeps."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://tollkeeper:secret@127.0.0.1:{self.port}"
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [sys.executable, str(SERVER), str(self._folder), str(self.port)]
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == str(self.port)

    def stop(self) -> None:
        """End it in an orderly way: what matters here is that it is gone, not what it was doing."""
        if self._process is not None:
            try:
                self._process.communicate(timeout=WAIT_SECONDS)
            except subprocess.TimeoutExpired:  # the engine, when told to end, at times waits for itself
                self._process.kill()
                self._process.communicate()
            self._process = None

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        client = clickhouse_connect.get_client(dsn=self.url, autogenerate_session_id=False)
        try:
            return [tuple(row) for row in client.query(query).result_rows]
        finally:
            client.close()

    def counts(self, *, final: bool = True) -> tuple[object, ...]:
        """How many events count, and what they sum to; without `final`, with every repeat and version."""
        return self.rows(f"select count(), sum(quantity) from tollkeeper_usage_events {'final' if final else ''}")[0]  # noqa: S608 - our own words


@pytest.fixture(scope="module")
def engine() -> Iterator[Server]:
    if importlib.util.find_spec("chdb") is None:
        pytest.skip("no chdb; install it with `pip install -r requirements/clickhouse.txt`")
    folder = Path(tempfile.mkdtemp(prefix="tk-", dir="/tmp"))
    server = Server(folder)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def server(engine: Server) -> Server:
    engine.rows("select 1")
    client = clickhouse_connect.get_client(dsn=engine.url, autogenerate_session_id=False)
    client.command("drop table if exists tollkeeper_usage_events")
    client.close()
    return engine


@pytest.fixture
async def sink(server: Server) -> AsyncIterator[ClickHouseSink]:
    sink = ClickHouseSink(server.url)
    yield sink
    await sink.close()


class Meters:
    """Two meters, and what they count."""

    def __init__(self, runtime: Runtime, counters: dict[str, CounterKey]) -> None:
        self.runtime = runtime
        self.counters = counters

    async def take(self, *quantities: int, meter: str = "prompts") -> None:
        wanted = [
            Consumption(
                self.counters[meter],
                quantity,
                UNLIMITED,
                START + timedelta(seconds=number),
                properties='{"model": "größer"}',
            )
            for number, quantity in enumerate(quantities)
        ]
        async with await self.runtime.database.connect(application="test") as connection, connection.pipeline():
            await connection.execute("begin")
            await consume(connection, wanted, START)
            await connection.execute("commit")

    async def correct(self, quantity: int, to: int | None) -> None:
        """Correct the event that was recorded with this quantity."""
        async with self.runtime.transaction() as tx:
            counter = self.counters["prompts"]
            span = Period(START - timedelta(days=1), START + timedelta(days=1))
            page = await list_events(tx, ORGANIZATION, counter.meter_id, span, cursor=None, limit=100)
            event = next(each for each in page.data if each.versions[0].quantity == quantity)
            wish = Correction(to, "a test", None)
            await correct(tx, event, wish, limit=UNLIMITED, aggregation=Aggregation.SUM)

    async def used(self) -> dict[str, int]:
        async with self.runtime.transaction() as tx:
            found = await counters_of_periods(tx, list(self.counters.values()))
        return {name: found.get(key, 0) for name, key in self.counters.items()}


@pytest.fixture
async def meters(runtime: Runtime) -> Meters:
    async with runtime.transaction() as tx:
        await prepare_partitions(tx)
        made = [await define_meter(tx, key, event_type=key) for key in ("prompts", "tokens")]
    return Meters(runtime, {each.key: CounterKey(ORGANIZATION, each.id, START) for each in made})


async def everything(runtime: Runtime, sink: ClickHouseSink, *, most: int = 40) -> None:
    await settled(runtime)
    while not await pass_on(runtime, sink, most=most):
        pass


async def until(what: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not await what():  # noqa: ASYNC110 - what is waited for is in the database
            await asyncio.sleep(0.05)


async def test_the_totals_are_those_of_the_counters(
    runtime: Runtime, meters: Meters, server: Server, sink: ClickHouseSink
) -> None:
    await meters.take(*range(1, 101))
    await meters.take(5, 7, meter="tokens")
    await everything(runtime, sink)
    await meters.correct(10, 1000)
    await meters.correct(20, None)
    await meters.correct(30, None)
    await meters.correct(30, 33)
    await everything(runtime, sink)
    query = "select meter, sum(quantity) from tollkeeper_usage_events final group by meter"
    assert dict(server.rows(query)) == await meters.used()
    [row] = server.rows(
        "select organization_id, properties, at, reason from tollkeeper_usage_events final where revision = 1"
    )
    assert row == (ORGANIZATION, '{"model": "größer"}', START.replace(tzinfo=None) + timedelta(seconds=9), "a test")


async def test_killed_between_insert_and_cursor_nothing_is_lost_and_nothing_counts_twice(
    runtime: Runtime, meters: Meters, server: Server, sink: ClickHouseSink, tmp_path: Path
) -> None:
    await meters.take(*range(1, 101))
    command = [sys.executable, "-c", DIES_AFTER_INSERTING, runtime.database.url, server.url, str(tmp_path)]
    for _ in range(2):
        dying = await asyncio.create_subprocess_exec(*command, env={**os.environ, "TOLLKEEPER_ENV": "test"})
        assert await dying.wait() == -signal.SIGKILL
    assert server.counts() == (30, sum(range(1, 31)))
    await everything(runtime, sink)
    assert server.counts() == (100, sum(range(1, 101)))
    assert server.counts(final=False)[0] == 160, "the first thirty were inserted three times"


async def test_while_the_store_is_gone_events_wait(
    runtime: Runtime, meters: Meters, server: Server, sink: ClickHouseSink
) -> None:
    await meters.take(1, 2)
    await everything(runtime, sink)
    await asyncio.to_thread(server.stop)
    await meters.take(3, 4)
    await settled(runtime)
    for _ in range(2):
        with pytest.raises(SinkUnavailableError):
            await pass_on(runtime, sink)
    assert str(server.port) in str(await sink.problem())
    assert "secret" not in str(await sink.problem())
    async with runtime.transaction() as tx:
        assert await sink_lag(tx) > timedelta()
    await asyncio.to_thread(server.start)
    await everything(runtime, sink)
    assert await sink.problem() is None
    assert server.counts() == (4, 10)
    async with runtime.transaction() as tx:
        assert await sink_lag(tx) == timedelta()


async def test_of_several_processes_one_passes_on_and_another_takes_over(
    runtime: Runtime, meters: Meters, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passing, "PAUSE_SECONDS", 0.05)
    runtime.settings = runtime.settings.model_copy(update={"clickhouse_url": SecretStr(server.url)})
    provide_sink(runtime)
    first = asyncio.create_task(pass_events_on(runtime))
    await meters.take(1, 2, 3)

    async def caught_up() -> bool:
        async with runtime.transaction() as tx:
            return await sink_lag(tx) == timedelta()

    await until(caught_up)
    second = asyncio.create_task(pass_events_on(runtime))
    await meters.take(4, 5)
    await until(caught_up)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await meters.take(6)
    await until(caught_up)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    assert server.counts(final=False) == (6, 21), "nobody passed on what another one did"


async def test_a_wrong_password_is_told(server: Server) -> None:
    sink = ClickHouseSink(server.url.replace("secret", "guessed"))
    problem = str(await sink.problem())
    assert "AUTHENTICATION_FAILED" in problem
    assert "guessed" not in problem
    await sink.close()


@pytest.mark.usefixtures("application")
async def test_health_and_metrics_tell_of_it(
    runtime: Runtime, server: Server, nobody: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "clickhouse" not in (await nobody.get("/health")).json()["checks"]
    runtime.settings = runtime.settings.model_copy(update={"clickhouse_url": SecretStr(server.url)})
    provide_sink(runtime)
    told = (await nobody.get("/health")).json()["checks"]["clickhouse"]
    assert told["status"] == "ok", told
    assert "tollkeeper_sink_lag_seconds 0.0" in (await nobody.get("/metrics")).text
    monkeypatch.setattr(passing, "TOO_LATE", timedelta(seconds=-1))
    told = (await nobody.get("/health")).json()
    assert (told["checks"]["clickhouse"]["status"], told["status"]) == ("failing", "degraded")
    assert "has been waiting" in told["checks"]["clickhouse"]["problem"]


async def test_without_an_address_nothing_is_passed_on(runtime: Runtime) -> None:
    provide_sink(runtime)
    await pass_events_on(runtime)
