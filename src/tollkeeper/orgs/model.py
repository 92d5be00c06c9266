"""Values of organizations: the customer, who belongs to it and as what, and what can go wrong."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from tollkeeper.identity import OpenedSession, TokenPair, User
from tollkeeper.infra import Event
from tollkeeper.kit import ConflictError, ForbiddenError, NotFoundError, Role


@dataclass(frozen=True, slots=True)
class Organization:
    """The customer. `external_id` is what the operator's own product calls it; None when it has no such name."""

    id: UUID
    name: str
    external_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Member:
    """A person in an organization."""

    user: User
    organization: Organization
    role: Role


@dataclass(frozen=True, slots=True)
class Client:
    """From where somebody logs in, for their own list of sessions."""

    user_agent: str = ""
    ip: str = ""


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
