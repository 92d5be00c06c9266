"""What a check and a track cost beside ten million stored events, how quickly one customer's month is told, and memory.

Two servers run side by side, each on a database of its own: one with ten thousand events stored, one with ten million.

python -m bench.stored [--events 10000000] [--few 10000] [--organizations 100000] [--data DIR [--fill-only]]

Filling takes longest: with `--data` what was filled is kept, and used by the next run.
"""

import argparse
import asyncio
import json
import os
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import psycopg
from rich.console import Console
from rich.table import Table

from bench.__main__ import BODY, CHECKERS, CONNECTIONS, customer_key
from bench.machine import ROUNDS, Load, medians, need, scratch, wrk
from bench.server import Server, running
from bench.webhooks import rank
from tollkeeper.infra.embedded import EmbeddedPostgres

# As many a transaction as arrays of events bring.
PIECE = 10_000
REPORT_EVERY = 500_000
HISTORY_CALLS = 400
CALLERS = 32
# Of a hundred events so many are one customer's own, who is to see a month of them as quickly as the others.
LARGE_SHARE = 10
CATCH_UP_SECONDS = 1800
out = Console(width=140)

_ORGANIZATIONS = """
with made as (
    insert into organizations (id, name, external_id, created_at)
    select uuidv7(), 'Bench ' || n, 'bench-' || n, date_trunc('month', now()) from generate_series(0, %s) n
    returning id, created_at
) insert into gate_standings (organization_id, anchor) select id, created_at from made
"""

# The first, who has the most events, is the one who is looked at where pages are measured, whatever its id.
_KNOWN = """
create table bench_known as
select row_number() over (order by external_id = 'bench-0' desc, id) - 1 as n, id from organizations
where external_id like 'bench-%'
"""

# In the order of time, as they would have come: from the month's start until now.
_EVENTS = """
with chosen as materialized (
    select i, moment, case when random() * 100 < %(share)s then 0 else (random() * (%(last)s - 1))::int + 1 end as n
    from generate_series(%(start)s::bigint, %(end)s - 1) i, lateral (
        select date_trunc('month', now()) + (now() - date_trunc('month', now())) * (i::float8 / %(all)s) as moment) m
), made as (
    insert into usage_events (id, organization_id, meter_id, quantity, at, period_start, idempotency_key)
    select uuidv7(moment - clock_timestamp()), k.id, 1, 1, moment, date_trunc('month', now()), 'stored-' || i
    from chosen c join bench_known k on k.n = c.n
    returning id, organization_id, meter_id, idempotency_key
) insert into usage_event_keys (organization_id, meter_id, key, event_id)
select organization_id, meter_id, idempotency_key, id from made
"""

_COUNTERS = """
insert into usage_counters (organization_id, meter_id, period_start, used)
select organization_id, meter_id, period_start, sum(quantity) from usage_events group by 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """A server, its customers' largest and others' ids, and the key of one more customer who uses it now."""

    server: Server
    key: str
    organizations: int
    database: str


def fill(database: str, organizations: int, events: int) -> None:
    """Write organizations and the events of this month, with their counters."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(_ORGANIZATIONS, [organizations - 1])
    fill_events(database, organizations, events)


