"""What members may do: the roles everybody has, and those an organization makes of its own.

Owns: roles of organizations, over the one list of permissions.
Does not own: who has which role (teams).
Invariants: nobody makes or changes a role that may do more than they may themselves; what the operator keeps to itself
is in no role; a role somebody has cannot be deleted, while invitations to it go with it; a key stays with its role.
"""

from .model import (
    OWNER,
    RoleBeyondYoursError,
    RoleBuiltInError,
    RoleInUseError,
    RoleKeyTakenError,
    RoleNotFoundError,
    RolesChanged,
    TeamRole,
)
from .rules import GRANTABLE, MAX_KEY, check_role, must_cover, permissions_named
from .service import change_role, create_role, delete_role, list_roles, role_named
from .store import ROLE_COLUMNS, named_columns, role_of_row
from .tables import roles

__all__ = [
    "GRANTABLE",
    "MAX_KEY",
    "OWNER",
    "ROLE_COLUMNS",
    "RoleBeyondYoursError",
    "RoleBuiltInError",
    "RoleInUseError",
    "RoleKeyTakenError",
    "RoleNotFoundError",
    "RolesChanged",
    "TeamRole",
    "change_role",
    "check_role",
    "create_role",
    "delete_role",
    "list_roles",
    "must_cover",
    "named_columns",
    "permissions_named",
    "role_named",
    "role_of_row",
    "roles",
]
