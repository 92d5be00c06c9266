"""What several test folders share and no fixture is needed for."""

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from uuid import UUID

import httpx
import psycopg
from psycopg import sql
from sqlalchemy import text

from tollkeeper import identity, orgs
from tollkeeper.catalog import CatalogueSpec, apply, demo_catalogue, read_catalogue_file
from tollkeeper.infra import Runtime, metadata
from tollkeeper.kit import new_id

START = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
"""Where the clock of every test stands at first."""


def make_database(server_url: str, name: str) -> str:
    """Create an empty database (dropping an old one) and return its address."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return server_url.replace("/tollkeeper?", f"/{name}?")


@dataclass(frozen=True, slots=True)
class Customer:
    """An organization with a key, and a client that sends it."""

    organization_id: UUID
    key: identity.ApiKey
    secret: str
    client: httpx.AsyncClient


def client_of(application: httpx.ASGITransport, secret: str | None) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    return httpx.AsyncClient(transport=application, base_url="http://127.0.0.1:8000", headers=headers)


async def make_customer(
    runtime: Runtime, application: httpx.ASGITransport, name: str, *, external_id: str | None = None
) -> Customer:
    async with runtime.transaction() as tx:
        organization = await orgs.create_organization(tx, name, None, external_id)
        key, secret = await identity.create_key(
            tx,
            organization_id=organization.id,
            created_by=None,
            name="test",
            kind=identity.KeyKind.LIVE,
            scopes=(),
            expires_at=None,
        )
    return Customer(organization.id, key, secret, client_of(application, secret))


def empty(connection: psycopg.Connection) -> None:
    """Delete every row and begin every sequence anew.

    Only tables that ever had rows are touched: truncating all of them makes some four hundred files anew, which takes
    longer than most tests. Those that have grown large are truncated, so that nobody reads through what is dead.
    """
    # Foreign keys and triggers that guard the trail look away.
    connection.execute("set local session_replication_role = replica")
    found = connection.execute(_USED, [_ours()]).fetchall()
    large = [sql.Identifier(name) for name, size in found if size > _LARGE]
    statements = [sql.SQL("delete from {}").format(sql.Identifier(name)) for name, size in found if size <= _LARGE]
    if large:
        statements.insert(0, sql.SQL("truncate {} cascade").format(sql.SQL(", ").join(large)))
    connection.execute(sql.SQL("; ").join([*statements, sql.SQL(_SEQUENCES)]))


def _ours() -> list[str]:
    queue = ("jobs", "events", "workers", "periodic_defers")
    return [*(table.name for table in metadata.sorted_tables), *(f"procrastinate_{each}" for each in queue)]


_LARGE = 1 << 20
_USED = """
select c.relname, pg_relation_size(c.oid) from pg_class c left join pg_inherits i on i.inhrelid = c.oid
where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace and pg_relation_size(c.oid) > 0
    and coalesce((select p.relname from pg_class p where p.oid = i.inhparent), c.relname) = any (%s)
"""
_SEQUENCES = """
select setval(format('%I', sequencename)::regclass, start_value, false) from pg_sequences
where schemaname = current_schema() and last_value is not null
"""
_ADVANCED = """
select format('%I', sequencename), last_value from pg_sequences
where schemaname = current_schema() and last_value is not null
"""


@cache
def demo() -> CatalogueSpec:
    """The demo catalogue, read once."""
    return read_catalogue_file(demo_catalogue())


class Shelf:
    """The demo catalogue as applying it leaves an empty database, by the moment it was applied at.

    It serves for a day from then on. Hundreds of tests begin with it: what the first one wrote is put there again,
    which takes a tenth of applying it. The trail of it can be read but not verified when ids are others.
    """

    def __init__(self) -> None:
        self._kept: dict[datetime, list[_Rows]] = {}

    async def fill(self, runtime: Runtime, url: str, *, anew: bool = False) -> None:
        """Have the demo catalogue in the database; `anew` as one that never was, whose plans and prices are others."""
        now = runtime.clock.now()
        if kept := next((rows for at, rows in self._kept.items() if at <= now < at + timedelta(days=1)), None):
            await asyncio.to_thread(self._put_back, url, _with_other_ids(kept) if anew else kept)
            return
        async with runtime.transaction() as tx:
            await apply(tx, demo())
        self._kept[now] = await asyncio.to_thread(self._read, url)

    @staticmethod
    def _read(url: str) -> "list[_Rows]":
        with psycopg.connect(url) as connection:
            names = [name for name, _ in connection.execute(_USED, [_ours()]).fetchall()]
            kept: list[_Rows] = []
            for name in (sql.Identifier(each) for each in names):
                with connection.cursor().copy(sql.SQL("copy {} to stdout").format(name)) as rows:
                    found = b"".join(map(bytes, rows))
                if found:  # a table that was emptied has a size, and no rows
                    kept.append((sql.SQL("copy {} from stdin").format(name), found))
            for sequence, last in connection.execute(_ADVANCED).fetchall():
                kept.append((sql.SQL("select setval({}, {})").format(sequence, last), b""))
        return kept

    @staticmethod
    def _put_back(url: str, kept: "list[_Rows]") -> None:
        with psycopg.connect(url) as connection:
            connection.execute("set local session_replication_role = replica")
            connection.execute(sql.SQL("; ").join([each for each, rows in kept if not rows]))
            for each, rows in kept:
                if rows:
                    with connection.cursor().copy(each) as copy:
                        copy.write(rows)


_Rows = tuple[sql.Composed, bytes]
"""What puts rows of one table back, and the rows."""
_ID = re.compile(rb"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


def _with_other_ids(kept: list[_Rows]) -> list[_Rows]:
    """Return the rows as if they had been made just now: every id is another, in the same order."""
    found = sorted({each for _, rows in kept for each in _ID.findall(rows)})
    others = {each: str(new_id()).encode() for each in found}
    return [(put_back, _ID.sub(lambda found: others[found[0]], rows)) for put_back, rows in kept]


async def settled(runtime: Runtime) -> None:
    """Wait until every transaction before has ended: readers in commit order wait for those of other tests, too."""
    ended = text(
        "select coalesce(max(tx), 0) < pg_snapshot_xmin(pg_current_snapshot())::text::bigint from usage_events"
    )
    async with asyncio.timeout(60):
        while True:
            async with runtime.transaction() as tx:
                if (await tx.connection.execute(ended)).scalar_one():
                    return
            await asyncio.sleep(0.05)
