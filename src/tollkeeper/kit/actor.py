"""Who is acting, and what they may do. Permissions ride on the actor so that no domain asks another."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from .errors import ForbiddenError, UnauthenticatedError


class Role(StrEnum):
    """A member's standing in one organization."""

    OWNER = "owner"
    ADMIN = "admin"
    BILLING = "billing"
    DEVELOPER = "developer"
    VIEWER = "viewer"


class Permission(StrEnum):
    """What can be allowed, as `<resource>:<action>`."""

    USAGE_READ = "usage:read"
    USAGE_WRITE = "usage:write"
    USAGE_CORRECT = "usage:correct"
    USAGE_GRANT = "usage:grant"
    KEYS_READ = "keys:read"
    KEYS_MANAGE = "keys:manage"
    KEYS_VERIFY = "keys:verify"
    BILLING_READ = "billing:read"
    BILLING_MANAGE = "billing:manage"
    BILLING_REFUND = "billing:refund"
    ORGANIZATION_MANAGE = "organization:manage"
    MEMBERS_READ = "members:read"
    MEMBERS_MANAGE = "members:manage"
    MEMBERS_PROVISION = "members:provision"
    AUDIT_READ = "audit:read"


_READ = frozenset({Permission.USAGE_READ, Permission.KEYS_READ, Permission.BILLING_READ, Permission.MEMBERS_READ})
# Giving money back is for those whose money it is: the operator. So is correcting usage, which others pay by, and
# granting credits.
_OF_OPERATORS = {Permission.KEYS_VERIFY, Permission.BILLING_REFUND, Permission.USAGE_CORRECT, Permission.USAGE_GRANT}
_ALL_OF_A_MEMBER = frozenset(Permission) - _OF_OPERATORS

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.OWNER: _ALL_OF_A_MEMBER,
    Role.ADMIN: _ALL_OF_A_MEMBER,
    Role.BILLING: _READ | {Permission.BILLING_MANAGE},
    Role.DEVELOPER: _READ | {Permission.USAGE_WRITE, Permission.KEYS_MANAGE},
    Role.VIEWER: _READ,
}


class ActorKind(StrEnum):
    """By what the caller proved who they are."""

    SESSION = "session"
    TOKEN = "token"  # noqa: S105 - a kind of credential, not one
    API_KEY = "api_key"
    OPERATOR_KEY = "operator_key"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """A caller with a proven identity.

    `organization_id` is None for operators and the system, who name the organization in each request.
    `user_id` is None for keys that belong to no person. `credential_id` is the session's or key's id. `made_by` is the
    member who made a key; None for sessions and keys of no member's.
    `per_minute` is how many calls this credential may make a minute, whatever its organization may; None: no limit.
    """

    kind: ActorKind
    permissions: frozenset[Permission]
    organization_id: UUID | None = None
    user_id: UUID | None = None
    credential_id: UUID | None = None
    made_by: UUID | None = None
    per_minute: int | None = None

    @property
    def member_id(self) -> UUID | None:
        """The member whose usage it is that the caller reports, unless they say otherwise; None: nobody knows."""
        return self.user_id or self.made_by

    @property
    def is_operator(self) -> bool:
        """Whether the caller may act for any organization."""
        return self.kind in {ActorKind.OPERATOR_KEY, ActorKind.SYSTEM}

    def must(self, permission: Permission) -> None:
        """Raise ForbiddenError unless the permission is held."""
        if permission not in self.permissions:
            raise ForbiddenError(f"This needs the permission {permission}.", permission=str(permission))

    def own_organization(self) -> UUID:
        """Return the organization the caller belongs to; raises UnauthenticatedError for those who have none."""
        if self.organization_id is None:
            raise UnauthenticatedError("This call acts for one organization; use a member's key or session.")
        return self.organization_id
