"""Values of leases, and what can go wrong."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tollkeeper.kit import InvalidInputError, NotFoundError, TollkeeperError


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to do one piece of long work until `expires_at` (exclusive)."""

    id: UUID
    organization_id: UUID
    name: str
    taken_at: datetime
    expires_at: datetime


class TooManyAtOnceError(TollkeeperError):
    """As much of this work is under way as the plan allows; nothing was taken."""

    code = "too_many_at_once"
    status = 429
    title = "Too much of this work is under way"
    hint = "Wait until a lease is given back: `Retry-After` says when the next one expires at the latest."


class LeaseNotFoundError(NotFoundError):
    """There is no such lease: it was given back, its time is over, or it is somebody else's."""

    code = "lease_not_found"
    title = "There is no such lease"
    hint = "One whose time is over may be held by another by now; POST /api/leases takes a new one."


class UnknownWorkError(InvalidInputError):
    """The plan says nothing of this kind of work."""

    code = "unknown_work"
    title = "The plan does not say how much of this runs at once"
    hint = "GET /api/leases lists what it speaks of; `concurrency` of a plan in the catalogue adds to it."
