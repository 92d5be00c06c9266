"""People asked to join: a mail with a link that is good once, for a week, for whoever reads that mailbox.

Owns: invitations, from the first mail to the answer.
Does not own: what becomes of who accepts (teams), the sending of mails (notify).
Invariants: the token is kept as a digest only, and the newest mail's alone is good; an address is invited to an
organization once at a time; only the person whose address it is can accept; nobody invites to a role that may do more
than they.
What each time means: `expires_at` is the first moment the link is no longer good; `closed_at` is when it was accepted
or revoked.
"""

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
from .tables import invitations

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
    "read_letter",
    "resend",
    "revoke",
]
