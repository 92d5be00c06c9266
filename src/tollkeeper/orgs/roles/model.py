"""Values of roles, and what can go wrong."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from tollkeeper.infra import Event
from tollkeeper.kit import ROLE_PERMISSIONS, ConflictError, ForbiddenError, NotFoundError, Permission, Role


@dataclass(frozen=True, slots=True)
class TeamRole:
    """What a member may do. `id` is None for the built-in roles; `key` is how calls name it."""

    key: str
    name: str
    description: str
    permissions: frozenset[Permission]
    id: UUID | None = None

    @property
    def is_owner(self) -> bool:
        """Whether it is the one role that an organization must not be without."""
        return self.id is None and self.key == Role.OWNER

    @property
    def built_in(self) -> Role | None:
        """The built-in role it is; None for one of an organization's own."""
        return Role(self.key) if self.id is None else None


_SAID = {
    Role.OWNER: "Everything, and the only one to make owners or to hand the organization over",
    Role.ADMIN: "Everything but what touches owners",
    Role.BILLING: "Reads everything; manages plan, payment and invoices",
    Role.DEVELOPER: "Reads everything; reports usage and manages API keys",
    Role.VIEWER: "Reads everything, changes nothing",
}
BUILT_IN = {
    role: TeamRole(role.value, role.value.capitalize(), said, ROLE_PERMISSIONS[role]) for role, said in _SAID.items()
}
OWNER = BUILT_IN[Role.OWNER]


@dataclass(frozen=True, slots=True, kw_only=True)
class RolesChanged(Event):
    """What members of an organization may do changed: one has another role, or a role holds other permissions."""

    name: ClassVar[str] = "organization.roles_changed"

    organization_id: UUID


class RoleNotFoundError(NotFoundError):
    """The organization has no such role."""

    code = "role_not_found"
    title = "There is no such role"
    hint = "GET /api/roles lists the roles by key."


class RoleKeyTakenError(ConflictError):
    """Another role of the organization has this key."""

    code = "role_key_taken"
    title = "Another role has this key"
    hint = "Choose another key; the built-in roles keep theirs."


class RoleBuiltInError(ConflictError):
    """The built-in roles are the same everywhere."""

    code = "role_built_in"
    title = "A built-in role stays as it is"
    hint = "Make a role of your own with the permissions you want."


class RoleInUseError(ConflictError):
    """Members have the role."""

    code = "role_in_use"
    title = "Members have this role"
    hint = "Give its members another role first."


class RoleBeyondYoursError(ForbiddenError):
    """The role may do more than the caller, who would be lending what they do not have."""

    code = "role_beyond_yours"
    title = "This role may do more than you"
    hint = "Ask somebody who may do all of it themselves."
