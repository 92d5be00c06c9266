"""Every SQL statement about notes."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, insert, select

from tollkeeper.infra import Tx

from .model import Note, Subject
from .tables import staff_notes


async def add(tx: Tx, note: Note) -> None:
    """Write a note down."""
    await tx.connection.execute(
        insert(staff_notes).values(
            id=note.id,
            organization_id=note.subject.organization_id,
            person_id=note.subject.person_id,
            author_id=note.author_id,
            body=note.body,
            created_at=note.created_at,
        )
    )


async def notes_about(tx: Tx, subject: Subject, *, limit: int) -> Sequence[Note]:
    """Return the newest notes, at most `limit`."""
    statement = select(staff_notes).where(_about(subject)).order_by(staff_notes.c.id.desc()).limit(limit)
    rows = await tx.connection.execute(statement)
    return [Note(row.id, subject, row.author_id, row.body, row.created_at) for row in rows]


async def notes_saying(tx: Tx, words: str, *, among: int, limit: int) -> Sequence[Note]:
    """Return the newest notes with these words in them, whoever they are about, of the latest `among`."""
    latest = select(staff_notes).order_by(staff_notes.c.id.desc()).limit(among).subquery()
    said = func.lower(latest.c.body).contains(words.lower(), autoescape=True)
    rows = await tx.connection.execute(select(latest).where(said).order_by(latest.c.id.desc()).limit(limit))
    return [
        Note(row.id, Subject(row.organization_id, row.person_id), row.author_id, row.body, row.created_at)
        for row in rows
    ]


async def remove(tx: Tx, subject: Subject, note_id: UUID) -> bool:
    """Remove a note about them; False when there is none."""
    gone = await tx.connection.execute(delete(staff_notes).where(staff_notes.c.id == note_id, _about(subject)))
    return gone.rowcount > 0


def _about(subject: Subject) -> ColumnElement[bool]:
    if subject.person_id is not None:
        return staff_notes.c.person_id == subject.person_id
    return staff_notes.c.organization_id == subject.organization_id
