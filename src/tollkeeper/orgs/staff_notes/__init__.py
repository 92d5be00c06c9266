"""What staff write about an organization or a person, for those who look after them next.

Owns: notes. Does not own: who is staff (identity), the pages that show them (web).
Invariants: a note is about one organization or one person and goes with them; it is written and removed, never changed;
both are in the trail, without its words. Tenants see none; a person's export holds what is written about them.
What each time means: `created_at` is when it was written.
"""

from .model import MAX_NOTE, Note, NoteNotFoundError, Subject
from .service import SEARCHED, list_notes, notes_saying, remove_note, write_note

__all__ = [
    "MAX_NOTE",
    "SEARCHED",
    "Note",
    "NoteNotFoundError",
    "Subject",
    "list_notes",
    "notes_saying",
    "remove_note",
    "write_note",
]
