"""A hundred thousand subscriptions mirrored: what comparing them all takes, and how quickly the status of any is told.

One customer buys for real; the twin's records of that and ours are then multiplied, each in its own database.

python -m bench.mirror [--subscriptions 100000] [--calls 2000]
"""

import argparse
import asyncio
import os
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from hashlib import md5
from pathlib import Path
from uuid import UUID

import httpx
import psycopg
from psycopg import sql
from rich.console import Console

from bench.machine import scratch
from bench.server import Server, running
from bench.webhooks import buy, rank
from tollkeeper.infra.embedded import EmbeddedPostgres

SETTLE_SECONDS = 30
MEGABYTE = 1024 * 1024
# What the twin names things by; prices and products are everybody's.
IDENT = re.compile(r'"((?!price_|prod_|evt_|req_|we_)[a-z]{2,8}_[0-9A-Za-z]{12,})"')
OURS = ("organizations", "billing_customers", "subscriptions", "invoices", "payments", "billing_standings")
out = Console()


def ours(kind: str, number: int) -> str:
    """Return the id we give a copy; the database makes the same in SQL."""
    return str(UUID(md5(f"{kind}{number}".encode()).hexdigest()))


async def buy_one(server: Server) -> None:
    """Have one customer buy, and wait until we know."""
    port = int((server.data_dir / "stripe_twin" / "port").read_text())
    headers = {"Authorization": f"Bearer {server.key}"}
    async with (
        httpx.AsyncClient(base_url=server.url, headers=headers, trust_env=False, timeout=30) as client,
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", auth=("sk_test_tollkeeper", ""), trust_env=False, timeout=30
        ) as twin,
    ):
        await buy(client, twin, 0)
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            answer = await client.get("/api/subscription/status", params={"customer": "bench-0"})
            if answer.json()["plan"] == "pro":
                await asyncio.sleep(2)  # what else is told of the purchase
                return
            await asyncio.sleep(0.2)
    raise TimeoutError("the purchase did not arrive")


def multiply_theirs(data_dir: Path, organization: str, count: int) -> list[str]:
    """Copy what the twin keeps of the purchase `count` times; returns the ids that were copied."""
    [path] = (data_dir / "stripe_twin").glob("**/stripe_twin.sqlite3")
    with sqlite3.connect(path) as db:
        kinds = "('event', 'checkout.session', 'webhook_endpoint', 'price', 'product', 'coupon', 'promotion_code')"
        rows = db.execute(f"select id, kind, created, due_at, body from objects where kind not in {kinds}").fetchall()
        rows = [row for row in rows if not row[0].startswith("tollkeeper")]
        found = sorted({ident for row in rows for ident in IDENT.findall(row[4])} | {row[0] for row in rows})
        pattern = re.compile("|".join(re.escape(each) for each in [*found, organization]))

        def copies() -> Iterator[tuple[object, ...]]:
            for number in range(1, count + 1):
                mine = {each: f"{each}x{number}" for each in found} | {organization: ours("organization", number)}
                for ident, kind, created, due_at, body in rows:
                    yield mine[ident], kind, created, due_at, _renamed(pattern, mine, body)

        db.executemany("insert into objects (id, kind, created, due_at, body) values (?, ?, ?, ?, ?)", copies())
    return found


def _renamed(pattern: re.Pattern[str], names: Mapping[str, str], text: str) -> str:
    return pattern.sub(lambda hit: names[hit[0]], text)


def multiply_ours(database: str, theirs: list[str], count: int) -> None:
    """Copy what we keep of the same purchase, table by table, inside the database."""
    with psycopg.connect(database) as connection:
        kinds: dict[str, str] = {}
        for table in OURS:
            if table != "billing_standings":
                query = sql.SQL("select id from {} t {}").format(sql.Identifier(table), _only(table))
                for (ident,) in connection.execute(query):
                    kinds[str(ident)] = table.removesuffix("s")
        for table in OURS:
            text: sql.Composable = sql.SQL("to_jsonb(t)::text")
            for ident in theirs:
                text = sql.SQL("replace({}, {}, {} || n)").format(text, ident, f"{ident}x")
            for ident, kind in kinds.items():
                text = sql.SQL("replace({}, {}, (md5({} || n)::uuid)::text)").format(text, ident, kind)
            text = sql.SQL("replace({}, {}, {} || n || {})").format(text, '"bench-0"', '"bench-', '"')
            copied = sql.SQL(
                "insert into {table} select r.* from {table} t, generate_series(1, {count}) n, "
                "lateral jsonb_populate_record(null::{table}, {text}::jsonb) r {only}"
            ).format(table=sql.Identifier(table), count=count, text=text, only=_only(table))
            connection.execute(copied)
        connection.commit()
        connection.autocommit = True
        connection.execute("vacuum analyze")


