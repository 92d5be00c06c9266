"""Values of signing in elsewhere: who vouches, for whom, and what can go wrong."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from tollkeeper.infra import SignInPreset
from tollkeeper.kit import ConflictError, ForbiddenError, NotFoundError, TollkeeperError, UnavailableError

ATTEMPT_LIFE = timedelta(minutes=10)
"""So long somebody may take at the other service."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A service that vouches for people.

    `key` is what identities are kept under. `domains` are those whose addresses its word counts for; None: any.
    """

    key: str
    title: str
    preset: SignInPreset
    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    domains: frozenset[str] | None = None

    def speaks_for(self, email: str) -> bool:
        """Whether its word counts for this normalised address."""
        return self.domains is None or email.rpartition("@")[2] in self.domains


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way of a browser to the other service and back. Rests, sealed, with that browser alone.

    `session_id` is the login that wants to link; None: somebody signs in. `next` is where to go afterwards.
    """

    provider: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    next: str
    session_id: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Vouched:
    """What a provider said, checked. `email` is normalised; None: it named none, or none it calls verified."""

    provider: str
    issuer: str
    subject: str
    email: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody of ours as another service knows them. `email` is what it said last, for people to recognise it by."""

    id: UUID
    user_id: UUID
    provider: str
    issuer: str
    subject: str
    email: str | None
    created_at: datetime
    last_used_at: datetime


class ProviderNotFoundError(NotFoundError):
    """People cannot sign in with this."""

    code = "sign_in_provider_not_found"
    title = "Nobody can sign in with this"
    hint = "`GET /api/auth/providers` lists what people can sign in with."


class ProviderDownError(UnavailableError):
    """The other service does not answer, or not as the protocol says."""

    code = "sign_in_provider_unavailable"
    title = "The other service does not answer"
    hint = "Try again in a moment, or log in another way."


class AttemptEndedError(TollkeeperError):
    """The browser comes back from a sign-in that it did not begin, or began too long ago, or has ended already."""

    code = "sign_in_ended"
    status = 400
    title = "This sign-in is over"
    hint = "Begin again, in the same browser. Cookies must be allowed."


class SignInRefusedError(TollkeeperError):
    """The other service, or the person there, said no."""

    code = "sign_in_refused"
    status = 400
    title = "The other service did not sign you in"
    hint = "Begin again, or log in another way."


class SignInBrokenError(TollkeeperError):
    """What the other service sent proves nothing. The log says why; the caller is not told."""

    code = "sign_in_broken"
    status = 400
    title = "The other service's answer cannot be trusted"
    hint = "Begin again; when it stays, tell whoever runs the service."


class EmailNotVouchedError(ForbiddenError):
    """A new person comes without an address that the other service calls theirs."""

    code = "email_not_vouched"
    title = "The other service does not vouch for your e-mail address"
    hint = "Verify your address there, or create an account with a password and link it afterwards."


class AccountNotLinkedError(ConflictError):
    """There is an account with this address, and nothing proves that it is the same person's."""

    code = "account_not_linked"
    title = "There is an account with this e-mail address already"
    hint = "Log in as before and link this sign-in under Security. A forgotten password can be reset."


class IdentityTakenError(ConflictError):
    """Somebody else has linked this."""

    code = "identity_taken"
    title = "Another account is linked with this already"
    hint = "Sign in with it, and unlink it there first."


class IdentityNotFoundError(NotFoundError):
    """The person has linked no such thing."""

    code = "identity_not_found"
    title = "You have linked no such thing"


class LastWayInError(ConflictError):
    """Without it the person could not log in any more."""

    code = "last_way_in"
    title = "This is your only way to log in"
    hint = "Set a password first, or link something else."
