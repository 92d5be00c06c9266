"""Leaving: a person's wish to be deleted, the days in which it can be taken back, and the deletion.

Owns: the wish and its day, the note that somebody was deleted.
Does not own: whether an organization can do without them (organizations), what other domains hold of them.
Invariants: a person is deleted only after they asked and the days of grace are over; all domains let go of what they
hold in the same transaction; of somebody deleted nothing is kept here but an id and a keyed digest.
What each time means: `due_at` is the first moment at which the deletion is done.
"""

from .model import Deletion, Erasure, PersonErased
from .service import (
    ask_for_deletion,
    be_due_now,
    due_deletions,
    erase_person,
    erased_among,
    find_deletion,
    keep_account,
)
from .tables import account_deletions

__all__ = [
    "Deletion",
    "Erasure",
    "PersonErased",
    "account_deletions",
    "ask_for_deletion",
    "be_due_now",
    "due_deletions",
    "erase_person",
    "erased_among",
    "find_deletion",
    "keep_account",
]
