"""Values of organizations: the customer, who belongs to it and as what, and what can go wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from tollkeeper.identity import Device, OpenedSession, TokenPair, User
from tollkeeper.infra import Event
from tollkeeper.kit import ConflictError, ForbiddenError, NotFoundError, UnauthenticatedError

from .roles import TeamRole


@dataclass(frozen=True, slots=True)
class Organization:
    """The customer. `external_id` is what the operator's own product calls it; None when it has no such name."""

    id: UUID
    name: str
    external_id: str | None
    created_at: datetime
    suspended_at: datetime | None = None
    """Since when it may use nothing; None: it may."""
    suspension: str | None = None
    """Why, in the words its people are told."""


@dataclass(frozen=True, slots=True)
class Member:
    """A person in an organization."""

    user: User
    organization: Organization
    role: TeamRole


@dataclass(frozen=True, slots=True)
class Client:
    """From where somebody logs in, for their own list of sessions.

    `device` is the token by which a browser is known again; `is_back` says that it brought one, or else it was made for
    it just now.
    """

    user_agent: str = ""
    ip: str = ""
    device: str = field(default="", repr=False)
    is_back: bool = False

    @property
    def as_device(self) -> Device:
        """What the log-in is judged by."""
        return Device(self.device, self.user_agent, self.ip)


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """Who wants in. `email` is normalised, empty when what was typed is no address. `otp` None: none was sent."""

    email: str
    client: Client
    otp: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class StepUp:
    """One proof of somebody who is logged in; exactly one is not None.

    `code` is of the app or a recovery code; `credential` is a passkey's answer as the browser tells it.
    """

    password: str | None = field(default=None, repr=False)
    code: str | None = field(default=None, repr=False)
    credential: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A login just made: the browser's session and the program's tokens, which end together at a logout."""

    member: Member
    session: OpenedSession
    tokens: TokenPair


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationCreated(Event):
    """There is a new customer."""

    name: ClassVar[str] = "organization.created"

    organization_id: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersChanged(Event):
    """Who belongs to an organization changed. `seats` is how many members it has now, suspended ones left out.

    `rises`: they have become more, which an upper floor may refuse by an error.
    """

    name: ClassVar[str] = "organization.members_changed"

    organization_id: UUID
    seats: int
    rises: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatsAsked(Event):
    """Somebody is about to be invited: an upper floor may refuse it by an error.

    `seats` is how many members there would be if everybody who is invited came.
    """

    name: ClassVar[str] = "organization.seats_asked"

    organization_id: UUID
    seats: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationSuspended(Event):
    """An organization may use nothing from now on."""

    name: ClassVar[str] = "organization.suspended"

    organization_id: UUID
    suspended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationReinstated(Event):
    """An organization that was suspended may use again what it bought."""

    name: ClassVar[str] = "organization.reinstated"

    organization_id: UUID


class OrganizationSuspendedError(ForbiddenError):
    """The organization is suspended."""

    code = "organization_suspended"
    title = "The organization is suspended"
    hint = "Its people can log in, read, export and pay; what else there is to say, they see when they log in."


class OrganizationNotFoundError(NotFoundError):
    """There is no such customer, or it is not yours."""

    code = "customer_not_found"
    title = "There is no such customer"
    hint = "Check `customer`: the organization's id, or the `external_id` it was created with."


class ExternalIdTakenError(ConflictError):
    """Another organization has this `external_id`."""

    code = "external_id_taken"
    title = "Another customer has this external id"
    hint = "Read it with `GET /api/customers/{external_id}`, or choose another."


class NoOrganizationError(ForbiddenError):
    """The person belongs to no organization any more."""

    code = "no_organization"
    title = "You belong to no organization"
    hint = "Ask an owner to invite you again."


class LoginExpiredError(UnauthenticatedError):
    """The second factor came too long after the password."""

    code = "login_expired"
    title = "This took too long"
    hint = "Log in again from the beginning."


class PersonNeededError(ForbiddenError):
    """The call is about a person, and a key is not one."""

    code = "person_needed"
    title = "This call is about a person"
    hint = "Log in; API keys act for an organization, not for somebody."


class OperatorNeededError(ForbiddenError):
    """Only the operator may do this."""

    code = "operator_needed"
    title = "Only the operator may do this"
    hint = "Use an operator key, made with `tollkeeper keys create-operator`."
