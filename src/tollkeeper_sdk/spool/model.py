"""What the spool holds and tells."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec


class WhenFull(StrEnum):
    """What an append does when the spool holds `max_bytes` already."""

    BLOCK = "block"
    """Wait for room, at most `block_seconds`; then raise."""
    DROP_OLDEST = "drop_oldest"
    """Throw away the oldest entries, and count them as dropped."""
    RAISE = "raise"
    """Raise `SpoolFullError` at once."""


class SpoolError(Exception):
    """The entry could not be kept: the disk is full, gone or failing. It is not recorded."""


class SpoolFullError(SpoolError):
    """There is no room for the entry. It is not recorded."""


class Entry(msgspec.Struct, frozen=True):
    """A use that waits for being sent. `body` is the JSON of a track, its idempotency key included."""

    id: int
    lane: str
    """Customer and feature: entries of one lane are sent in the order they came."""
    body: bytes
    created: float
    """Unix seconds."""
    attempts: int
    """How often the server failed at just this entry."""
    checksum: int
    is_right: bool = True
    """False: the disk gave back something else than was written."""


class DeadLetter(msgspec.Struct, frozen=True):
    """A use that was set aside. `status` 0: not by the server, but because it was too old."""

    body: dict[str, Any]
    status: int
    code: str
    reason: str
    set_aside_at: datetime


class SpoolStats(msgspec.Struct, frozen=True):
    """The spool at a glance; the counts of what left it are since the directory was made, over all processes."""

    pending: int
    pending_bytes: int
    oldest_age_seconds: float
    """0 when nothing waits."""
    sent: int
    dead: int
    dropped: int
