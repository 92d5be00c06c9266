"""Every SQL statement of roles. Rows become frozen values here."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Column, delete, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError

from tollkeeper.infra import Tx
from tollkeeper.kit import Role

from .model import BUILT_IN, TeamRole
from .rules import permissions_named
from .tables import roles

ROLE_COLUMNS = (
    roles.c.id.label("role_id"),
    roles.c.key.label("role_key"),
    roles.c.name.label("role_name"),
    roles.c.description.label("role_description"),
    roles.c.permissions.label("role_permissions"),
)
"""What `role_of_row` reads beside a column `role`; the table that names roles is joined to `roles` on the left."""


def role_of_row(row: Mapping[Any, Any]) -> TeamRole:
    """Return the role a row names: a built-in one by `role`, or one of its own by the joined columns."""
    if row["role"] is not None:
        return BUILT_IN[Role(row["role"])]
    return TeamRole(
        row["role_key"],
        row["role_name"],
        row["role_description"],
        permissions_named(row["role_permissions"]),
        row["role_id"],
    )


def named_columns(role: TeamRole) -> dict[str, Any]:
    """Return the two columns by which a row names a role, one of them null."""
    return {"role": role.built_in, "role_id": role.id}


def _own(row: Mapping[Any, Any]) -> TeamRole:
    return TeamRole(row["key"], row["name"], row["description"], permissions_named(row["permissions"]), row["id"])


async def add(tx: Tx, organization_id: UUID, role: TeamRole) -> bool:
    """Insert a role; False when its key is taken, also by one that commits meanwhile."""
    values = {
        "id": role.id,
        "organization_id": organization_id,
        "key": role.key,
        "name": role.name,
        "description": role.description,
        "permissions": sorted(role.permissions),
        "created_at": tx.now,
    }
    keys: list[Column[Any]] = [roles.c.organization_id, roles.c.key]
    statement = postgresql.insert(roles).values(values).on_conflict_do_nothing(index_elements=keys)
    return (await tx.connection.execute(statement.returning(roles.c.id))).first() is not None


async def of_organization(tx: Tx, organization_id: UUID) -> Sequence[TeamRole]:
    """Return the organization's own roles by name."""
    rows = await tx.connection.execute(
        select(roles).where(roles.c.organization_id == organization_id).order_by(roles.c.name, roles.c.id)
    )
    return [_own(row) for row in rows.mappings()]


async def find(tx: Tx, organization_id: UUID, key: str, *, lock: bool = False) -> TeamRole | None:
    """Return the organization's own role of this key, locked if wished until the end of the transaction."""
    statement = select(roles).where(roles.c.organization_id == organization_id, roles.c.key == key)
    row = (await tx.connection.execute(statement.with_for_update() if lock else statement)).mappings().first()
    return _own(row) if row else None


async def save(tx: Tx, role: TeamRole) -> None:
    """Give the role of this id the name, description and permissions of this one."""
    values = {"name": role.name, "description": role.description, "permissions": sorted(role.permissions)}
    await tx.connection.execute(update(roles).where(roles.c.id == role.id).values(values))


async def remove(tx: Tx, role: TeamRole) -> bool:
    """Delete the role and the invitations to it; False when a member has it, which leaves everything as it was."""
    try:
        async with tx.connection.begin_nested():
            await tx.connection.execute(delete(roles).where(roles.c.id == role.id))
    except IntegrityError:
        return False
    return True
