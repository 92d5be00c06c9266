"""Run the proof, or the proof of the spool."""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psycopg
from rich.console import Console

from . import planted, spool, stored
from .checks import broken, judge
from .history import CLOCK_SECONDS, Bound, History
from .load import COLD, HOT, Load
from .report import Report
from .servers import Servers
from .trouble import Trouble

WORKERS = 4
PAUSE_SECONDS, SHORT_PAUSE_SECONDS = 7.0, 1.5
ROUNDS = 2
TELLING_SECONDS = 60.0
LONGER_SECONDS = 120.0
BUILD = Path(__file__).parent.parent / "build"
BOUNDS = {
    "bursts": Bound(250),
    "bytes": Bound(4000),
    "steps": Bound(200, hard=False),
    "work": Bound(120),
    "drops": Bound(4),
}
console = Console(width=120)


def main() -> int:
    """Read the command line; returns the exit code: 0 when every promise held."""
    parser = argparse.ArgumentParser(prog="python -m proof", description=__doc__)
    parser.add_argument("--short", action="store_true", help="every kind of trouble once, in about half a minute")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)), help="of what the callers choose")
    parser.add_argument("--spool", action="store_true", help="instead: a long outage survived by the client's spool")
    parser.add_argument("--outage", type=float, default=600.0, help="how long, in seconds (600)")
    parser.add_argument("--build", type=Path, default=BUILD, help="where the report is written (build)")
    parser.add_argument(
        "--heard-within", type=float, default=CLOCK_SECONDS, help="what a machine that is short of time may need (1 s)"
    )
    wanted = parser.parse_args()
    if wanted.spool:
        return spool.prove(wanted.outage, wanted.build, console)
    return gate(short=wanted.short, seed=wanted.seed, build=wanted.build, heard_within=wanted.heard_within)


def gate(*, short: bool, seed: int, build: Path, heard_within: float) -> int:
    """Prove the gate; returns the exit code."""
    began = time.monotonic()
    say(began, f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="tollkeeper-proof-") as folder:
        Path(folder).chmod(0o711)
        servers = Servers(Path(folder) / "data", WORKERS)
        try:
            servers.begin()
            make_customers(servers)
            say(began, f"{WORKERS} web processes at {servers.url}")
            load = Load(servers.port, servers.operator, seed)
            trouble = Trouble(servers, lambda what: say(began, f"{len(load.calls):>8,} calls  {what}"), heard_within)
            asyncio.run(drive(load, trouble, short=short))
            say(began, f"{len(load.calls):>8,} calls  over; waiting until every threshold is told")
            await_telling(servers)
            found = stored.read(servers.database)
        finally:
            servers.stop()
            build.mkdir(parents=True, exist_ok=True)
            (build / "proof-servers.log").write_text("".join(servers.said))
    history = History(load.calls, trouble.times, BOUNDS)
    say(began, "holding what was seen against what is stored")
    findings = judge(history, found)
    missed = [] if broken(findings) else planted.undiscovered(history, found)
    faults = 0 if broken(findings) else len(planted.FAULTS)
    report = Report(time.monotonic() - began, load.calls, len(found.events), trouble.done, findings, faults, missed)
    report.show(console)
    report.write(build)
    return 0 if report.holds else 1


def make_customers(servers: Servers) -> None:
    """Make everybody who will be called for."""
    headers = {"Authorization": f"Bearer {servers.operator}"}
    with httpx.Client(base_url=servers.url, headers=headers, timeout=30, trust_env=False) as client:
        for name in (*HOT, *COLD):
            client.post("/api/customers", json={"name": name, "external_id": name}).raise_for_status()


async def drive(load: Load, trouble: Trouble, *, short: bool) -> None:
    """Run the load while there is trouble."""
    calling = asyncio.create_task(load.run())
    try:
        await trouble.make(SHORT_PAUSE_SECONDS if short else PAUSE_SECONDS, 1 if short else ROUNDS)
        await until_enough(load)
    finally:
        load.over.set()
        await calling


async def until_enough(load: Load) -> None:
    """Let the load go on until the checks can be tried on it; a machine that is merely slow has not failed.

    Raises:
        TimeoutError: the limit was not reached in two more minutes.
    """
    async with asyncio.timeout(LONGER_SECONDS):
        while not planted.is_enough(load.calls):  # noqa: ASYNC110 - a question to all calls, no one event
            await asyncio.sleep(0.5)


def await_telling(servers: Servers) -> None:
    """Wait until the worker has told every threshold that was noted, for at most a minute."""
    deadline = time.monotonic() + TELLING_SECONDS
    while time.monotonic() < deadline:
        try:
            if not stored.untold(servers.database):
                return
        except psycopg.OperationalError:
            pass
        time.sleep(0.2)


def say(began: float, what: str) -> None:
    """Tell how it goes."""
    console.print(f"[dim]{time.monotonic() - began:6.1f} s[/]  {what}", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
