"""Use cases of memberships: how each one begins, changes and ends. Members of one organization change one at a time."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from tollkeeper.identity import close_logins_in, get_user, revoke_keys_made_by
from tollkeeper.infra import Tx
from tollkeeper.kit import Role
from tollkeeper.orgs.model import MembersChanged
from tollkeeper.orgs.roles import OWNER, RolesChanged, TeamRole, role_named
from tollkeeper.orgs.store import add_member

from . import store
from .jobs import tell_team
from .model import AlreadyMemberError, AlreadyOwnerError, Authority, MemberNotFoundError, TeamMember
from .rules import must_keep_an_owner
from .service import find_member, hold_still, must_reach_now


async def admit(tx: Tx, organization_id: UUID, user_id: UUID, role: TeamRole) -> TeamMember:
    """Make a person a member. Whether they may be is the caller's to know.

    Raises:
        AlreadyMemberError: they are one, maybe suspended.
        QuotaExceededError: the plan has no seat left.
    """
    await hold_still(tx, organization_id)
    if not await add_member(tx, organization_id, user_id, role):
        raise AlreadyMemberError
    await _record(tx, "member.joined", organization_id, user_id, after={"role": role.key})
    await _changed(tx, organization_id, rises=True)
    await tx.defer(tell_team, organization_id=str(organization_id), user_id=str(user_id), role=role.name, joined=True)
    return TeamMember(await get_user(tx, user_id), organization_id, role, tx.now, None)


async def change_member(tx: Tx, by: Authority, organization_id: UUID, user_id: UUID, role_key: str) -> TeamMember:
    """Give a member another role, which holds from the commit on for whatever they are logged in with.

    Raises:
        MemberNotFoundError: they are none.
        RoleNotFoundError: there is no such role.
        OwnerNeededError: owners are concerned, and the caller is none.
        RoleBeyondYoursError: the role they have or get may do more than the caller.
        StepUpNeededError: owners are concerned, and the caller's login proved itself too long ago.
        LastOwnerError: they are the only owner.
    """
    member = await _held(tx, by, organization_id, user_id)
    role = await role_named(tx, organization_id, role_key)
    await must_reach_now(tx, by, role)
    if role == member.role:
        return member
    if member.role.is_owner:
        must_keep_an_owner(await store.owners(tx, organization_id), user_id)
    await _give(tx, member, role)
    return replace(member, role=role)


async def suspend(tx: Tx, by: Authority, organization_id: UUID, user_id: UUID) -> TeamMember:
    """Let a membership rest: no login of theirs acts for the organization until `reactivate`. Twice is no error.

    Raises: as `change_member` does.
    """
    member = await _held(tx, by, organization_id, user_id)
    if member.suspended_at is not None:
        return member
    must_keep_an_owner(await store.owners(tx, organization_id), user_id)
    await store.change(tx, organization_id, user_id, suspended_at=tx.now)
    await close_logins_in(tx, user_id, organization_id)
    await _record(tx, "member.suspended", organization_id, user_id)
    await _changed(tx, organization_id)
    return replace(member, suspended_at=tx.now)


async def reactivate(tx: Tx, by: Authority, organization_id: UUID, user_id: UUID) -> TeamMember:
    """Let a suspended member in again, with the role they had. Twice is no error.

    Raises: as `change_member` does, and
        QuotaExceededError: the plan has no seat left.
    """
    member = await _held(tx, by, organization_id, user_id)
    if member.suspended_at is None:
        return member
    await store.change(tx, organization_id, user_id, suspended_at=None)
    await _record(tx, "member.reactivated", organization_id, user_id)
    await _changed(tx, organization_id, rises=True)
    return replace(member, suspended_at=None)


async def remove(tx: Tx, by: Authority, organization_id: UUID, user_id: UUID, *, keep_keys: bool = False) -> TeamMember:
    """End a membership: their logins in the organization end, and so do the API keys they made unless kept.

    Raises: as `change_member` does.
    """
    member = await _held(tx, by, organization_id, user_id)
    await _end(tx, member, "member.removed", keep_keys=keep_keys)
    return member


async def leave(tx: Tx, organization_id: UUID, user_id: UUID, *, keep_keys: bool = False) -> None:
    """End one's own membership, with what belongs to it, as `remove` does.

    Raises:
        MemberNotFoundError: they are none.
        LastOwnerError: they are the only owner.
    """
    await hold_still(tx, organization_id)
    await _end(tx, await find_member(tx, organization_id, user_id), "member.left", keep_keys=keep_keys)


async def transfer(tx: Tx, by: Authority, organization_id: UUID, to_user_id: UUID) -> TeamMember:
    """Hand the organization over: another member becomes its owner, and the caller, if they are one, an admin.

    Raises:
        OwnerNeededError: the caller is no owner.
        AlreadyOwnerError: they are the one it would go to.
        MemberNotFoundError: the other is no member, or suspended.
        StepUpNeededError: the caller's login proved itself too long ago.
    """
    await hold_still(tx, organization_id)
    await must_reach_now(tx, by, OWNER)
    member = await find_member(tx, organization_id, to_user_id)
    if member.suspended_at is not None:
        raise MemberNotFoundError("They are suspended; reactivate them first.")
    from_user_id = by.actor.user_id if by.actor else None
    if from_user_id == to_user_id:
        raise AlreadyOwnerError
    await _give(tx, member, OWNER)
    if from_user_id is not None:
        before = await find_member(tx, organization_id, from_user_id)
        await _give(tx, before, await role_named(tx, organization_id, Role.ADMIN))
    await tx.record(
        "organization.transferred",
        target=("organization", organization_id),
        organization_id=organization_id,
        before={"owner": str(from_user_id) if from_user_id else None},
        after={"owner": str(to_user_id)},
    )
    return replace(member, role=OWNER)


async def _held(tx: Tx, by: Authority, organization_id: UUID, user_id: UUID) -> TeamMember:
    """Return a member within the caller's reach, while nobody else changes who belongs."""
    await hold_still(tx, organization_id)
    member = await find_member(tx, organization_id, user_id)
    await must_reach_now(tx, by, member.role)
    return member


