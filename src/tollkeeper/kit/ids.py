"""Identifiers: UUID version 7, so that keys sort by the time they were made and index inserts stay local."""

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """Make a fresh UUIDv7 (time-ordered to the millisecond, monotonic within one process)."""
    return uuid_utils.compat.uuid7()


def parse_id(text: str) -> UUID | None:
    """Read an id written by a caller; None when it is not a UUID."""
    try:
        return UUID(text)
    except ValueError:
        return None
