"""Whether an invitation still stands: it does so long as who sent it is there, and could send it today."""

from uuid import UUID

from tollkeeper.infra import Tx
from tollkeeper.kit import Permission
from tollkeeper.orgs.model import MembersChanged
from tollkeeper.orgs.roles import RolesChanged, TeamRole
from tollkeeper.orgs.store import role_of
from tollkeeper.orgs.teams import Authority, may_reach

from . import store
from .model import Invitation


async def on_members_changed(tx: Tx, event: MembersChanged) -> None:
    """Revoke what people sent who have gone or are suspended."""
    if not event.rises:
        await _revoke_what_nobody_stands_for(tx, event.organization_id)


async def on_roles_changed(tx: Tx, event: RolesChanged) -> None:
    """Revoke what people sent who may do less now."""
    await _revoke_what_nobody_stands_for(tx, event.organization_id)


async def revoke_sent_by(tx: Tx, organization_id: UUID, user_id: UUID) -> None:
    """Revoke whatever one person sent for the organization and nobody answered, whatever they may do."""
    for each in await store.unclosed_by_people(tx, organization_id, user_id):
        await withdraw(tx, each)


async def withdraw(tx: Tx, invitation: Invitation) -> None:
    """Have an invitation's link be no longer good."""
    await store.close(tx, invitation.id)
    await record(tx, "invitation.revoked", invitation)


async def record(tx: Tx, action: str, invitation: Invitation) -> None:
    """Write down what became of an invitation."""
    await tx.record(
        action,
        target=("invitation", invitation.id),
        organization_id=invitation.organization_id,
        after={"role": invitation.role.key},  # whom, the invitation tells: the trail outlives a wish to be forgotten
    )


async def _revoke_what_nobody_stands_for(tx: Tx, organization_id: UUID) -> None:
    sent = await store.unclosed_by_people(tx, organization_id)
    senders = {each.invited_by for each in sent if each.invited_by}
    roles = {user_id: await role_of(tx, organization_id, user_id) for user_id in senders}
    for each in sent:
        if each.invited_by and not _may_invite(roles[each.invited_by], each.role):
            await withdraw(tx, each)


def _may_invite(role: TeamRole | None, to: TeamRole) -> bool:
    """Whether somebody may invite to a role; `role` is their own, None when they are no member or suspended."""
    if role is None or Permission.MEMBERS_MANAGE not in role.permissions:
        return False
    return may_reach(Authority(None, role.permissions, is_owner=role.is_owner), to)