async def _give(tx: Tx, member: TeamMember, role: TeamRole) -> None:
    organization_id, user_id = member.organization_id, member.user.id
    await store.set_role(tx, organization_id, user_id, role)
    before, after = {"role": member.role.key}, {"role": role.key}
    await _record(tx, "member.role_changed", organization_id, user_id, before=before, after=after)
    await tx.defer(tell_team, organization_id=str(organization_id), user_id=str(user_id), role=role.name, joined=False)
    await tx.emit(RolesChanged(organization_id=organization_id))
    await tx.changed("organization", organization_id)


async def _end(tx: Tx, member: TeamMember, action: str, *, keep_keys: bool) -> None:
    organization_id, user_id = member.organization_id, member.user.id
    must_keep_an_owner(await store.owners(tx, organization_id), user_id)
    await store.remove(tx, organization_id, user_id)
    await close_logins_in(tx, user_id, organization_id)
    if not keep_keys:
        await revoke_keys_made_by(tx, user_id, organization_id)
    await _record(tx, action, organization_id, user_id, before={"role": member.role.key, "keys_kept": keep_keys})
    if member.suspended_at is None:
        await _changed(tx, organization_id)


async def _changed(tx: Tx, organization_id: UUID, *, rises: bool = False) -> None:
    """Tell upper floors how many there are now, and every process that somebody came, rests or went."""
    seats = await store.seats(tx, organization_id)
    await tx.emit(MembersChanged(organization_id=organization_id, seats=seats, rises=rises))
    await tx.changed("organization", organization_id)


async def _record(
    tx: Tx,
    action: str,
    organization_id: UUID,
    user_id: UUID,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    target = ("user", user_id)
    await tx.record(action, target=target, organization_id=organization_id, before=before, after=after)
