"""People asked to join: a mail with a link that is good once, for a week, for whoever reads that mailbox.

Owns: invitations, from the first mail to the answer.
Does not own: what becomes of who accepts (teams), the sending of mails (notify).
Invariants: the token is kept as a digest only, and the newest mail's alone is good; an address is invited to an
organization once at a time; only the person whose address it is can accept; nobody invites to a role that may do more
than they; one stands only while who sent it is a member and could send it still, and is revoked by the commit that ends
that.
What each time means: `expires_at` is the first moment the link is no longer good; `closed_at` is when it was accepted
or revoked.
"""

from tollkeeper.infra import Event, Projection
from tollkeeper.orgs.model import MembersChanged
from tollkeeper.orgs.roles import RolesChanged

from .jobs import forget_invitations
from .model import (
    INVITATION_LIFE,
    MAX_SENDS,
    AlreadyInvitedError,
    Invitation,
    InvitationForOtherError,
    InvitationNotFoundError,
    Letter,
    SendsUsedUpError,
    TooManyInvitationsError,
)
from .service import accept, accept_as_new, invite, list_invitations, read_letter, resend, revoke
from .standing import on_members_changed, on_roles_changed, revoke_sent_by
from .tables import invitations

projections: dict[type[Event], Projection] = {MembersChanged: on_members_changed, RolesChanged: on_roles_changed}

__all__ = [
    "INVITATION_LIFE",
    "MAX_SENDS",
    "AlreadyInvitedError",
    "Invitation",
    "InvitationForOtherError",
    "InvitationNotFoundError",
    "Letter",
    "SendsUsedUpError",
    "TooManyInvitationsError",
    "accept",
    "accept_as_new",
    "forget_invitations",
    "invitations",
    "invite",
    "list_invitations",
    "projections",
    "read_letter",
    "resend",
    "revoke",
    "revoke_sent_by",
]
