"""Every statement of leases."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, text, update

from tollkeeper.infra import Tx

from .model import Lease
from .tables import LEASES

_ROW = (LEASES.c.id, LEASES.c.organization_id, LEASES.c.name, LEASES.c.taken_at, LEASES.c.expires_at)
_LOCK = text("select pg_advisory_xact_lock(hashtextextended(:work, 0))")


async def lock_work(tx: Tx, organization_id: UUID, name: str) -> None:
    """Let one at a time take leases of this work, until the transaction ends."""
    await tx.connection.execute(_LOCK, {"work": f"tollkeeper.lease {organization_id} {name}"})


async def forget_expired(tx: Tx, organization_id: UUID, name: str, now: datetime) -> None:
    """Delete leases of this work whose time is over."""
    over = LEASES.c.expires_at <= now
    await tx.connection.execute(delete(LEASES).where(_of(organization_id), LEASES.c.name == name, over))


async def expiries(tx: Tx, organization_id: UUID, name: str) -> list[datetime]:
    """Return when each lease of this work expires, the next one first."""
    statement = select(LEASES.c.expires_at).where(_of(organization_id), LEASES.c.name == name)
    return list((await tx.connection.execute(statement.order_by(LEASES.c.expires_at))).scalars())


async def add(tx: Tx, lease: Lease, credential_id: UUID | None) -> None:
    """Insert a lease."""
    row = {column.name: getattr(lease, column.name) for column in _ROW}
    await tx.connection.execute(insert(LEASES).values(**row, credential_id=credential_id))


async def prolong(tx: Tx, organization_id: UUID, lease_id: UUID, until: datetime) -> Lease | None:
    """Let a lease that has not expired run until then; None when there is none."""
    open_ = (LEASES.c.id == lease_id, LEASES.c.expires_at > tx.now)
    changed = await tx.connection.execute(
        update(LEASES).where(_of(organization_id), *open_).values(expires_at=until).returning(*_ROW)
    )
    row = changed.mappings().first()
    return Lease(**row) if row else None


async def remove(tx: Tx, organization_id: UUID, lease_id: UUID) -> bool:
    """Delete a lease; False when there is none."""
    gone = await tx.connection.execute(
        delete(LEASES).where(_of(organization_id), LEASES.c.id == lease_id).returning(LEASES.c.id)
    )
    return gone.first() is not None


async def counts(tx: Tx, organization_id: UUID) -> Mapping[str, int]:
    """Return how many leases that have not expired there are by kind of work."""
    statement = select(LEASES.c.name, func.count()).where(_of(organization_id), LEASES.c.expires_at > tx.now)
    found = await tx.connection.execute(statement.group_by(LEASES.c.name))
    return {row[0]: row[1] for row in found}


def _of(organization_id: UUID) -> Any:
    return LEASES.c.organization_id == organization_id
