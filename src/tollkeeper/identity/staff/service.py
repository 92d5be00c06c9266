"""Use cases of staff."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from tollkeeper.identity.model import OpenedSession, User
from tollkeeper.identity.rules import normalise_email
from tollkeeper.identity.service import close_session, find_users, get_user, open_session
from tollkeeper.infra import Tx
from tollkeeper.kit import Actor, ActorKind

from . import store
from .model import (
    Impersonation,
    ImpersonationNotFoundError,
    NotImpersonableError,
    PersonNotFoundError,
    Staff,
    StaffNeededError,
    StaffRole,
)


async def find_person(tx: Tx, email: str) -> User:
    """Return who has this address, in whatever spelling.

    Raises:
        PersonNotFoundError: nobody.
        InvalidInputError: it is no address.
    """
    user_id = await store.user_id_of(tx, normalise_email(email))
    if user_id is None:
        raise PersonNotFoundError
    return await get_user(tx, user_id)


async def set_staff(tx: Tx, user: User, role: StaffRole | None) -> None:
    """Make somebody staff, or staff no longer (None), which ends what they do as others."""
    before = await store.role_of(tx, user.id)
    if before is role:
        return
    await store.set_role(tx, user.id, role)
    action = "staff.added" if before is None else "staff.removed" if role is None else "staff.changed"
    await tx.record(action, target=("user", user.id), before={"role": before}, after={"role": role})
    if role is None:
        for each in await store.open_impersonations(tx, user.id):
            await close_session(tx, each.id)


async def list_staff(tx: Tx) -> Sequence[Staff]:
    """Return everybody who is staff, by their address."""
    roles = await store.roles(tx)
    users = await find_users(tx, roles)
    return sorted((Staff(user, roles[user.id]) for user in users.values()), key=lambda each: each.user.email)


async def must_be_staff(tx: Tx, actor: Actor) -> Staff:
    """Return the member of staff who calls, in their own name.

    Raises:
        StaffNeededError: it is nobody of staff, or somebody of staff who acts as another, or a key.
    """
    personal = actor.kind in {ActorKind.SESSION, ActorKind.TOKEN} and tx.origin.impersonator_id is None
    role = await store.role_of(tx, actor.user_id) if personal and actor.user_id else None
    if role is None or actor.user_id is None:
        raise StaffNeededError
    return Staff(await get_user(tx, actor.user_id), role)


async def begin_impersonation(
    tx: Tx, staff: Staff, user: User, organization_id: UUID, *, reason: str, life: timedelta, user_agent: str, ip: str
) -> OpenedSession:
    """Open a browser session in which a member of staff acts as somebody else.

    Args:
        tx: the transaction.
        staff: from `must_be_staff`.
        user: as whom.
        organization_id: for which of their organizations; the caller has seen that they belong to it.
        reason: why, for the trail and for the person, who sees it in their activity.
        life: until it ends by itself, an hour at most.
        user_agent: of the browser.
        ip: of the browser.

    Raises:
        NotImpersonableError: the person is staff.
    """
    if await store.role_of(tx, user.id) is not None:
        raise NotImpersonableError
    opened = await open_session(
        tx, user.id, organization_id, user_agent=user_agent, ip=ip, life=life, impersonator_id=staff.user.id
    )
    session = opened.session
    await tx.record(
        "impersonation.begun",
        target=("user", user.id),
        organization_id=organization_id,
        after={"reason": reason, "session": session.id, "until": session.expires_at},
    )
    return opened


async def list_impersonations(tx: Tx) -> Sequence[Impersonation]:
    """Return the sessions in which staff act as others now, newest first."""
    return await store.open_impersonations(tx)


async def end_impersonation(tx: Tx, staff: Staff, session_id: UUID) -> None:
    """End such a session: one's own, or as an admin anybody's.

    Raises:
        ImpersonationNotFoundError: there is none, or it is another's.
    """
    mine = None if staff.role is StaffRole.ADMIN else staff.user.id
    found = next((each for each in await store.open_impersonations(tx, mine) if each.id == session_id), None)
    if found is None:
        raise ImpersonationNotFoundError
    await close_session(tx, found.id)