def _only(table: str) -> sql.SQL:
    """Leave out who did not buy, such as the demo login."""
    return sql.SQL("where t.external_id = 'bench-0'" if table == "organizations" else "")


def organization_of(database: str) -> str:
    """Return the id of the organization that bought."""
    with psycopg.connect(database) as connection:
        row = connection.execute("select id from organizations where external_id = 'bench-0'").fetchone()
    assert row
    return str(row[0])


def reconcile(data_dir: Path) -> tuple[float, float, str]:
    """Compare everything; returns seconds, the most memory the command held in MB, and its last words."""
    program = Path(sys.executable).with_name("tollkeeper")
    environment = {**os.environ, "TOLLKEEPER_LOG_LEVEL": "warning"}
    begun = time.monotonic()
    with tempfile.TemporaryFile("w+") as told:
        command = [str(program), "billing", "reconcile", "--data-dir", str(data_dir)]
        process = subprocess.Popen(command, stdout=told, stderr=subprocess.STDOUT, env=environment)
        _, status, used = os.wait4(process.pid, 0)
        told.seek(0)
        words = told.read().strip().splitlines()
    process.returncode = os.waitstatus_to_exitcode(status)
    return time.monotonic() - begun, used.ru_maxrss * 1024 / MEGABYTE, "\n".join(words[-3:])


def memory_of_the_twin(data_dir: Path) -> float:
    """Return the most memory the twin held, in MB; 0 where the system does not tell."""
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            called = (status.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if "stripe_twin" in called and str(data_dir) in called:
                found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
                return int(found[1]) / 1024 if found else 0.0
        except OSError:
            continue
    return 0.0


async def status_calls(server: Server, customers: int, calls: int, stop: Mapping[str, bool]) -> list[float]:
    """Ask for the status of one customer after another, anywhere among them; returns seconds each."""
    chance, took = random.Random(0), list[float]()
    headers = {"Authorization": f"Bearer {server.key}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, trust_env=False, timeout=30) as client:
        while len(took) < calls and not stop.get("now"):
            begun = time.perf_counter()
            customer = f"bench-{chance.randint(1, customers)}"
            answer = await client.get("/api/subscription/status", params={"customer": customer})
            took.append(time.perf_counter() - begun)
            assert answer.json()["plan"] == "pro", answer.text
    return took


async def measure(server: Server, customers: int, calls: int) -> None:
    """Call while nothing else happens, then compare everything beside more calls, and print the figures."""
    quiet = await status_calls(server, customers, calls, {})
    show_calls("status call, nothing else happening", quiet)
    stop: dict[str, bool] = {}
    calling = asyncio.create_task(status_calls(server, customers, sys.maxsize, stop))
    seconds, megabytes, words = await asyncio.to_thread(reconcile, server.data_dir)
    stop["now"] = True
    show_calls("status call, while comparing", await calling)
    out.print(f"reconcile of {customers:,}: {seconds:.0f} s, {megabytes:.0f} MB at most. It said: {words}")
    out.print(f"the twin held {memory_of_the_twin(server.data_dir):.0f} MB at most")


def show_calls(what: str, took: list[float]) -> None:
    """Print how long calls took."""
    p50, p95, p99 = (rank(took, share) * 1000 for share in (0.5, 0.95, 0.99))
    out.print(f"{what}: {len(took)} calls, p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms")


def main() -> None:
    """Fill, then measure on a server of our own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscriptions", type=int, default=100_000)
    parser.add_argument("--calls", type=int, default=2000)
    options = parser.parse_args()
    os.environ["TOLLKEEPER_RATE_LIMITS"] = "off"
    with scratch() as folder:
        data = folder / "data"
        with EmbeddedPostgres(data) as postgres:
            database = postgres.start()
            with running(data) as server:
                asyncio.run(buy_one(server))
            begun = time.monotonic()
            theirs = multiply_theirs(data, organization_of(database), options.subscriptions)
            multiply_ours(database, theirs, options.subscriptions)
            out.print(f"filled with {options.subscriptions:,} subscriptions in {time.monotonic() - begun:.0f} s")
            with running(data) as server:
                asyncio.run(measure(server, options.subscriptions, options.calls))


if __name__ == "__main__":
    main()