def fill_events(database: str, organizations: int, events: int) -> None:
    """Write the events of this month with their counters, for as many organizations named `bench-...` as there are."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(_KNOWN)
        for start in range(0, events, PIECE):
            end = min(start + PIECE, events)
            span = {"start": start, "end": end, "all": events, "last": organizations - 1, "share": LARGE_SHARE}
            connection.execute(_EVENTS, span)
            if end % REPORT_EVERY == 0:
                print(f"  {end:,} of {events:,} events", flush=True)
        connection.execute(_COUNTERS)
        connection.execute("vacuum analyze")


def wait_for_rollups(database: str, events: int) -> float:
    """Wait until usage by the hour has all the events; returns the seconds it took."""
    begun = time.monotonic()
    with psycopg.connect(database, autocommit=True) as connection:
        while time.monotonic() - begun < CATCH_UP_SECONDS:
            row = connection.execute("select coalesce(sum(events), 0) from usage_hours").fetchone()
            if row and row[0] >= events:
                return time.monotonic() - begun
            time.sleep(5)  # the sum takes a good part of a second, and what is waited for needs the machine
    raise TimeoutError("usage by the hour did not catch up")


def compare(few: Stored, many: Stored, events: tuple[int, int]) -> Iterator[tuple[str, str, str, str]]:
    """Measure check and track on both in turn; yields rows for people."""
    for name, connections in (("check", CHECKERS), ("track", CONNECTIONS), ("track", 1)):

        def load(on: Stored, name: str = name, connections: int = connections) -> float:
            found: Load = wrk(f"{on.server.url}/api/usage/{name}", connections=connections, body=BODY, key=on.key)
            assert found.failed == 0, found
            return found.per_second

        little, much = medians({f"{events[0]:,}": lambda: load(few), f"{events[1]:,}": lambda: load(many)}).values()
        yield f"{name}, {connections} connections", f"{little:,.0f}/s", f"{much:,.0f}/s", f"{little / much:.2f} times"


async def history(on: Stored) -> Iterator[tuple[str, str, str, str]]:
    """Ask for a month of usage, of the largest customer and of any."""
    headers = {"Authorization": f"Bearer {on.server.key}"}
    now = datetime.now(UTC)
    span = {"from": now.replace(day=1, hour=0, minute=0, second=0, microsecond=0).isoformat(), "to": now.isoformat()}
    rows = []
    async with httpx.AsyncClient(base_url=on.server.url, headers=headers, trust_env=False, timeout=60) as client:
        for who, most in (("the largest", 0), ("any", on.organizations - 1)):
            for bucket in ("day", "hour"):
                took = []
                for _ in range(HISTORY_CALLS):
                    customer = f"bench-{random.randint(0, most)}"
                    query = urlencode({"customer": customer, "feature": "prompts", "bucket": bucket, **span})
                    begun = time.perf_counter()
                    answer = await client.get(f"/api/usage?{query}")
                    took.append((time.perf_counter() - begun) * 1000)
                    assert answer.status_code == httpx.codes.OK, answer.text
                p50, p95 = rank(took, 0.5), rank(took, 0.95)
                rows.append((f"month of {who} customer by {bucket}", f"p50 {p50:.1f} ms", f"p95 {p95:.1f} ms", ""))
    return iter(rows)


def memory_of(data_dir: Path) -> float:
    """Return what the largest of the serving processes holds now, in MB: the supervisor beside it is small."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            called = (status.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if " serve " in called and str(data_dir) in called:
                line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
                found.append(int(line.split()[1]) / 1024)
        except OSError:
            continue
    return max(found)


async def ask_for_all(on: Stored) -> float:
    """Have every organization ask once, so that the worker knows all of them; returns seconds."""
    waiting = iter(range(on.organizations))
    address = httpx.URL(on.server.url)

    async def caller() -> None:
        reader, writer = await asyncio.open_connection(address.host, address.port)
        for number in waiting:
            body = json.dumps({"feature": "prompts", "customer": f"bench-{number}"}).encode()
            writer.write(
                b"POST /api/usage/check HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
                b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b" % (on.server.key.encode(), len(body), body)
            )
            head = await reader.readuntil(b"\r\n\r\n")
            assert b" 200 " in head.splitlines()[0], head
            length = next(line for line in head.lower().splitlines() if line.startswith(b"content-length"))
            await reader.readexactly(int(length.split(b":")[1]))
        writer.close()

    begun = time.monotonic()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return time.monotonic() - begun


def show(title: str, columns: Sequence[str], rows: Iterator[tuple[str, ...]]) -> None:
    """Print a table."""
    table = Table(*columns, title=title)
    for row in rows:
        table.add_row(*row)
    out.print(table)


def main() -> None:
    """Fill both, then measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--organizations", type=int, default=100_000)
    parser.add_argument("--data", type=Path, help="keep what was filled there")
    parser.add_argument("--fill-only", action="store_true")
    options = parser.parse_args()
    need("wrk")
    os.environ["TOLLKEEPER_RATE_LIMITS"] = "off"
    with ExitStack() as stack:
        folder = options.data or stack.enter_context(scratch())
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)
        sides = []
        for name, events in (("few", options.few), ("many", options.events)):
            postgres = stack.enter_context(EmbeddedPostgres(folder / name))
            database = postgres.start()
            filled = folder / f"{name}-{events}-{options.organizations}"
            if not filled.exists():
                with running(folder / name):
                    pass  # the tables and the catalogue
                begun = time.monotonic()
                fill(database, options.organizations, events)
                out.print(f"{name}: {events:,} events stored in {time.monotonic() - begun:.0f} s")
                filled.touch()
            server = stack.enter_context(running(folder / name))
            sides.append(
                Stored(server, customer_key(server, f"{uuid4()}@example.com"), options.organizations, database)
            )
            out.print(f"{name}: usage by the hour caught up in {wait_for_rollups(database, events):.0f} s")
        if options.fill_only:
            return
        few, many = sides
        columns = ("call", f"{options.few:,} stored", f"{options.events:,} stored", "costs")
        show(f"medians of {ROUNDS}", columns, compare(few, many, (options.few, options.events)))
        show(f"{options.events:,} events stored", ("history", "", "", ""), asyncio.run(history(many)))
        before = memory_of(folder / "many")
        seconds = asyncio.run(ask_for_all(many))
        out.print(
            f"{options.organizations:,} active organizations: the worker holds {memory_of(folder / 'many'):.0f} MB "
            f"(before: {before:.0f} MB), all known after {seconds:.0f} s"
        )


if __name__ == "__main__":
    main()
