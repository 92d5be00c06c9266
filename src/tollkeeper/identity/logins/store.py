"""Every SQL statement about where somebody is logged in."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from tollkeeper.identity.model import REFRESH_TOKEN_LIFE
from tollkeeper.identity.tables import sessions, token_families
from tollkeeper.infra import Tx

from .model import Login


async def sessions_of(tx: Tx, user_id: UUID) -> Sequence[Login]:
    """Return the person's open sessions, the one used last first."""
    session, idle_since = sessions.c, tx.now - tx.runtime.settings.session_idle
    rows = await tx.connection.execute(
        select(sessions)
        .where(session.user_id == user_id, session.expires_at > tx.now, session.last_seen_at > idle_since)
        .order_by(session.last_seen_at.desc(), session.id.desc())
    )
    return [
        Login(
            id=row.id,
            organization_id=row.organization_id,
            user_agent=row.user_agent,
            ip=row.ip,
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            is_impersonation=row.impersonator_id is not None,
        )
        for row in rows
    ]


async def lone_families_of(tx: Tx, user_id: UUID) -> Sequence[Login]:
    """Return the person's logins of programs whose session has ended, the one used last first."""
    family = token_families.c
    rows = await tx.connection.execute(
        select(token_families)
        .where(
            family.user_id == user_id,
            family.session_id.is_(None),
            family.revoked_at.is_(None),
            family.expires_at > tx.now,
        )
        .order_by(family.expires_at.desc(), family.id.desc())
    )
    return [
        Login(
            id=row.id,
            organization_id=row.organization_id,
            user_agent="",
            ip="",
            created_at=row.created_at,
            last_seen_at=row.expires_at - REFRESH_TOKEN_LIFE,
        )
        for row in rows
    ]


async def session_of_family(tx: Tx, family_id: UUID) -> UUID | None:
    """Return the session of the same login; None when it has ended."""
    found = await tx.connection.execute(select(token_families.c.session_id).where(token_families.c.id == family_id))
    session_id: UUID | None = found.scalar_one_or_none()
    return session_id
