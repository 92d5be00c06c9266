"""Values of an organization's own sign-on, and what can go wrong with it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tollkeeper.identity.elsewhere import Provider
from tollkeeper.infra import SignInPreset
from tollkeeper.kit import ConflictError, ForbiddenError, NotFoundError, UnavailableError

RECORD_NAME = "_tollkeeper-challenge"
"""Below it a domain answers for whom it belongs to."""

SECRET_PURPOSE = "client secret of a connection"  # noqa: S105 - what it is for, not the secret
"""What client secrets at an issuer are sealed for."""


class ShownBy(StrEnum):
    """By what a domain was shown to be an organization's."""

    DNS = "dns"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain an organization claims. `verified_at` None: not shown to be theirs, so it counts for nothing."""

    id: UUID
    organization_id: UUID
    name: str
    token: str
    created_at: datetime
    verified_at: datetime | None = None
    verified_by: ShownBy | None = None

    @property
    def record_name(self) -> str:
        """Under which name the TXT record is to stand."""
        return f"{RECORD_NAME}.{self.name}"

    @property
    def record_value(self) -> str:
        """What the TXT record is to say."""
        return f"tollkeeper-domain={self.token}"


@dataclass(frozen=True, slots=True)
class Connection:
    """An organization's own issuer. Members it brings get `role`; with `passwords` False they have no other way in."""

    id: UUID
    organization_id: UUID
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    role: str
    passwords: bool
    created_at: datetime

    def provider(self, organization: str, domains: frozenset[str]) -> Provider:
        """Return who vouches: for addresses of these domains, and no other."""
        return Provider(
            key=str(self.id),
            title=organization,
            preset=SignInPreset.OIDC,
            issuer=self.issuer,
            client_id=self.client_id,
            client_secret=self.client_secret,
            domains=domains,
        )


class ConnectionNotFoundError(NotFoundError):
    """The organization has no sign-on of its own."""

    code = "sso_not_set_up"
    title = "There is no single sign-on here"
    hint = "Set it up with `PATCH /api/sso`, or log in another way."


class DomainNotFoundError(NotFoundError):
    """The organization claims no such domain."""

    code = "domain_not_found"
    title = "You claim no such domain"


class DomainTakenError(ConflictError):
    """Another organization has shown that the domain is theirs."""

    code = "domain_taken"
    title = "Another organization holds this domain"
    hint = "Ask the operator when that is wrong."


class DomainNotShownError(ConflictError):
    """The record that would show whose the domain is is not there."""

    code = "domain_not_shown"
    title = "The TXT record is not there"
    hint = "Add it at your DNS provider, wait until it can be seen, and try again."


class DnsUnavailableError(UnavailableError):
    """No name server answers."""

    code = "dns_unavailable"
    title = "No name server answers"
    hint = "Try again in a moment."


class PasswordsNeededError(ConflictError):
    """Nobody has shown yet that the way in without passwords works."""

    code = "sso_not_tried"
    title = "Sign in with it first"
    hint = "Passwords can be forbidden by somebody who has signed in over the connection as it is set up now."


class SsoRequiredError(ForbiddenError):
    """The domain of the address has its people log in over its own issuer, and in no other way."""

    code = "sso_required"
    title = "People of this domain log in over their organization"
    hint = "Choose “Single sign-on” and type your e-mail address."
