"""Values of identity: people, how they are logged in, the keys their programs carry, and what can go wrong."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Literal
from uuid import UUID

from tollkeeper.kit import Actor, ActorKind, ConflictError, NotFoundError, Permission, UnauthenticatedError

SESSION_COOKIE = "tollkeeper_session"
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf_token"

SESSION_LIFE = timedelta(days=30)
ACCESS_TOKEN_LIFE = timedelta(minutes=15)
REFRESH_TOKEN_LIFE = timedelta(days=30)

KEY_PERMISSIONS = frozenset(
    {Permission.USAGE_READ, Permission.USAGE_WRITE, Permission.KEYS_READ, Permission.BILLING_READ}
)
"""What a key may do when its scopes are empty."""


@dataclass(frozen=True, slots=True)
class User:
    """A person with a login. `email` is normalised; `time_zone` is an IANA name, `locale` a language tag."""

    id: UUID
    email: str
    name: str
    time_zone: str
    created_at: datetime
    locale: str = "en"
    verified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a login is checked against. `password_hash` is None for people who log in another way."""

    user_id: UUID
    password_hash: str | None


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that is logged in. `expires_at` is absolute; idleness may end the session before.

    `proved_at` is when the person last proved who they are; None: opened before this was kept. `impersonator_id` is
    the member of staff who acts as the person; None: it is the person's own.
    """

    id: UUID
    user_id: UUID
    organization_id: UUID
    user_agent: str
    ip: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    proved_at: datetime | None = None
    impersonator_id: UUID | None = None

    def is_open(self, now: datetime, idle: timedelta) -> bool:
        """Whether the session is neither too old nor left alone for as long as `idle`."""
        return now < self.expires_at and now < self.last_seen_at + idle


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session just opened: the only moment its token is known."""

    token: str
    csrf_token: str
    expires_at: datetime
    session: Session


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a valid access token says. `family_id` is the login it came from; `expires` is exclusive."""

    user_id: UUID
    organization_id: UUID
    family_id: UUID
    expires: datetime


@dataclass(frozen=True, slots=True)
class RefreshClaims:
    """What a refresh token with a valid signature says."""

    family_id: UUID
    token_id: UUID


@dataclass(frozen=True, slots=True)
class TokenFamily:
    """All tokens that descend from one login. Only the refresh token `current_token_id` is unspent.

    `proved_at` is as of a session.
    """

    id: UUID
    user_id: UUID
    organization_id: UUID
    session_id: UUID | None
    current_token_id: UUID
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    proved_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TokenPair:
    """Tokens handed to a program. `expires_in` is the life of the access token, in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    user_id: UUID
    organization_id: UUID
    family_id: UUID


class RefreshRefusal(StrEnum):
    """Why a refresh token buys no new one."""

    INVALID = "invalid"
    """Not ours, of a revoked login, or too old."""
    REUSED = "reused"
    """Spent before: a copy is in other hands, so the whole family has been revoked."""


class KeyKind(StrEnum):
    """Whom a key acts for, and in earnest or on trial."""

    LIVE = "live"
    TEST = "test"
    OPERATOR = "operator"


class Unchanged(Enum):
    """Stands for "as it is" where None says something else."""

    UNCHANGED = "unchanged"


KeyProblem = Literal["revoked", "expired"]
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A program's credential.

    `organization_id` is None for operator keys. `created_by` is None when no person made it. `scopes` empty means
    what the kind may do by default. `secret_expires_at` is set only on a key found by a secret that was rotated out:
    until then (exclusive) that old secret is still accepted. `last_used_at` None: never used. `per_minute` is how many
    calls a minute this key may make, whatever its organization may; None: no limit of its own. `networks` is where it
    may be used from; empty: from anywhere.
    """

    id: UUID
    organization_id: UUID | None
    created_by: UUID | None
    name: str
    kind: KeyKind
    scopes: tuple[Permission, ...]
    prefix: str
    last_four: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    use_count: int
    secret_expires_at: datetime | None = None
    per_minute: int | None = None
    networks: tuple[Network, ...] = ()

    def problem(self, now: datetime) -> KeyProblem | None:
        """Why the key is refused now; None when it is good."""
        if self.revoked_at is not None:
            return "revoked"
        ends = [end for end in (self.expires_at, self.secret_expires_at) if end is not None]
        return "expired" if ends and now >= min(ends) else None

    @property
    def permissions(self) -> frozenset[Permission]:
        """What a caller with this key may do."""
        if self.kind is KeyKind.OPERATOR:
            return frozenset(Permission)
        return frozenset(self.scopes) or KEY_PERMISSIONS

    @property
    def actor(self) -> Actor:
        """The caller this key proves; ask `problem` first."""
        kind = ActorKind.OPERATOR_KEY if self.kind is KeyKind.OPERATOR else ActorKind.API_KEY
        return Actor(
            kind,
            self.permissions,
            organization_id=self.organization_id,
            credential_id=self.id,
            made_by=None if self.kind is KeyKind.OPERATOR else self.created_by,
            per_minute=self.per_minute,
        )


class EmailTakenError(ConflictError):
    """Somebody has registered with this e-mail address already."""

    code = "email_taken"
    title = "This e-mail address is registered already"
    hint = "Log in, or register with another address."


class InvalidCredentialsError(UnauthenticatedError):
    """The e-mail address or the password is wrong; which of them is not told."""

    code = "invalid_credentials"
    title = "The e-mail address or the password is wrong"
    hint = "Check both and try again."


class InvalidRefreshTokenError(UnauthenticatedError):
    """The refresh token is not ours, has been revoked or is too old."""

    code = "invalid_refresh_token"
    title = "The refresh token is not valid"
    hint = "Log in again."


class RefreshTokenReusedError(UnauthenticatedError):
    """The refresh token was spent before, so somebody else may have a copy; the login it came from is revoked."""

    code = "refresh_token_reused"
    title = "The refresh token was used before"
    hint = "Log in again. Keep only the newest refresh token of each answer."


class KeyNotFoundError(NotFoundError):
    """There is no such key in the organization."""

    code = "key_not_found"
    title = "There is no such API key"


class KeyEndedError(ConflictError):
    """The key has been revoked or has expired."""

    code = "key_ended"
    title = "This API key is revoked or expired"
    hint = "Create a new key."
