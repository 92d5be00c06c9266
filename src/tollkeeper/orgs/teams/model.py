"""Values of memberships, and what can go wrong."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tollkeeper.identity import User
from tollkeeper.kit import Actor, ConflictError, ForbiddenError, NotFoundError, Permission
from tollkeeper.orgs.model import Organization
from tollkeeper.orgs.roles import GRANTABLE, TeamRole


class MemberOrder(StrEnum):
    """What members are sorted by."""

    ACCOUNT = "account"
    """Those with the oldest account first."""
    NAME = "name"
    EMAIL = "email"
    ROLE = "role"
    JOINED = "joined"


@dataclass(frozen=True, slots=True)
class TeamMember:
    """A person as a member. `suspended_at` None: they may do what their role says."""

    user: User
    organization_id: UUID
    role: TeamRole
    joined_at: datetime
    suspended_at: datetime | None


@dataclass(frozen=True, slots=True)
class TeamPlace:
    """An organization a person belongs to, and as what."""

    organization: Organization
    role: TeamRole
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Authority:
    """How far somebody reaches among the members of one organization.

    `actor` None: nobody in particular, on an outside directory's behalf.
    """

    actor: Actor | None
    permissions: frozenset[Permission]
    is_owner: bool


PROVISIONER = Authority(None, GRANTABLE, is_owner=False)
"""Who keeps the members as an outside directory says; owners are beyond its reach."""


class MemberNotFoundError(NotFoundError):
    """The person is no member of the organization."""

    code = "member_not_found"
    title = "There is no such member"
    hint = "GET /api/members lists the members."


class AlreadyMemberError(ConflictError):
    """The person belongs to the organization already."""

    code = "already_member"
    title = "This person is a member already"
    hint = "Change their role with PATCH /api/members/{user_id}."


class LastOwnerError(ConflictError):
    """An organization must not be left without an owner."""

    code = "last_owner"
    title = "The organization needs an owner"
    hint = "Make somebody else an owner first, or hand the organization over to them."


class OwnerNeededError(ForbiddenError):
    """Only an owner may do this."""

    code = "owner_needed"
    title = "Only an owner may do this"
    hint = "Ask an owner of the organization."


class AlreadyOwnerError(ConflictError):
    """The organization would be handed over to who hands it over."""

    code = "already_owner"
    title = "It is yours already"
    hint = "Choose another member."
