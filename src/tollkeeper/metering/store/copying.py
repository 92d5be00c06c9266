"""Events of bundles written with COPY, the fastest way there is into a table.

The rows are packed here and not by the driver, which looks each value's type up anew: what all rows of a bundle have
in common is packed once, and an event costs a quarter of the time. The format is PostgreSQL's binary COPY: a row is
the number of its columns, then each column as its length and its bytes; a length of -1 is null.
"""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from psycopg import adapters
from psycopg.adapt import Dumper
from psycopg.pq import Format

from tollkeeper.kit import new_id
from tollkeeper.metering.model import Bundle, Entry

from .counters import Connection

COPY_EVENTS = """
copy usage_events (organization_id, meter_id, period_start, credential_id, member_id, id, quantity, at, idempotency_key,
    value, properties) from stdin (format binary)
"""
COPY_KEYS = """
copy usage_event_keys (organization_id, meter_id, event_id, key) from stdin (format binary)
"""
HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_JSONB_VERSION = b"\x01"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_DAY = 86_400_000_000
_SECOND = 1_000_000

_events_begin = struct.Struct(">h i16s ih iq").pack
_keys_begin = struct.Struct(">h i16s ih i").pack
_quantity_and_at = struct.Struct(">iqiq").pack
_length = struct.Struct(">i").pack

Kept = tuple[Bundle, Sequence[Entry]]
"""A bundle, and which of its entries are to be recorded."""


_SEEN = """
select wanted.key from unnest(%b::text[]) as wanted (key) cross join lateral (
    select 1 from usage_event_keys
    where (organization_id, meter_id, usage_event_keys.key) = (%b, %b, wanted.key)
    limit 1
) as found
"""
"""`limit` keeps the planner from reading the whole table for many keys. Asked after the counters are locked."""


class _Texts:
    """Texts as an array. Packed here, because the driver looks into each of thousands of them for what to escape."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts


class _TextsDumper(Dumper):
    format = Format.BINARY
    oid = adapters.types["text"].array_oid

    def dump(self, obj: _Texts) -> bytes:
        header = struct.pack(">iiIii", 1, 0, adapters.types["text"].oid, len(obj.texts), 1)
        return header + b"".join([_text(each) for each in obj.texts])


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


async def copy_events(connection: Connection, kept: Sequence[Kept]) -> None:
    """Record events and their idempotency keys; not to be used in pipeline mode. Their counters are locked."""
    named = [(bundle, entries, new_ids(len(entries))) for bundle, entries in kept]
    async with connection.cursor().copy(COPY_EVENTS) as copy:
        await copy.write(HEADER)
        for bundle, entries, ids in named:
            await copy.write(event_rows(bundle, entries, ids))
        await copy.write(TRAILER)
    async with connection.cursor().copy(COPY_KEYS) as copy:
        await copy.write(HEADER)
        for bundle, entries, ids in named:
            await copy.write(key_rows(bundle, entries, ids))
        await copy.write(TRAILER)


def new_ids(count: int) -> list[bytes]:
    """Make so many UUIDv7 of this moment: the first at random, each after it one more."""
    first = new_id().int
    return [(first + number).to_bytes(16, "big") for number in range(count)]


def event_rows(bundle: Bundle, entries: Sequence[Entry], ids: Sequence[bytes]) -> bytes:
    """Pack the rows of these entries, without what stands before and after all rows."""
    organization_id, meter_id, period_start = bundle.counter[:3]
    begin = _events_begin(11, 16, organization_id.bytes, 2, meter_id, 8, _microseconds(period_start))
    begin += _id(bundle.like.credential_id) + _id(bundle.like.member_id) + _length(16)
    rows: list[bytes] = []
    for event_id, (quantity, at, key, value, properties) in zip(ids, entries, strict=True):
        moment = _quantity_and_at(8, quantity, 8, _microseconds(at))
        rows += begin, event_id, moment, _text(key), _text(value), _jsonb(properties)
    return b"".join(rows)


def key_rows(bundle: Bundle, entries: Sequence[Entry], ids: Sequence[bytes]) -> bytes:
    """Pack the rows of these entries' idempotency keys, without what stands before and after all rows."""
    organization_id, meter_id = bundle.counter[:2]
    begin = _keys_begin(4, 16, organization_id.bytes, 2, meter_id, 16)
    rows: list[bytes] = []
    for event_id, entry in zip(ids, entries, strict=True):
        if entry[2] is not None:
            rows += begin, event_id, _text(entry[2])
    return b"".join(rows)


def _microseconds(moment: datetime) -> int:
    since = moment - _EPOCH
    return since.days * _DAY + since.seconds * _SECOND + since.microseconds


def _id(value: UUID | None) -> bytes:
    return _NULL if value is None else _length(16) + value.bytes


def _text(text: str | None) -> bytes:
    if text is None:
        return _NULL
    content = text.encode()
    return _length(len(content)) + content


def _jsonb(content: bytes | None) -> bytes:
    return _NULL if content is None else _length(len(content) + 1) + _JSONB_VERSION + content
