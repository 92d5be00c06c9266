"""Values of notes."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tollkeeper.kit import NotFoundError

MAX_NOTE = 4000
"""Characters of one note."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a note is about: exactly one of both."""

    organization_id: UUID | None = None
    person_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A note. Its author may be gone."""

    id: UUID
    subject: Subject
    author_id: UUID
    body: str
    created_at: datetime


class NoteNotFoundError(NotFoundError):
    """There is no such note about them."""

    code = "note_not_found"
    title = "There is no such note"
