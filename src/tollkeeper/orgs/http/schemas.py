"""What the API takes and answers about people, keys and customers."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from tollkeeper.identity import MAX_NAME, ApiKey, KeyKind, KeyProblem, OpenedSession, TokenPair, User, clean_name
from tollkeeper.kit import Actor, FieldProblem, InvalidInputError, Page, Permission, parse_id
from tollkeeper.orgs.model import Member, Organization

MAX_TEXT = 4096
MAX_EXTERNAL_ID = 255
MAX_KEY_NAME = 100
MAX_GRACE_SECONDS = 30 * 24 * 3600
MAX_PAGE = 100
MAX_NETWORKS = 50
MAX_NETWORK = 60


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not hold a NUL character")
    return text


def _not_blank(text: str) -> str:
    if not text:
        raise ValueError("must not be blank")
    return text


Text = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(_without_nul)]
"""Any text; what it may say in detail is the domain's to judge, so that every problem is named at once."""
Name = Annotated[
    str,
    Field(max_length=MAX_NAME),
    AfterValidator(_without_nul),
    AfterValidator(clean_name),
    AfterValidator(_not_blank),
]
Code = Annotated[str, Field(max_length=64), AfterValidator(_without_nul)]
"""A code of an authenticator app, or a recovery code, with or without the spaces and dashes it is shown with."""
Captcha = Annotated[
    Text, Field(description="The CAPTCHA's token for this act, where `TOLLKEEPER_CAPTCHA_SITE_KEY` is set.")
]
KeyName = Annotated[Name, Field(max_length=MAX_KEY_NAME)]
Networks = Annotated[list[Annotated[Text, Field(max_length=MAX_NETWORK)]], Field(max_length=MAX_NETWORKS)]
KeyRate = Annotated[int, Field(strict=True, ge=1, le=10_000_000)]
ExternalId = Annotated[
    str, Field(min_length=1, max_length=MAX_EXTERNAL_ID, pattern=r"^\S(.*\S)?$"), AfterValidator(_without_nul)
]


class Body(BaseModel):
    """A request's body: unknown fields are refused, so that a misspelt one is not silently ignored."""

    model_config = ConfigDict(extra="forbid")


class RegistrationBody(Body):
    """A new person."""

    email: Text = Field(examples=["ada@example.com"])
    password: Text = Field(description="8 to 1024 characters.")
    name: Text | None = Field(None, description="Left out: the part of the address before the `@`.")
    captcha: Captcha | None = None


class LoginBody(Body):
    """Who logs in. `otp` is read once a second factor is enrolled: a code of the app, or a recovery code."""

    email: Text
    password: Text
    otp: Code | None = None
    captcha: Captcha | None = None


class RefreshBody(Body):
    """The newest refresh token of the login."""

    refresh_token: Text


class LogoutBody(Body):
    """The refresh token of the login to end, when it is not the caller's own."""

    refresh_token: Text | None = None


class ProfileBody(Body):
    """What to change; fields left out stay as they are."""

    name: Name | None = None
    time_zone: Text | None = Field(None, examples=["Europe/Berlin"])
    locale: Text | None = Field(None, description="A language tag.", examples=["de-AT"])


class KeyBody(Body):
    """A new key."""

    name: KeyName
    kind: Literal["live", "test"] = "live"
    expires_at: AwareDatetime | None = Field(None, description="In the future. Left out: no end.")
    scopes: list[Permission] = Field(
        default_factory=list,
        max_length=len(Permission),
        description="What the key may do; never more than its maker. Empty: read and report usage, read keys and "
        "billing.",
    )
    per_minute: KeyRate | None = Field(
        None, description="Calls a minute with this key. Left out: as many as the organization and its plan allow."
    )
    networks: Networks = Field(
        default_factory=list,
        description="Addresses and networks (`192.0.2.0/24`) the key may be used from, at most 50. Empty: anywhere.",
    )
    customer: Text | None = Field(None, description="For operators: whose key, by id or external id.")


class KeyChangeBody(Body):
    """What is to change about a key; what is left out stays."""

    name: KeyName | None = None
    per_minute: KeyRate | None = Field(
        None, description="Calls a minute with this key. Null: as many as the organization and its plan allow."
    )
    networks: Networks | None = Field(
        None, description="Where the key may be used from, in place of what was said before. Empty: anywhere."
    )


class RotationBody(Body):
    """How long the old secret stays good."""

    grace_seconds: int = Field(0, ge=0, le=MAX_GRACE_SECONDS, strict=True)


class CustomerBody(Body):
    """A new customer without members."""

    name: Name
    external_id: ExternalId | None = Field(None, description="What your own product calls this customer; unique.")


