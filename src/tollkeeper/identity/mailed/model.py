"""Values of proofs by mail."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from tollkeeper.infra import Event
from tollkeeper.kit import ForbiddenError, NotFoundError


class Purpose(StrEnum):
    """What following a link does."""

    VERIFY = "verify"
    """The address of the account is proved."""
    MOVE = "move"
    """The account gets this address instead of its old one."""
    RESET = "reset"
    """A new password is chosen."""


LIVES = {Purpose.VERIFY: timedelta(days=3), Purpose.MOVE: timedelta(days=1), Purpose.RESET: timedelta(hours=1)}
MAX_AN_HOUR = 5
"""So many links for one purpose a person is sent within an hour; further wishes are passed over in silence."""

SENT_TWICE = timedelta(minutes=10)
"""A registration of the same address within this time is taken for the same person's, who sent it twice."""


@dataclass(frozen=True, slots=True)
class MailProof:
    """A link that was sent. `email` is where to; `expires_at` is exclusive."""

    digest: bytes
    user_id: UUID
    purpose: Purpose
    email: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReclaimed(Event):
    """Whoever holds an address took over the account that was made with it and never verified.

    Anybody can have made it: whoever holds something that acts for the person without their password lets go of it, in
    the same transaction.
    """

    name: ClassVar[str] = "person.account_reclaimed"

    user_id: UUID


class LinkEndedError(NotFoundError):
    """The link was followed before, has expired, or is none of ours."""

    code = "link_ended"
    title = "This link is no longer good"
    hint = "Each link works once and for a limited time; ask for a new one."


class EmailUnverifiedError(ForbiddenError):
    """The password is right, and the address has not been proved yet, which this deployment demands."""

    code = "email_unverified"
    title = "Your e-mail address has not been verified yet"
    hint = "Follow the link in the mail you were sent, or have another one sent."
