"""Every statement of the convergence kit: a scratch database, its mirror emptied and read."""

import contextlib
import functools
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql

from tollkeeper.infra import Tx, metadata
from tollkeeper.wiring.migrate import migrate

State = dict[str, list[dict[str, Any]]]
MIRROR = (
    "billing_customers",
    "subscriptions",
    "subscription_addons",
    "invoices",
    "credit_notes",
    "payments",
    "refunds",
    "disputes",
    "billing_standings",
)
# Written by a history besides what refers to the customers.
BESIDE = frozenset({"billing_standings", "gate_standings"})
CUSTOMERS = sql.Identifier("billing_customers")
_EMPTY = sql.SQL("delete from {}")
_KEEP = sql.SQL("create table customers_before as select * from {}")
_RESTORE = sql.SQL("insert into {} select * from customers_before")
_UNPROCESS = sql.SQL("update {} set status = 'received', processed_at = null where status <> 'ignored'")
CATALOGUE = ("plan", "feature", "meter", "price", "addon", "coupon", "promotion", "overage_prices")
KNOWN = ("provider_prices", "provider_addon_prices", "provider_coupons", "provider_codes", "billing_customers")
OURS = frozenset(
    {
        "id",
        "customer_id",
        "subscription_id",
        "invoice_id",
        "payment_id",
        "synced_at",
        "changed_at",
        "created_at",
        "deleted_at",
        "closed_at",
        "reminded_at",
        "released_at",
    }
)


@functools.cache
def _written() -> list[str]:
    """Return the tables a history writes, those that refer to others first: the customers and all about them."""
    found = {"billing_customers"}
    for table in metadata.sorted_tables:
        if any(key.column.table.name in found for key in table.foreign_keys):
            found.add(table.name)
    return [table.name for table in reversed(metadata.sorted_tables) if table.name in found | BESIDE]


async def begin_anew(tx: Tx) -> None:
    """Empty the mirror: who the customers are remains known, and every event waits to be processed."""
    statements = [_EMPTY.format(sql.Identifier(table)) for table in _written()]
    statements += [_RESTORE.format(CUSTOMERS), _UNPROCESS.format(sql.Identifier("provider_events"))]
    await (await tx.raw()).execute(sql.SQL(";").join(statements))


async def read_state(tx: Tx) -> State:
    """Return everything mirrored, without our own ids and times."""
    raw = await tx.raw()
    found: State = {}
    for table in MIRROR:
        cursor = await raw.execute(sql.SQL("select to_jsonb(m) from {} m").format(sql.Identifier(table)))
        rows = [{k: v for k, v in row[0].items() if k not in OURS} for row in await cursor.fetchall()]
        found[table] = sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))
    return found


@contextlib.contextmanager
def scratch_database(url: str) -> Iterator[str]:
    """Make a database beside ours with the catalogue and the customers as they are; it is dropped at the end."""
    name = f"tollkeeper_scratch_{uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as ours:
        ours.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        # What is dropped at the end need not reach the disk before.
        ours.execute(sql.SQL("alter database {} set synchronous_commit = off").format(sql.Identifier(name)))
        address, mark, query = url.partition("?")
        there = f"{address.rpartition('/')[0]}/{name}{mark}{query}"
        try:
            migrate(there)
            with psycopg.connect(there) as scratch:
                for table in _needed():
                    _copy(ours, scratch, table)
                scratch.execute(_KEEP.format(CUSTOMERS))
            yield there
        finally:
            ours.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def _needed() -> list[str]:
    """Return the tables a history is read against, those referred to first."""
    wanted = {name for name in metadata.tables if name.startswith(CATALOGUE)} | set(KNOWN)
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
