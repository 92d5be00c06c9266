"""A thousand people who log in, look who they are, log out and think, over and over: `python -m bench.logins`.

Of each log-in's time the hash itself is taken off, as it takes on this machine when nothing else runs: waiting for a
turn to hash stays in. Prints the median, the slowest twentieth and hundredth, whatever was no success, and for how long
one log-in, with all that follows it, keeps processors busy: that is hardly moved by what else runs on the machine.
Nothing is measured before everybody is registered and the mails about it are sent.
"""

import asyncio
import os
import random
import statistics
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import psycopg

from bench.machine import scratch
from bench.people import Answer, Caller, database_pid, processor_seconds
from bench.server import Server, running
from tollkeeper.identity import PasswordHasher
from tollkeeper.identity.passwords import LANES, MEMORY_KIB, PASSES
from tollkeeper.infra.embedded import EmbeddedPostgres

PEOPLE = int(os.environ.get("BENCH_PEOPLE", "1000"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "60"))
THINK_SECONDS = float(os.environ.get("BENCH_THINK", "40"))
"""On average between two log-ins of one person, at most twice that: a thousand people log in 25 times a second."""
ENOUGH_MS = 500
PASSWORD = "a long bench password"
HASHES = 20
OK, CREATED = 200, 201
_DUE = """
select from procrastinate_jobs where status = 'doing' or (status = 'todo' and coalesce(scheduled_at, now()) <= now())
"""
# A connection that has nothing to do tells within a second what it did.
_TRANSACTIONS = "select xact_commit from pg_stat_database where datname = current_database()"


@dataclass(slots=True)
class Seen:
    """What happened: times of log-ins in seconds, and answers by call and status."""

    logins: list[float] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)

    async def send(self, caller: Caller, method: str, path: str, **more: Any) -> Answer | None:
        """Make one call and note how it ended; None: there was no answer."""
        try:
            answer = await caller.send(method, path, **more)
        except (OSError, EOFError) as error:
            self.answers[f"{path} {type(error).__name__}"] += 1
            return None
        self.answers[f"{path} {answer.status}"] += 1
        return answer


@dataclass(frozen=True, slots=True)
class Used:
    """For how long processors were busy, in seconds, and how many transactions there were."""

    server: float
    database: float
    people: float
    transactions: int

    @classmethod
    def until_now(cls, server: Server, database: "psycopg.Connection[Any]") -> "Used":
        """Look at all of them."""
        assert server.pid
        row = database.execute(_TRANSACTIONS).fetchone()
        assert row
        of_server, of_database = processor_seconds(server.pid), processor_seconds(database_pid(server.data_dir))
        return cls(of_server, of_database, time.process_time(), row[0])

    def since(self, before: "Used", times: int) -> str:
        """Say what each of so many times took."""
        server, database, people = (
            (getattr(self, name) - getattr(before, name)) / times * 1000 for name in ("server", "database", "people")
        )
        asked = (self.transactions - before.transactions) / times
        return f"server {server:.1f} ms, database {database:.1f} ms in {asked:.1f} transactions; people {people:.1f} ms"


async def hash_seconds() -> float:
    """How long one hash takes here, all else at rest: the median of some."""
    hasher = PasswordHasher(workers=1)
    kept = await hasher.hash(PASSWORD)
    taken = []
    for _ in range(HASHES):
        started = time.perf_counter()
        await hasher.verify(PASSWORD, kept)
        taken.append(time.perf_counter() - started)
    hasher.close()
    return statistics.median(taken)


async def join(url: str, number: int, gate: asyncio.Semaphore) -> None:
    """Make one person an account."""
    async with gate, Caller(url) as caller:
        answer = await caller.send("POST", "/api/auth/register", body=_person(number))
        assert answer.status == CREATED, answer


async def live(url: str, number: int, until: float, seen: Seen) -> None:
    """Be one person until the end, who is found thinking: as many log in at first as ever after."""
    await asyncio.sleep(2 * THINK_SECONDS * (1 - random.random() ** 0.5))
    while time.perf_counter() < until:
        started = time.perf_counter()
        async with Caller(url) as caller:
            entered = await seen.send(caller, "POST", "/api/auth/login", body=_person(number))
            if entered is not None and entered.status == OK:
                seen.logins.append(time.perf_counter() - started)
                bearer = entered.json()["access_token"]
                await seen.send(caller, "GET", "/api/auth/me", bearer=bearer)
                await seen.send(caller, "POST", "/api/auth/logout", bearer=bearer)
        await asyncio.sleep(random.uniform(0, 2 * THINK_SECONDS))


def _person(number: int) -> dict[str, str]:
    return {"email": f"person-{number}@example.com", "password": PASSWORD}


async def everybody_joins(url: str) -> None:
    """Have all of them registered."""
    gate = asyncio.Semaphore(8)
    await asyncio.gather(*(join(url, number, gate) for number in range(PEOPLE)))


async def everybody_lives(url: str) -> Seen:
    """Have all of them come and go, each of them alone."""
    seen = Seen()
    until = time.perf_counter() + SECONDS + THINK_SECONDS
    await asyncio.gather(*(live(url, number, until, seen) for number in range(PEOPLE)))
    return seen


def settle(database: "psycopg.Connection[Any]") -> None:
    """Wait until no mail is to be sent any more."""
    while database.execute(_DUE).fetchone():
        time.sleep(1)


def main() -> int:
    """Run it; the exit status is 1 when anything failed or took too long."""
    one_hash = asyncio.run(hash_seconds()) * 1000
    cost = f"argon2id, {MEMORY_KIB // 1024} MiB, {PASSES} passes, {LANES} lane"
    print(f"{cost}: {one_hash:.1f} ms a hash here, {os.cpu_count()} cores")
    os.environ["TOLLKEEPER_RATE_LIMITS"] = "off"  # a thousand people come from one address
    with ExitStack() as stack:
        folder = stack.enter_context(scratch()) / "data"
        url = stack.enter_context(EmbeddedPostgres(folder)).start()
        server = stack.enter_context(running(folder))
        database = stack.enter_context(psycopg.connect(url, autocommit=True))
        asyncio.run(everybody_joins(server.url))
        settle(database)
        before = Used.until_now(server, database)
        seen = asyncio.run(everybody_lives(server.url))
        used = Used.until_now(server, database)
    apart = sorted(each * 1000 - one_hash for each in seen.logins)
    p50, p95, p99 = (apart[int(len(apart) * share)] for share in (0.5, 0.95, 0.99))
    failed = {name: count for name, count in seen.answers.items() if not name.endswith((" 200", " 204"))}
    print(f"{PEOPLE} people, {len(apart)} log-ins in {SECONDS + THINK_SECONDS:.0f} s")
    print(f"apart from the hash: p50 {p50:.0f} ms, p95 {p95:.0f} ms (wanted: under {ENOUGH_MS}), p99 {p99:.0f} ms")
    print(f"processors, for each log-in with what follows: {used.since(before, len(apart))}")
    print(f"failures: {failed or 'none'}")
    return int(bool(failed) or p95 >= ENOUGH_MS)


if __name__ == "__main__":
    sys.exit(main())
