"""Every SQL statement about staff."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, update

from tollkeeper.identity.tables import sessions, users
from tollkeeper.infra import Tx

from .model import Impersonation, StaffRole


async def role_of(tx: Tx, user_id: UUID) -> StaffRole | None:
    """Return the person's role among staff; None: they are none, or gone."""
    found = (await tx.connection.execute(select(users.c.staff_role).where(users.c.id == user_id))).scalar_one_or_none()
    return StaffRole(found) if found else None


async def set_role(tx: Tx, user_id: UUID, role: StaffRole | None) -> None:
    """Make somebody staff, or staff no longer (None)."""
    await tx.connection.execute(update(users).where(users.c.id == user_id).values(staff_role=role))


async def roles(tx: Tx) -> dict[UUID, StaffRole]:
    """Return everybody who is staff."""
    found = await tx.connection.execute(select(users.c.id, users.c.staff_role).where(users.c.staff_role.is_not(None)))
    return {row.id: StaffRole(row.staff_role) for row in found}


async def user_id_of(tx: Tx, email: str) -> UUID | None:
    """Return whose address this is, normalised."""
    found: UUID | None = (
        await tx.connection.execute(select(users.c.id).where(users.c.email == email))
    ).scalar_one_or_none()
    return found


async def open_impersonations(tx: Tx, staff_id: UUID | None = None) -> Sequence[Impersonation]:
    """Return the sessions in which staff act as others (None: whoever), that have not ended, newest first."""
    columns = sessions.c
    statement = (
        select(
            columns.id,
            columns.impersonator_id.label("staff_id"),
            columns.user_id,
            columns.organization_id,
            columns.created_at,
            columns.expires_at,
        )
        .where(columns.impersonator_id.is_not(None), columns.expires_at > tx.now)
        .order_by(columns.id.desc())
    )
    if staff_id is not None:
        statement = statement.where(columns.impersonator_id == staff_id)
    return [Impersonation(**row) for row in (await tx.connection.execute(statement)).mappings()]
