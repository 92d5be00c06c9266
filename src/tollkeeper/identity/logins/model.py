"""Values of logins as their owner sees them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tollkeeper.kit import NotFoundError


@dataclass(frozen=True, slots=True)
class Login:
    """One place somebody is logged in at.

    `id` is the session's; of a program whose session has ended, its token family's, and then nothing is known of the
    device: `user_agent` and `ip` are empty. `is_current`: it is the caller's own. `is_impersonation`: a member of staff
    acts as the person.
    """

    id: UUID
    organization_id: UUID
    user_agent: str
    ip: str
    created_at: datetime
    last_seen_at: datetime
    is_current: bool = False
    is_impersonation: bool = False


class LoginNotFoundError(NotFoundError):
    """There is no such login of yours; it may have ended."""

    code = "login_not_found"
    title = "There is no such login"
    hint = "List yours with `GET /api/auth/sessions`; one that has ended is not among them."
