"""Use cases of roles."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any
from uuid import UUID

from tollkeeper.infra import Tx
from tollkeeper.kit import Permission, Role, new_id

from . import store
from .model import (
    BUILT_IN,
    RoleBuiltInError,
    RoleInUseError,
    RoleKeyTakenError,
    RoleNotFoundError,
    RolesChanged,
    TeamRole,
)
from .rules import check_role, must_cover


async def list_roles(tx: Tx, organization_id: UUID) -> list[TeamRole]:
    """Return the built-in roles and then the organization's own by name."""
    return [*BUILT_IN.values(), *await store.of_organization(tx, organization_id)]


async def role_named(tx: Tx, organization_id: UUID, key: str) -> TeamRole:
    """Return the role of this key.

    Raises:
        RoleNotFoundError: the organization has none.
    """
    if key in set(Role):
        return BUILT_IN[Role(key)]
    role = await store.find(tx, organization_id, key)
    if role is None:
        raise RoleNotFoundError
    return role


async def create_role(
    tx: Tx,
    organization_id: UUID,
    held: frozenset[Permission],
    *,
    key: str,
    name: str,
    description: str,
    permissions: Collection[Permission],
) -> TeamRole:
    """Make a role of the organization's own. `held` is what the maker may do, and `name` comes cleaned.

    Raises:
        InvalidInputError: naming every field that is wrong.
        RoleBeyondYoursError: it would do what its maker may not.
        RoleKeyTakenError: there is one of this key.
    """
    check_role(key=key, description=description, permissions=permissions)
    must_cover(held, permissions)
    role = TeamRole(key, name, description, frozenset(permissions), new_id())
    if key in set(Role) or not await store.add(tx, organization_id, role):
        raise RoleKeyTakenError
    await tx.record("role.created", target=("role", role.id), organization_id=organization_id, after=_shown(role))
    return role


async def change_role(
    tx: Tx,
    organization_id: UUID,
    held: frozenset[Permission],
    key: str,
    *,
    name: str | None = None,
    description: str | None = None,
    permissions: Collection[Permission] | None = None,
) -> TeamRole:
    """Change what is given of a role; what is None stays. Its members may do so from the commit on.

    Raises:
        InvalidInputError: naming every field that is wrong.
        RoleNotFoundError: the organization has none of this key.
        RoleBuiltInError: the role is a built-in one.
        RoleBeyondYoursError: it does, or would do, what the caller may not.
    """
    role = await _own(tx, organization_id, key)
    changed = replace(
        role,
        name=role.name if name is None else name,
        description=role.description if description is None else description,
        permissions=role.permissions if permissions is None else frozenset(permissions),
    )
    check_role(key=key, description=changed.description, permissions=changed.permissions)
    must_cover(held, role.permissions | changed.permissions)
    await store.save(tx, changed)
    if changed != role:
        before, after = _shown(role), _shown(changed)
        await tx.record(
            "role.changed", target=("role", role.id), organization_id=organization_id, before=before, after=after
        )
        await tx.emit(RolesChanged(organization_id=organization_id))
        await tx.changed("organization", organization_id)
    return changed


async def delete_role(tx: Tx, organization_id: UUID, held: frozenset[Permission], key: str) -> None:
    """Delete a role nobody has; invitations to it end with it.

    Raises:
        RoleNotFoundError: the organization has none of this key.
        RoleBuiltInError: the role is a built-in one.
        RoleBeyondYoursError: it does what the caller may not.
        RoleInUseError: a member has it.
    """
    role = await _own(tx, organization_id, key)
    must_cover(held, role.permissions)
    if not await store.remove(tx, role):
        raise RoleInUseError
    await tx.record("role.deleted", target=("role", role.id), organization_id=organization_id, before=_shown(role))


def _shown(role: TeamRole) -> dict[str, Any]:
    return {"key": role.key, "name": role.name, "permissions": sorted(role.permissions)}


async def _own(tx: Tx, organization_id: UUID, key: str) -> TeamRole:
    if key in set(Role):
        raise RoleBuiltInError
    role = await store.find(tx, organization_id, key, lock=True)
    if role is None:
        raise RoleNotFoundError
    return role