class UserOut(BaseModel):
    """A person."""

    id: UUID
    email: str
    name: str
    time_zone: str
    locale: str
    email_verified: bool
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> Self:
        """Show a user."""
        return cls(
            id=user.id,
            email=user.email,
            name=user.name,
            time_zone=user.time_zone,
            locale=user.locale,
            email_verified=user.verified_at is not None,
            created_at=user.created_at,
        )


class OrganizationOut(BaseModel):
    """A customer."""

    id: UUID
    name: str
    external_id: str | None
    created_at: datetime

    @classmethod
    def of(cls, organization: Organization) -> Self:
        """Show an organization."""
        return cls(
            id=organization.id,
            name=organization.name,
            external_id=organization.external_id,
            created_at=organization.created_at,
        )


class LoginOut(BaseModel):
    """A login. `expires_in` is the life of the access token, in seconds.

    `csrf_token` goes with the session cookie: browsers send it as `X-CSRF-Token` with every write. Null when the answer
    sets no cookie.
    """

    user: UserOut
    organization: OrganizationOut
    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the name OAuth gives the sort of token
    expires_in: int
    csrf_token: str | None

    @classmethod
    def of(cls, member: Member, tokens: TokenPair, session: OpenedSession | None = None) -> Self:
        """Show a login just made or prolonged."""
        return cls(
            user=UserOut.of(member.user),
            organization=OrganizationOut.of(member.organization),
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            expires_in=tokens.expires_in,
            csrf_token=session.csrf_token if session else None,
        )


class MeOut(BaseModel):
    """Who calls. `user` and `role` (its key) are null for keys, `organization` is null for operators.

    `csrf_token` is that of the caller's browser session; null for other credentials.
    """

    kind: str
    user: UserOut | None
    organization: OrganizationOut | None
    role: str | None
    permissions: list[Permission]
    csrf_token: str | None = None

    @classmethod
    def of(cls, actor: Actor, organization: Organization | None, member: Member | None) -> Self:
        """Show a caller."""
        return cls(
            kind=actor.kind,
            user=UserOut.of(member.user) if member else None,
            organization=OrganizationOut.of(organization) if organization else None,
            role=member.role.key if member else None,
            permissions=sorted(actor.permissions),
        )


class KeyOut(BaseModel):
    """A key without its secret. `prefix` and `last_four` are the ends of the current secret."""

    id: UUID
    name: str
    kind: KeyKind
    prefix: str
    last_four: str
    scopes: list[Permission]
    status: Literal["active"] | KeyProblem
    created_by: UUID | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    use_count: int
    per_minute: int | None = Field(description="Calls a minute with this key; null: no limit of its own.")
    networks: list[str] = Field(description="Where the key may be used from; empty: anywhere.")

    @classmethod
    def of(cls, key: ApiKey, now: datetime) -> Self:
        """Show a key as it is at `now`."""
        return cls(**_shown(key, now))


class KeyWithSecretOut(KeyOut):
    """A key just made or rotated. `secret` is shown this once and kept nowhere."""

    secret: str

    @classmethod
    def with_secret(cls, key: ApiKey, now: datetime, secret: str) -> Self:
        """Show a key with the secret it was just given."""
        return cls(**_shown(key, now), secret=secret)


def _shown(key: ApiKey, now: datetime) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "kind": key.kind,
        "prefix": key.prefix,
        "last_four": key.last_four,
        "scopes": sorted(key.permissions),
        "status": key.problem(now) or "active",
        "created_by": key.created_by,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
        "use_count": key.use_count,
        "per_minute": key.per_minute,
        "networks": [str(each) for each in key.networks],
    }


class KeyList(BaseModel):
    """One page of keys, newest first."""

    data: list[KeyOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[ApiKey], now: datetime) -> Self:
        """Show a page."""
        return cls(data=[KeyOut.of(key, now) for key in page.data], next_cursor=page.next_cursor)


class CustomerList(BaseModel):
    """One page of customers, newest first."""

    data: list[OrganizationOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Organization]) -> Self:
        """Show a page."""
        return cls(data=[OrganizationOut.of(each) for each in page.data], next_cursor=page.next_cursor)


Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="Items a page.")]
Cursor = Annotated[
    str | None, Query(max_length=64, description="`next_cursor` of the page before; left out for the first page.")
]
Customer = Annotated[Text | None, Query(description="For operators: whom the call is about, by id or external id.")]


def read_cursor(cursor: str | None) -> UUID | None:
    """Return the place a page starts after.

    Raises:
        InvalidInputError: it is none of ours.
    """
    found = parse_id(cursor) if cursor is not None else None
    if cursor is not None and found is None:
        raise InvalidInputError([FieldProblem("cursor", "is not a `next_cursor` of this list", "cursor")])
    return found
