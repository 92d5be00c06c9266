"""Values of versions, and what can go wrong."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tollkeeper.kit import ConflictError, NotFoundError

MAX_NOTE = 500


@dataclass(frozen=True, slots=True)
class CatalogueVersion:
    """A file that was applied.

    `number` counts from 1. `source` is the file, in the words of who wrote it. `changes` says in words what it changed,
    empty for a file that was only kept. `note` says why, empty where nobody said. `restored` is the older version it
    went back to, None: none. `record_id` is the record in the trail that tells who applied it.
    """

    number: int
    source: str
    changes: tuple[str, ...]
    note: str
    restored: int | None
    record_id: UUID
    applied_at: datetime


class VersionNotFoundError(NotFoundError):
    """The catalogue has no such version."""

    code = "catalogue_version_not_found"
    title = "The catalogue has no such version"


class CatalogueMovedError(ConflictError):
    """Somebody applied another version meanwhile: what was looked at is not what would change."""

    code = "catalogue_moved"
    title = "Somebody changed the catalogue meanwhile"
    hint = "Look at what would change now, then apply it again."
