"""Arrays of 1,000 events beside a bare COPY of the same rows into the same tables with the same indexes.

    python -m bench.batches            medians of five, at 4 and at 8 connections
    python -m bench.batches profile    processor time of database and worker for one event, part by part

The events of an array are new each time, each with its own idempotency key, and on disk when the answer comes. An
event occupies two tables: its partition, and the one whose unique index lets each key count once, whatever the month.
The bare COPY writes what the server writes of an event into both, as many rows a transaction as the server takes,
packed beforehand; it looks nothing up, decides nothing, counts nothing and rolls nothing up. Beside it stands the COPY
of the events alone, which nothing would keep from counting twice.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import psycopg
from rich.console import Console
from rich.table import Table

from bench.__main__ import customer_key
from bench.machine import ROUNDS, SECONDS, medians, need, scratch
from bench.server import running
from tollkeeper.gate.queueing import MAX_EVENTS
from tollkeeper.infra.embedded import EmbeddedPostgres
from tollkeeper.metering import Bundle, Consumption, CounterKey, Entry, Limit, consume_bundles
from tollkeeper.metering.store import copying

EVENTS = 1_000
CONNECTIONS = (4, 8)
DATA = {"tokens": 12, "model": "gpt-5", "region": "eu-central-1"}
SOMEBODY = UUID(int=1)
BARE = "bare COPY of events and keys"
_REQUEST = """
local pieces = {}
for line in io.lines("%(pieces)s") do pieces[#pieces + 1] = line end
local sent, run = 0, "%(run)s"
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/cloudevents-batch+json"
wrk.headers["Authorization"] = "Bearer %(key)s"
function request()
  sent = sent + 1
  return wrk.format(nil, nil, nil, table.concat(pieces, run .. sent))
end
done = function(summary, latency, requests)
  io.stderr:write(string.format('{"requests": %%d, "microseconds": %%d, "p50": %%d, "p99": %%d, "failed": %%d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout))
end
"""


def pieces() -> list[str]:
    """An array of events cut where the unique part of each id belongs."""
    event = {
        "specversion": "1.0",
        "type": "prompts",
        "source": "bench",
        "time": datetime.now(UTC).isoformat(),
        "data": DATA,
    }
    rest = json.dumps(event)[1:]
    cuts = [f'-{number}", {rest}, {{"id": "' for number in range(EVENTS)]
    cuts[-1] = cuts[-1].removesuffix(', {"id": "') + "]"
    return ['[{"id": "', *cuts]


class Loader:
    """Sends arrays with wrk; every event it ever sends is new."""

    def __init__(self, url: str, key: str, folder: Path) -> None:
        self._url = url
        self._key = key
        self._folder = folder
        self._runs = 0
        (folder / "pieces").write_text("\n".join(pieces()) + "\n")

    def events_per_second(self, connections: int) -> float:
        """Load the server; no answer may be a refusal."""
        time.sleep(1)  # what wrk left behind when it stopped is worked off
        self._runs += 1
        script = self._folder / "arrays.lua"
        run = f"{time.time_ns():x}-{self._runs}-"
        script.write_text(_REQUEST % {"pieces": self._folder / "pieces", "run": run, "key": self._key})
        command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--timeout", "30s", "-s", str(script)]
        ran = subprocess.run([*command, f"{self._url}/api/events"], capture_output=True, text=True, check=True)
        found = json.loads(ran.stderr.strip().splitlines()[-1])
        assert found["failed"] == 0, (found, ran.stdout)
        return float(found["requests"] / found["microseconds"] * EVENTS * 1e6)


def entries(count: int, run: str = "bare") -> list[Entry]:
    """Events like those of an array, as the server sees them."""
    now, text = datetime.now(UTC), json.dumps(DATA).encode()
    return [Entry(1, now, f"bench\x1f{run}-{number}", None, text) for number in range(count)]


def bundle(meter_id: int, of: Sequence[Entry]) -> Bundle:
    """Put events for somebody's counter together."""
    counter = CounterKey(SOMEBODY, meter_id, datetime(2000, 1, 1, tzinfo=UTC))
    return Bundle(Consumption(counter, 1, Limit(None), counter.period_start), of)


def packed(meter_id: int, run: str, *, with_keys: bool) -> list[tuple[str, bytes]]:
    """What one transaction of a bare COPY writes: the statement and the rows for each table."""
    one = bundle(meter_id, entries(MAX_EVENTS, run))
    ids = copying.new_ids(MAX_EVENTS)
    events = copying.COPY_EVENTS.format(month="usage_events"), copying.event_rows(one, one.entries, ids)
    return [events, (copying.COPY_KEYS, copying.key_rows(one, one.entries, ids))] if with_keys else [events]


def bare_copy(database: str, meter_id: int, *, with_keys: bool) -> float:
    """COPY for about as long as the server is loaded; return events a second."""
    run = f"bare-{time.time_ns():x}"
    all_of_it = [packed(meter_id, f"{run}-{number}", with_keys=with_keys) for number in range(4 * SECONDS)]
    with psycopg.connect(database) as connection:
        began = time.perf_counter()
        for transaction in all_of_it:
            for statement, rows in transaction:
                with connection.cursor().copy(statement) as copy:
                    copy.write(copying.HEADER + rows + copying.TRAILER)
            connection.commit()
        return len(all_of_it) * MAX_EVENTS / (time.perf_counter() - began)


def meter_of(database: str) -> int:
    """Return the id of the meter that events count for."""
    with psycopg.connect(database) as connection:
        row = connection.execute("select id from meters where key = 'prompts'").fetchone()
    assert row
    return int(row[0])


def main(wanted: list[str]) -> None:
    """Measure, or profile."""
    need("wrk")
    with scratch() as folder:
        data_dir = folder / "data"
        with EmbeddedPostgres(data_dir) as server, running(data_dir) as ours:
            database = server.start()
            key = customer_key(ours)
            meter_id = meter_of(database)
            if wanted == ["profile"]:
                profile(database, meter_id)
                return
            loader = Loader(ours.url, key, folder)
            measures = {f"{each} connections": partial(loader.events_per_second, each) for each in CONNECTIONS}
            bare = {
                BARE: partial(bare_copy, database, meter_id, with_keys=True),
                "bare COPY of the events alone": partial(bare_copy, database, meter_id, with_keys=False),
            }
            found = medians({**measures, **bare})
    table = Table("arrays of 1,000", "events/s", "beside the bare COPY", title=f"medians of {ROUNDS}")
    for name, rate in found.items():
        table.add_row(name, f"{rate:,.0f}", f"{rate / found[BARE]:.2f}")
    Console().print(table)


Part = Callable[[psycopg.AsyncConnection[Any], Bundle], Awaitable[object]]


async def _copy_events(connection: psycopg.AsyncConnection[Any], of: Bundle) -> None:
    async with connection.cursor().copy(copying.COPY_EVENTS.format(month="usage_events")) as copy:
        rows = copying.event_rows(of, of.entries, copying.new_ids(len(of.entries)))
        await copy.write(copying.HEADER + rows + copying.TRAILER)


async def _copy_keys(connection: psycopg.AsyncConnection[Any], of: Bundle) -> None:
    async with connection.cursor().copy(copying.COPY_KEYS) as copy:
        rows = copying.key_rows(of, of.entries, copying.new_ids(len(of.entries)))
        await copy.write(copying.HEADER + rows + copying.TRAILER)


async def _look_up(connection: psycopg.AsyncConnection[Any], of: Bundle) -> None:
    await copying.seen_bundle_keys(connection, [of])


async def _everything(connection: psycopg.AsyncConnection[Any], of: Bundle) -> None:
    await consume_bundles(connection, [of], datetime.now(UTC))


PARTS: dict[str, Part] = {
    "copy the events": _copy_events,
    "copy their keys": _copy_keys,
    "look their keys up": _look_up,
    "all of it": _everything,
}


async def cost_of(name: str, part: Part, database: str, meter_id: int) -> tuple[float, float]:
    """Processor time for one event, of the database and of this process, in microseconds."""
    batches = [bundle(meter_id, entries(MAX_EVENTS, f"{name}-{time.time_ns()}-{number}")) for number in range(16)]
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        both = [psutil.Process(connection.info.backend_pid), psutil.Process()]
        before = [sum(each.cpu_times()[:2]) for each in both]
        for batch in batches:
            await connection.execute("begin")
            await part(connection, batch)
            await connection.execute("commit")
        after = [sum(each.cpu_times()[:2]) for each in both]
    theirs, ours = ((b - a) / len(batches) / MAX_EVENTS * 1e6 for a, b in zip(before, after, strict=True))
    return theirs, ours


def profile(database: str, meter_id: int) -> None:
    """Print what each part of the work costs an event."""
    table = Table("part", "PostgreSQL", "worker", title="microseconds of processor time an event")
    for name, part in PARTS.items():
        theirs, ours = asyncio.run(cost_of(name, part, database, meter_id))
        table.add_row(name, f"{theirs:.2f}", f"{ours:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
