"""Values of staff, and what can go wrong."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from tollkeeper.identity.model import User
from tollkeeper.kit import ForbiddenError, NotFoundError

IMPERSONATION_LIFE = timedelta(minutes=30)
LONGEST_IMPERSONATION = timedelta(hours=1)
MAX_REASON = 500


class StaffRole(StrEnum):
    """What staff may do beside looking, noting and acting as a customer: SUPPORT nothing, ADMIN everything."""

    SUPPORT = "support"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Staff:
    """A member of staff."""

    user: User
    role: StaffRole


@dataclass(frozen=True, slots=True)
class Impersonation:
    """A browser session in which a member of staff acts as somebody else; `id` is the session's."""

    id: UUID
    staff_id: UUID
    user_id: UUID
    organization_id: UUID
    created_at: datetime
    expires_at: datetime


class StaffNeededError(ForbiddenError):
    """The call is for the operator's staff."""

    code = "staff_needed"
    title = "This call is for staff"
    hint = "The operator makes somebody staff: `tollkeeper staff add EMAIL`."


class NotImpersonableError(ForbiddenError):
    """Nobody may act as this person: they are staff."""

    code = "not_impersonable"
    title = "Nobody may act as this person"
    hint = "Staff do not act as staff."


class PersonNotFoundError(NotFoundError):
    """There is no such person."""

    code = "person_not_found"
    title = "There is no such person"


class ImpersonationNotFoundError(NotFoundError):
    """No such session is open."""

    code = "impersonation_not_found"
    title = "No such session is open"
