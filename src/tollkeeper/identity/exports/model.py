"""Values of data exports."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tollkeeper.infra import Tx
from tollkeeper.kit import ConflictError, NotFoundError

EXPORT_LIFE = timedelta(days=7)
"""For how long an export can be fetched, counted from when it was asked for."""


@dataclass(frozen=True, slots=True)
class PersonalData:
    """Knows everything that is held of a person, in all domains; wiring provides it.

    `collect` returns files by name: JSON values, in which ids and moments may stand as they are, or bytes.
    """

    collect: Callable[[Tx, UUID], Awaitable[Mapping[str, object]]]


@dataclass(frozen=True, slots=True)
class Export:
    """What a person asked to be told of themselves. `ready_at` None: it is being made. `expires_at` is exclusive."""

    id: UUID
    user_id: UUID
    requested_at: datetime
    ready_at: datetime | None
    expires_at: datetime


class ExportNotFoundError(NotFoundError):
    """There is no such export of the caller's, or its time is over."""

    code = "export_not_found"
    title = "There is no such export"
    hint = "Exports can be fetched for a week. Ask for a new one with `POST /api/profile/exports`."


class ExportNotReadyError(ConflictError):
    """The export is still being made."""

    code = "export_not_ready"
    title = "This export is not ready yet"
    hint = "Try again in a minute; a mail tells when it is ready."


class PersonNotFoundError(NotFoundError):
    """Nobody has this e-mail address."""

    code = "person_not_found"
    title = "Nobody has this e-mail address"
    hint = "Check the address: people are found by the one they log in with now."
