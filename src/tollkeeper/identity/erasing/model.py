"""Values of leaving: somebody who asked to be deleted, and what tells that they were."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from tollkeeper.infra import Event


@dataclass(frozen=True, slots=True)
class Deletion:
    """A person's wish to be deleted. From `due_at` on it is done; until then they can take it back."""

    user_id: UUID
    requested_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Erasure:
    """Somebody who was deleted.

    `email_digest` finds their address wherever it was left behind, and tells it to nobody who does not know it.
    """

    user_id: UUID
    email_digest: bytes
    requested_at: datetime
    erased_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonErased(Event):
    """A person is being deleted: whoever holds something of theirs lets go of it, in the same transaction.

    Told while their row is still there. Rows that point at it by a foreign key need no hearing, they go with it.
    `email` is for finding what holds the address itself; nobody may keep it, so nothing reacts to this event by a job,
    whose row would.
    """

    name: ClassVar[str] = "person.erased"

    user_id: UUID
    email: str
