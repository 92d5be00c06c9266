"""Values of invitations, and what can go wrong."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tollkeeper.kit import ConflictError, ForbiddenError, NotFoundError, TollkeeperError
from tollkeeper.orgs.model import Organization
from tollkeeper.orgs.roles import TeamRole

INVITATION_LIFE = timedelta(days=7)
MAX_SENDS = 5
MOST_A_DAY = 100
A_DAY = timedelta(days=1)
KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Invitation:
    """Somebody asked to join. `email` is normalised; `invited_by` None: no person did, or they are gone.

    `sends` is how many mails were written, the newest at `sent_at`. `closed_at` None: neither accepted nor revoked.
    """

    id: UUID
    organization_id: UUID
    email: str
    role: TeamRole
    invited_by: UUID | None
    created_at: datetime
    sent_at: datetime
    sends: int
    expires_at: datetime
    closed_at: datetime | None

    def is_open(self, now: datetime) -> bool:
        """Whether it can be accepted."""
        return self.closed_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class Letter:
    """An invitation as its receiver sees it. `inviter` is empty when no person invited, or they are gone.

    `has_account`: somebody is registered under the address.
    """

    invitation: Invitation
    organization: Organization
    inviter: str
    has_account: bool


class InvitationNotFoundError(NotFoundError):
    """There is no such invitation, or its link is no longer good."""

    code = "invitation_not_found"
    title = "This invitation is not valid"
    hint = "It was accepted, revoked, has expired or was sent anew. Ask who invited you for another."


class AlreadyInvitedError(ConflictError):
    """The address has an open invitation to the organization."""

    code = "already_invited"
    title = "This address is invited already"
    hint = "Send the invitation again, or revoke it to change the role."


class SendsUsedUpError(ConflictError):
    """The invitation was sent too often already."""

    code = "sends_used_up"
    title = "This invitation was sent often enough"
    hint = "Revoke it; if the address is right, invite it again."


class InvitationForOtherError(ForbiddenError):
    """The invitation was sent to an address that is not the caller's."""

    code = "invitation_for_other"
    title = "This invitation is for somebody else"
    hint = "Log in with the address the invitation was sent to."


class TooManyInvitationsError(TollkeeperError):
    """The organization invited as many people today as it may."""

    code = "too_many_invitations"
    status = 429
    title = "Too many invitations within a day"
    hint = "Go on tomorrow; an organization may send 100 invitations in 24 hours."
