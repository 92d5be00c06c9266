"""Proofs by mail: that an address is somebody's, and that whoever reads it may choose a new password.

Owns: the links that mails carry, from being sent to being followed; whose address is proved; new passwords.
Does not own: the mails' way (notify), hashing, how logins end (logins).
Invariants: a link is good once, for its purpose, until it expires, and rests as a digest only; asking for one is
answered the same, in the same time, whether anybody has the address; nobody is sent more than a few an hour; a link
proves the address it was sent to and no other.
What each time means: `users.verified_at` is when the present address was proved; `expires_at` is the first moment a
link is no longer good.
"""

from .jobs import ask_for_move, ask_for_reset, ask_for_verification, jobs
from .model import AccountReclaimed, EmailUnverifiedError, LinkEndedError, MailProof, Purpose
from .service import (
    check_link,
    follow_address_link,
    follow_reset_link,
    must_be_verified,
    note_address_proved,
    register_again,
    send_verification_to,
    set_password,
)
from .store import remove_expired as forget_links

__all__ = [
    "AccountReclaimed",
    "EmailUnverifiedError",
    "LinkEndedError",
    "MailProof",
    "Purpose",
    "ask_for_move",
    "ask_for_reset",
    "ask_for_verification",
    "check_link",
    "follow_address_link",
    "follow_reset_link",
    "forget_links",
    "jobs",
    "must_be_verified",
    "note_address_proved",
    "register_again",
    "send_verification_to",
    "set_password",
]
