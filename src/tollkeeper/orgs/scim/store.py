"""Every SQL statement of provisioning. Who is a member, and as what, is read and written by teams and roles."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, delete, select
from sqlalchemy.dialects import postgresql

from tollkeeper.infra import Tx
from tollkeeper.orgs.roles import TeamRole, named_columns, roles

from .tables import scim_groups, scim_users


async def user_names(tx: Tx, organization_id: UUID, only: UUID | None) -> dict[UUID, str]:
    """Return what the directory calls members, or one, by their id; who it calls nothing is not in it."""
    query = select(scim_users.c.user_id, scim_users.c.external_id)
    query = query.where(scim_users.c.organization_id == organization_id)
    if only is not None:
        query = query.where(scim_users.c.user_id == only)
    return {row.user_id: row.external_id for row in await tx.connection.execute(query)}


async def group_names(tx: Tx, organization_id: UUID) -> dict[str, str]:
    """Return what the directory calls roles, by their key; what it calls nothing is not in it."""
    query = (
        select(scim_groups.c.role, roles.c.key, scim_groups.c.external_id)
        .join_from(scim_groups, roles, roles.c.id == scim_groups.c.role_id, isouter=True)
        .where(scim_groups.c.organization_id == organization_id)
    )
    return {row.role or row.key: row.external_id for row in await tx.connection.execute(query)}


async def name_user(tx: Tx, organization_id: UUID, user_id: UUID, external_id: str | None) -> bool:
    """Keep what the directory calls a member, None for nothing; False when it calls another so."""
    return await _name(tx, scim_users, organization_id, {"user_id": user_id}, external_id)


async def name_group(tx: Tx, organization_id: UUID, role: TeamRole, external_id: str | None) -> bool:
    """Keep what the directory calls a role, None for nothing; False when it calls another so."""
    return await _name(tx, scim_groups, organization_id, named_columns(role), external_id)


async def _name(tx: Tx, kept: Table, organization_id: UUID, of: dict[str, Any], external_id: str | None) -> bool:
    same: list[ColumnElement[bool]] = [kept.c[column].is_not_distinct_from(value) for column, value in of.items()]
    await tx.connection.execute(delete(kept).where(kept.c.organization_id == organization_id, *same))
    if external_id is None:
        return True
    row = {"organization_id": organization_id, "external_id": external_id, **of}
    statement = postgresql.insert(kept).values(row).on_conflict_do_nothing().returning(kept.c.external_id)
    return (await tx.connection.execute(statement)).first() is not None
