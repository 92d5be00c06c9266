"""Every SQL statement about suspending."""

from uuid import UUID

from sqlalchemy import update

from tollkeeper.infra import Tx
from tollkeeper.orgs.tables import organizations


async def suspend(tx: Tx, organization_id: UUID, reason: str) -> bool:
    """Note that an organization may use nothing since now; False when it is so already."""
    table = organizations.c
    changed = await tx.connection.execute(
        update(organizations)
        .where(table.id == organization_id, table.suspended_at.is_(None))
        .values(suspended_at=tx.now, suspension=reason)
    )
    return changed.rowcount > 0


async def reinstate(tx: Tx, organization_id: UUID) -> bool:
    """Note that it may again; False when it may already."""
    table = organizations.c
    changed = await tx.connection.execute(
        update(organizations)
        .where(table.id == organization_id, table.suspended_at.is_not(None))
        .values(suspended_at=None, suspension=None)
    )
    return changed.rowcount > 0
