"""Every SQL statement about where logins act."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, delete, update

from tollkeeper.identity.tables import api_keys, sessions, token_families
from tollkeeper.infra import Tx


async def move_session(tx: Tx, session_id: UUID, organization_id: UUID, token_digest: bytes) -> bool:
    """Have the session act for another organization under a new token; False when it has ended."""
    moved = await tx.connection.execute(
        update(sessions)
        .where(sessions.c.id == session_id)
        .values(organization_id=organization_id, token_digest=token_digest)
        .returning(sessions.c.id)
    )
    return moved.first() is not None


async def move_family(tx: Tx, family_id: UUID, organization_id: UUID) -> None:
    """Have the refresh tokens to come act for another organization."""
    await tx.connection.execute(
        update(token_families).where(token_families.c.id == family_id).values(organization_id=organization_id)
    )


async def remove_sessions_in(tx: Tx, user_id: UUID, organization_id: UUID) -> Sequence[UUID]:
    """Delete the person's sessions that act for the organization; return which."""
    gone = await tx.connection.execute(
        delete(sessions)
        .where(sessions.c.user_id == user_id, sessions.c.organization_id == organization_id)
        .returning(sessions.c.id)
    )
    return list(gone.scalars())


async def revoke_families_in(tx: Tx, user_id: UUID, organization_id: UUID) -> Sequence[UUID]:
    """Revoke the person's tokens that act for the organization; return which families."""
    family = token_families.c
    revoked = await tx.connection.execute(
        update(token_families)
        .where(family.user_id == user_id, family.organization_id == organization_id, family.revoked_at.is_(None))
        .values(revoked_at=tx.now)
        .returning(family.id)
    )
    return list(revoked.scalars())


async def revoke_keys_not_made_by(tx: Tx, makers: Collection[UUID], organization_id: UUID) -> Sequence[UUID]:
    """Revoke the organization's keys that none of these made; return which."""
    maker = api_keys.c.created_by
    return await _revoke_keys(tx, organization_id, maker.is_(None) | maker.not_in(makers))


async def revoke_keys_made_by(tx: Tx, user_id: UUID, organization_id: UUID) -> Sequence[UUID]:
    """Revoke the organization's keys that the person made; return which."""
    return await _revoke_keys(tx, organization_id, api_keys.c.created_by == user_id)


async def _revoke_keys(tx: Tx, organization_id: UUID, these: ColumnElement[bool]) -> Sequence[UUID]:
    key = api_keys.c
    gone = await tx.connection.execute(
        update(api_keys)
        .where(key.organization_id == organization_id, key.revoked_at.is_(None), these)
        .values(revoked_at=tx.now)
        .returning(key.id)
    )
    return list(gone.scalars())
