"""Use cases of notes."""

from collections.abc import Sequence
from uuid import UUID

from tollkeeper.infra import Tx
from tollkeeper.kit import FieldProblem, InvalidInputError, new_id

from . import store
from .model import MAX_NOTE, Note, NoteNotFoundError, Subject

SHOWN = 100
SEARCHED = 5_000
"""So many of the latest notes are read for words: no index has them."""


async def write_note(tx: Tx, author_id: UUID, subject: Subject, body: str) -> Note:
    """Write a note about an organization or a person that exists; the caller has seen that the author is staff.

    Raises:
        InvalidInputError: it is empty, or longer than `MAX_NOTE`.
    """
    words = body.replace("\x00", "").replace("\r\n", "\n").strip()
    if not words:
        raise InvalidInputError([FieldProblem("body", "Write something", "missing")])
    if len(words) > MAX_NOTE:
        raise InvalidInputError([FieldProblem("body", f"must have at most {MAX_NOTE:,} characters", "too_long")])
    note = Note(new_id(), subject, author_id, words, tx.now)
    await store.add(tx, note)
    await _record(tx, "note.written", note.id, subject)
    return note


async def list_notes(tx: Tx, subject: Subject) -> Sequence[Note]:
    """Return what was written about them, newest first, at most 100."""
    return await store.notes_about(tx, subject, limit=SHOWN)


async def notes_saying(tx: Tx, words: str, *, limit: int) -> Sequence[Note]:
    """Return the newest notes with these words in them, whoever they are about, of the latest `SEARCHED` ones."""
    return await store.notes_saying(tx, words, among=SEARCHED, limit=limit)


async def remove_note(tx: Tx, subject: Subject, note_id: UUID) -> None:
    """Remove a note.

    Raises:
        NoteNotFoundError: there is none of this id about them.
    """
    if not await store.remove(tx, subject, note_id):
        raise NoteNotFoundError
    await _record(tx, "note.removed", note_id, subject)


async def _record(tx: Tx, action: str, note_id: UUID, subject: Subject) -> None:
    # Nothing of its words, and not in the organization's own trail: notes are for staff.
    about = {"organization": subject.organization_id, "user": subject.person_id}
    await tx.record(action, target=("note", note_id), after={name: each for name, each in about.items() if each})
