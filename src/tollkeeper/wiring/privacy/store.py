"""Every statement of the privacy kit: it reads any table, by its name, and changes none."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import LargeBinary, Table, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from tollkeeper.infra import Tx, metadata

_PIECE = 10_000

# What an address may be made of, generously: what is none costs a look-up, what is missed would be residue unseen.
_ADDRESS = r"[^\s\"'<>(),:;@\\\[\]{}]+@[^\s\"'<>(),:;@\\\[\]{}]+"

_TEXT_COLUMNS = """
select c.relname as "table", a.attname as "column", t.typname = 'bytea' as binary
from pg_class c
join pg_namespace n on n.oid = c.relnamespace and n.nspname = current_schema()
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
where c.relkind in ('r', 'p') and not c.relispartition and c.relname <> 'alembic_version'
    and (t.typname in ('text', 'varchar', 'bpchar', 'json', 'jsonb', 'bytea', '_text', '_varchar', 'inet', 'cidr'))
order by 1, 2
"""


class Place(NamedTuple):
    """A column that can hold text. `binary`: as bytes, in which text may lie all the same."""

    table: str
    column: str
    binary: bool


async def take_time(tx: Tx) -> None:
    """Let the statements of this transaction take as long as they need: they read every row there is."""
    await tx.connection.execute(text("set local statement_timeout = 0"))


async def places(tx: Tx) -> list[Place]:
    """Return every column of the database that can hold text, those of its libraries included."""
    return [Place(row.table, row.column, row.binary) for row in await tx.connection.execute(text(_TEXT_COLUMNS))]


def _as_text(place: Place) -> str:
    name = _quoted(place.column)
    # Bytes as text without reading them, which may fail.
    return f"encode({name}, 'escape')" if place.binary else f"{name}::text"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


async def addresses_in(tx: Tx, place: Place) -> AsyncIterator[Sequence[str]]:
    """Yield everything in the column that looks like an e-mail address, in lower case, piece by piece."""
    query = (
        f"select distinct lower(found[1]) from {_quoted(place.table)}, "  # noqa: S608 - names of the database's own
        f"regexp_matches({_as_text(place)}, :address, 'g') as found"
    )
    connection: AsyncConnection = tx.connection
    async with connection.stream_scalars(text(query), {"address": _ADDRESS}) as result:
        async for piece in result.partitions(_PIECE):
            yield piece


async def rows_naming(tx: Tx, place: Place, wanted: str) -> int:
    """Return how many rows hold this text in the column, in whatever spelling."""
    query = f"select count(*) from {_quoted(place.table)} where position(:wanted in lower({_as_text(place)})) > 0"  # noqa: S608 - as above
    return int((await tx.connection.execute(text(query), {"wanted": wanted.lower()})).scalar_one())


async def deleted_people_in(tx: Tx, table: str, column: str) -> Sequence[UUID]:
    """Return which deleted people a column still names, at most a piece of them."""
    erased, named = metadata.tables["erasures"].c.user_id, metadata.tables[table].c[column]
    query = select(erased).where(select(named).where(named == erased).exists()).limit(_PIECE)
    return list((await tx.connection.execute(query)).scalars())


async def rows_of(tx: Tx, table: str, column: str, user_id: UUID, *, hidden: Collection[str]) -> list[dict[str, Any]]:
    """Return a person's rows without the columns that are hidden or hold bytes, oldest first."""
    found = metadata.tables[table]
    shown = [each for each in found.c if each.name not in hidden and not isinstance(each.type, LargeBinary)]
    query = select(*shown).where(found.c[column] == user_id).order_by(*found.primary_key.columns)
    return [dict(row) for row in (await tx.connection.execute(query)).mappings()]


async def usage_of(tx: Tx, user_id: UUID) -> list[Mapping[str, Any]]:
    """Return how much a person used of what in each month, in the organizations they belong to."""
    events, meters, members = (metadata.tables[name] for name in ("usage_events", "meters", "members"))
    month = func.date_trunc("month", events.c.at).label("month")
    theirs = select(members.c.organization_id).where(members.c.user_id == user_id)
    query = (
        select(
            events.c.organization_id,
            meters.c.key.label("meter"),
            month,
            func.count().label("events"),
            func.sum(events.c.quantity).label("quantity"),
        )
        .join(meters, meters.c.id == events.c.meter_id)
        .where(events.c.organization_id.in_(theirs), events.c.member_id == user_id)
        .group_by(events.c.organization_id, meters.c.key, month)
        .order_by(month, events.c.organization_id, meters.c.key)
    )
    return [{**row, "quantity": int(row["quantity"])} for row in (await tx.connection.execute(query)).mappings()]


def tables() -> list[Table]:
    """Return every table of ours."""
    return list(metadata.sorted_tables)
