"""Values packed as PostgreSQL reads them in binary, in bulk.

The driver would look every value's type up anew; where thousands are written a second, that costs more than the rest.
A value is its length and its bytes, a length of -1 is null; an array has a head that tells its type and size.
"""

import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from psycopg import adapters

NULL = b"\xff\xff\xff\xff"
_JSONB_VERSION = b"\x01"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_DAY = 86_400_000_000
_SECOND = 1_000_000

_head = struct.Struct(">iiIii").pack
_length = struct.Struct(">i").pack
short = struct.Struct(">h").pack
"""A bare smallint."""
long = struct.Struct(">q").pack
"""A bare bigint."""
_short_value = struct.Struct(">ih").pack
_long_value = struct.Struct(">iq").pack
_id_length = _length(16)

_OIDS = {name: adapters.types[name].oid for name in ("uuid", "int2", "int8", "timestamptz", "text", "jsonb")}


def microseconds(moment: datetime) -> int:
    """Return a moment as PostgreSQL counts: microseconds since the year 2000."""
    since = moment - _EPOCH
    return since.days * _DAY + since.seconds * _SECOND + since.microseconds


def moment(value: datetime) -> bytes:
    """Pack a moment that is a parameter of its own."""
    return long(microseconds(value))


def jsonb(content: bytes) -> bytes:
    """Pack JSON that is a parameter of its own."""
    return _JSONB_VERSION + content


def uuid_value(value: UUID | None) -> bytes:
    """Pack an id as part of a row or an array."""
    return NULL if value is None else _id_length + value.bytes


def text_value(text: str | None) -> bytes:
    """Pack a text as part of a row or an array."""
    if text is None:
        return NULL
    content = text.encode()
    return _length(len(content)) + content


def jsonb_value(content: bytes | None) -> bytes:
    """Pack JSON as part of a row or an array."""
    return NULL if content is None else _length(len(content) + 1) + _JSONB_VERSION + content


def _array(kind: str, values: Sequence[bytes]) -> bytes:
    return _head(1, 1, _OIDS[kind], len(values), 1) + b"".join(values)


def uuids(values: Iterable[UUID | None]) -> bytes:
    """Pack a `uuid[]`."""
    return _array("uuid", [uuid_value(value) for value in values])


def made_uuids(values: Iterable[bytes]) -> bytes:
    """Pack a `uuid[]` of ids that are bytes already."""
    return _array("uuid", [_id_length + value for value in values])


def shorts(values: Iterable[int]) -> bytes:
    """Pack a `smallint[]`."""
    return _array("int2", [_short_value(2, value) for value in values])


def longs(values: Iterable[int | None]) -> bytes:
    """Pack a `bigint[]`."""
    return _array("int8", [NULL if value is None else _long_value(8, value) for value in values])


def moments(values: Iterable[datetime | None]) -> bytes:
    """Pack a `timestamptz[]`."""
    return _array("timestamptz", [NULL if value is None else _long_value(8, microseconds(value)) for value in values])


def texts(values: Iterable[str | None]) -> bytes:
    """Pack a `text[]`."""
    return _array("text", [text_value(value) for value in values])


def jsonbs(values: Iterable[str | None]) -> bytes:
    """Pack a `jsonb[]`."""
    return _array("jsonb", [NULL if value is None else jsonb_value(value.encode()) for value in values])
