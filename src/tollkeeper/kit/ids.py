"""Identifiers: UUID version 7, so that keys sort by the time they were made and index inserts stay local."""

from datetime import UTC, datetime
from uuid import UUID

import uuid_utils.compat

from .errors import NotFoundError


def new_id() -> UUID:
    """Make a fresh UUIDv7 (time-ordered to the millisecond, monotonic within one process)."""
    return uuid_utils.compat.uuid7()


def moment_of(ident: UUID) -> datetime:
    """When a UUIDv7 was made, to the millisecond: the machine's own time, wherever the product's clock stands."""
    return datetime.fromtimestamp((ident.int >> 80) / 1000, UTC)


def parse_id(text: str) -> UUID | None:
    """Read an id written by a caller; None when it is not a UUID."""
    try:
        return UUID(text)
    except ValueError:
        return None


def id_or(text: str, missing: type[NotFoundError]) -> UUID:
    """Read the id of a thing as an address names it.

    Raises:
        NotFoundError: it is no UUID, so there is no such thing; the domain's own, `missing`.
    """
    found = parse_id(text)
    if found is None:
        raise missing
    return found
