"""Use cases of logins that move, and that end with a membership."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import UUID

from tollkeeper.identity.model import OpenedSession, Session, TokenPair
from tollkeeper.identity.rules import csrf_token
from tollkeeper.identity.service import pair_of
from tollkeeper.identity.store import lock_family, session_by_digest, spend_token
from tollkeeper.infra import Tx, digest, make_secret
from tollkeeper.kit import UnauthenticatedError, new_id

from . import store


async def move_session(tx: Tx, session_id: UUID, organization_id: UUID) -> OpenedSession:
    """Have a browser act for another organization. Its old token ends, and forms shown before with it.

    Raises:
        UnauthenticatedError: the session has ended.
    """
    token = make_secret()
    moved = await store.move_session(tx, session_id, organization_id, digest(token))
    session: Session | None = await session_by_digest(tx, digest(token)) if moved else None
    if session is None:
        raise UnauthenticatedError
    await tx.changed("session", session_id)
    return OpenedSession(token, csrf_token(token), session.expires_at, session)


async def move_tokens(tx: Tx, family_id: UUID, organization_id: UUID) -> TokenPair:
    """Have a program's login act for another organization: its refresh token is spent, and a new pair returned.

    Access tokens given out before go on for the organization they name until they expire.

    Raises:
        UnauthenticatedError: the login has ended.
    """
    family = await lock_family(tx, family_id)
    if family is None or family.revoked_at is not None or family.expires_at <= tx.now:
        raise UnauthenticatedError
    moved = replace(family, organization_id=organization_id, current_token_id=new_id())
    await store.move_family(tx, family_id, organization_id)
    await spend_token(tx, family_id, next_token_id=moved.current_token_id, expires_at=moved.expires_at)
    return pair_of(tx, moved)


async def close_logins_in(tx: Tx, user_id: UUID, organization_id: UUID) -> None:
    """End every login of the person's that acts for the organization, browsers and programs alike."""
    for family_id in await store.revoke_families_in(tx, user_id, organization_id):
        await tx.changed("login", family_id)
    for session_id in await store.remove_sessions_in(tx, user_id, organization_id):
        await tx.changed("session", session_id)


async def revoke_keys_made_by(tx: Tx, user_id: UUID, organization_id: UUID) -> int:
    """End the organization's keys that the person made; return how many."""
    return await _told(tx, organization_id, await store.revoke_keys_made_by(tx, user_id, organization_id))


async def revoke_keys_not_made_by(tx: Tx, makers: Collection[UUID], organization_id: UUID) -> int:
    """End the organization's keys that none of these people made, those of no person too; return how many."""
    return await _told(tx, organization_id, await store.revoke_keys_not_made_by(tx, makers, organization_id))


async def _told(tx: Tx, organization_id: UUID, revoked: Sequence[UUID]) -> int:
    for key_id in revoked:
        await tx.record("key.revoked", target=("key", key_id), organization_id=organization_id)
        await tx.changed("key", key_id)
    return len(revoked)
