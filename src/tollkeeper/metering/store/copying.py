"""Events of bundles written with COPY, the fastest way there is into a table.

The rows are packed here and not by the driver, which looks each value's type up anew: what all rows of a bundle have
in common is packed once, and an event costs a quarter of the time. The format is PostgreSQL's binary COPY: a row is
the number of its columns, then each column as its length and its bytes; a length of -1 is null.
"""

import struct
from collections.abc import Sequence
from itertools import islice
from uuid import UUID

from psycopg import adapters
from psycopg.adapt import Dumper
from psycopg.pq import Format

from tollkeeper.kit import new_id
from tollkeeper.metering.model import Bundle, Entry
from tollkeeper.metering.rules import moment_of, partition_of

from . import packing
from .counters import Connection
from .packing import jsonb_value, microseconds, text_value, uuid_value

COPY_EVENTS = """
copy {month} (organization_id, meter_id, period_start, credential_id, member_id, id, quantity, at, idempotency_key,
    value, properties) from stdin (format binary)
"""
COPY_KEYS = """
copy usage_event_keys (organization_id, meter_id, event_id, key) from stdin (format binary)
"""
HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"

_events_begin = struct.Struct(">h i16s ih iq").pack
_keys_begin = struct.Struct(">h i16s ih i").pack
_quantity_and_at = struct.Struct(">iqiq").pack
_ID_FOLLOWS = b"\x00\x00\x00\x10"

Kept = tuple[Bundle, Sequence[Entry]]
"""A bundle, and which of its entries are to be recorded."""
Named = tuple[Bundle, Sequence[Entry], Sequence[bytes]]
"""The same with an id for each entry."""


_SEEN = """
select wanted.key from unnest(%b::text[]) as wanted (key) cross join lateral (
    select 1 from usage_event_keys
    where (organization_id, meter_id, usage_event_keys.key) = (%b, %b, wanted.key)
    limit 1
) as found
"""
"""`limit` keeps the planner from reading the whole table for many keys. Asked after the counters are locked."""


class _Texts:
    """Texts as an array, packed by us: the driver looks into each of thousands of them for what to escape."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts


class _TextsDumper(Dumper):
    format = Format.BINARY
    oid = adapters.types["text"].array_oid

    def dump(self, obj: _Texts) -> bytes:
        return packing.texts(obj.texts)


adapters.register_dumper(_Texts, _TextsDumper)


async def seen_bundle_keys(connection: Connection, bundles: Sequence[Bundle]) -> set[tuple[UUID, int, str]]:
    """Return which `(organization, meter, idempotency key)` of these bundles' entries are recorded already."""
    wanted: dict[tuple[UUID, int], list[str]] = {}
    for bundle in bundles:
        keys = [entry[2] for entry in bundle.entries if entry[2] is not None]
        wanted.setdefault((bundle.counter[0], bundle.counter[1]), []).extend(keys)
    seen = set()
    for (organization_id, meter_id), keys in wanted.items():
        if not keys:
            continue
        cursor = await connection.execute(_SEEN, [_Texts(keys), organization_id, meter_id], prepare=True)
        seen |= {(organization_id, meter_id, key) for (key,) in await cursor.fetchall()}
    return seen


async def copy_events(connection: Connection, kept: Sequence[Kept]) -> list[Named]:
    """Record events, one at least, not their idempotency keys; returns them with their new ids.

    Not to be used in pipeline mode.
    """
    fresh = new_ids(sum(len(entries) for _, entries in kept))
    # Straight into their month: PostgreSQL copies into no table with row-level security, which the whole has.
    month = partition_of(moment_of(UUID(bytes=fresh[0]))).name
    left = iter(fresh)
    named: list[Named] = [(bundle, entries, list(islice(left, len(entries)))) for bundle, entries in kept]
    async with connection.cursor().copy(COPY_EVENTS.format(month=month)) as copy:
        await copy.write(HEADER)
        for each in named:
            await copy.write(event_rows(*each))
        await copy.write(TRAILER)
    return named


async def copy_keys(connection: Connection, named: Sequence[Named]) -> None:
    """Record the idempotency keys of events that were copied."""
    async with connection.cursor().copy(COPY_KEYS) as copy:
        await copy.write(HEADER)
        for each in named:
            await copy.write(key_rows(*each))
        await copy.write(TRAILER)


def new_ids(count: int) -> list[bytes]:
    """Make so many UUIDv7 of this moment: the first at random, each after it one more."""
    first = new_id().int
    return [(first + number).to_bytes(16, "big") for number in range(count)]


def event_rows(bundle: Bundle, entries: Sequence[Entry], ids: Sequence[bytes]) -> bytes:
    """Pack the rows of these entries, without what stands before and after all rows."""
    organization_id, meter_id, period_start = bundle.counter[:3]
    begin = _events_begin(11, 16, organization_id.bytes, 2, meter_id, 8, microseconds(period_start))
    begin += uuid_value(bundle.like.credential_id) + uuid_value(bundle.like.member_id) + _ID_FOLLOWS
    rows: list[bytes] = []
    for event_id, (quantity, at, key, value, properties) in zip(ids, entries, strict=True):
        moment = _quantity_and_at(8, quantity, 8, microseconds(at))
        rows += begin, event_id, moment, text_value(key), text_value(value), jsonb_value(properties)
    return b"".join(rows)


def key_rows(bundle: Bundle, entries: Sequence[Entry], ids: Sequence[bytes]) -> bytes:
    """Pack the rows of these entries' idempotency keys, without what stands before and after all rows."""
    organization_id, meter_id = bundle.counter[:2]
    begin = _keys_begin(4, 16, organization_id.bytes, 2, meter_id, 16)
    rows: list[bytes] = []
    for event_id, entry in zip(ids, entries, strict=True):
        if entry[2] is not None:
            rows += begin, event_id, text_value(entry[2])
    return b"".join(rows)
