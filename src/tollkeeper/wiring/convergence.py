"""The convergence kit: a history of events, delivered in many orders, twice and at once, must end in one state.

Each trial begins with an empty mirror in a scratch database that knows the catalogue and the customers, and nothing
else. The provider has come to rest: each thing is asked for once, and answered the same from then on.
"""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from tollkeeper import billing
from tollkeeper.billing import PaymentProvider
from tollkeeper.infra import Database, JobQueue, Runtime, Tx, metadata
from tollkeeper.kit import FieldProblem, InvalidInputError

from .migrate import migrate
from .runtime import subscribe_doors

MIRROR = ("billing_customers", "subscriptions", "invoices", "billing_standings")
# What a history writes, those that refer to others first.
WRITTEN = ("subscription_history", "billing_standings", "subscriptions", "invoices")
KNOWN = ("provider_prices", "billing_customers")
OURS = frozenset({"id", "customer_id", "synced_at", "changed_at", "created_at", "deleted_at"})
AT_ONCE = 4

State = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Trial:
    """One order of delivery and whether it ended as the order in the file. `at_once` is how many came together."""

    number: int
    order: tuple[int, ...]
    at_once: int
    differences: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether it ended differently."""
        return bool(self.differences)

    def __str__(self) -> str:
        order = " ".join(str(each) for each in self.order)
        return f"  order {order} ({self.at_once} at once) differs: {'; '.join(self.differences)}"


class Resting:
    """A provider that has come to rest: what was asked for once is answered the same ever after."""

    def __init__(self, provider: PaymentProvider) -> None:
        self._provider = provider
        self._answers: dict[tuple[str, str], asyncio.Future[Any]] = {}

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._provider, name)
        if not name.startswith("fetch_"):
            return real

        async def ask(ident: str) -> Any:
            if (name, ident) not in self._answers:
                self._answers[name, ident] = asyncio.ensure_future(real(ident))
            return await asyncio.shield(self._answers[name, ident])

        return ask


def read_history(text: str) -> list[bytes]:
    """Read a history: a JSON list of events, or an object whose `data` is one, as the provider lists them.

    Raises:
        InvalidInputError: it is neither, or empty.
    """
    try:
        raw = json.loads(text)
    except ValueError:
        raise _no_history("The file is not JSON.") from None
    events = raw.get("data") if isinstance(raw, dict) else raw
    if not isinstance(events, list) or not events or not all(isinstance(each, dict) for each in events):
        raise _no_history("A JSON list of at least one event is needed.")
    return [json.dumps(each).encode() for each in events]


async def converge(runtime: Runtime, history: Sequence[bytes], *, runs: int, seed: int) -> AsyncIterator[Trial]:
    """Deliver the history `runs` times in orders drawn from `seed`; yields how each ended.

    Raises:
        UnreadableEventError: something in the history is no event.
    """
    events = [runtime.part(PaymentProvider).read_event(body) for body in history]  # type: ignore[type-abstract]
    chance = random.Random(seed)
    with _scratch_database(runtime.database.url) as url:
        scratch = _scratch_runtime(runtime, url)
        try:
            async with scratch.transaction() as tx:
                for event, body in zip(events, history, strict=True):
                    await billing.enqueue(tx, event, body)
                stored = {each.provider_id: str(each.id) for each in await billing.list_events(tx, limit=len(events))}
            ids = [stored[event.id] for event in events]
            wanted = await _trial(scratch, ids, at_once=1)
            for number in range(runs):
                order = tuple(_order(len(ids), chance))
                at_once = chance.choice((1, 2, AT_ONCE))
                ended = await _trial(scratch, [ids[each] for each in order], at_once=at_once)
                yield Trial(number, order, at_once, tuple(_differences(wanted, ended)))
        finally:
            await scratch.database.close()


def _order(count: int, chance: random.Random) -> list[int]:
    """Return every place once, and some twice, shuffled."""
    order = list(range(count))
    order += [each for each in order if chance.randrange(3) == 0]
    chance.shuffle(order)
    return order


async def _trial(runtime: Runtime, ids: Sequence[str], *, at_once: int) -> State:
    async with runtime.transaction() as tx:
        raw = await tx.raw()
        for table in WRITTEN:
            await raw.execute(sql.SQL("delete from {}").format(sql.Identifier(table)))
        await raw.execute("delete from billing_customers")
        await raw.execute("insert into billing_customers select * from customers_before")
        await raw.execute(
            "update provider_events set status = 'received', processed_at = null where status <> 'ignored'"
        )
    for begin in range(0, len(ids), at_once):
        await asyncio.gather(*(_process(runtime, each) for each in ids[begin : begin + at_once]))
    async with runtime.transaction() as tx:
        return await _state(tx)


async def _process(runtime: Runtime, event_id: str) -> None:
    async with runtime.transaction() as tx:
        await billing.process_event.handler(tx, event_id=event_id)


async def _state(tx: Tx) -> State:
    """Return everything mirrored, without our own ids and times."""
    raw = await tx.raw()
    found: State = {}
    for table in MIRROR:
        cursor = await raw.execute(sql.SQL("select to_jsonb(m) from {} m").format(sql.Identifier(table)))
        rows = [{k: v for k, v in row[0].items() if k not in OURS} for row in await cursor.fetchall()]
        found[table] = sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))
    return found


def _differences(wanted: State, ended: State) -> Iterator[str]:
    for table in MIRROR:
        if len(wanted[table]) != len(ended[table]):
            yield f"{table}: {len(ended[table])} rows instead of {len(wanted[table])}"
            continue
        for right, found in zip(wanted[table], ended[table], strict=True):
            for name in right:
                if right[name] != found[name]:
                    yield f"{table}.{name}: {found[name]!r} instead of {right[name]!r}"


def _scratch_runtime(runtime: Runtime, url: str) -> Runtime:
    scratch = Runtime(runtime.settings, runtime.clock, Database(url, pool_size=AT_ONCE + 1), JobQueue(url))
    scratch.parts = dict(runtime.parts)
    scratch.parts[PaymentProvider] = Resting(runtime.part(PaymentProvider))  # type: ignore[type-abstract]
    subscribe_doors(scratch)
    return scratch


@contextlib.contextmanager
def _scratch_database(url: str) -> Iterator[str]:
    """Make a database beside ours with the catalogue and the customers as they are; it is dropped at the end."""
    name = f"tollkeeper_scratch_{uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as ours:
        ours.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        there = make_url(url).set(database=name).render_as_string(hide_password=False)
        try:
            migrate(there)
            with psycopg.connect(there) as scratch:
                for table in _needed():
                    _copy(ours, scratch, table)
                scratch.execute("create table customers_before as select * from billing_customers")
            yield there
        finally:
            ours.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def _needed() -> list[str]:
    """Return the tables a history is read against, those referred to first."""
    wanted = {name for name in metadata.tables if name.startswith(("plan", "feature", "meter", "price"))} | set(KNOWN)
    while True:
        more = {key.column.table.name for name in wanted for key in metadata.tables[name].foreign_keys}
        if more <= wanted:
            return [table.name for table in metadata.sorted_tables if table.name in wanted]
        wanted |= more


def _copy(ours: psycopg.Connection, scratch: psycopg.Connection, table: str) -> None:
    name = sql.Identifier(table)
    with (
        ours.cursor().copy(sql.SQL("copy {} to stdout (format binary)").format(name)) as out,
        scratch.cursor().copy(sql.SQL("copy {} from stdin (format binary)").format(name)) as into,
    ):
        for block in out:
            into.write(block)


def _no_history(message: str) -> InvalidInputError:
    return InvalidInputError([FieldProblem("file", message, "history")])
