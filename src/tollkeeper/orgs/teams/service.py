"""Use cases of memberships that change nothing: who is there, and who may do what to whom."""

from collections.abc import Sequence
from uuid import UUID

from tollkeeper.identity import find_users, must_be_fresh
from tollkeeper.infra import Tx
from tollkeeper.kit import Actor, Page, Permission
from tollkeeper.orgs.model import OrganizationNotFoundError
from tollkeeper.orgs.roles import GRANTABLE, TeamRole, list_roles
from tollkeeper.orgs.store import role_of

from . import store
from .model import Authority, MemberNotFoundError, MemberOrder, TeamMember
from .rules import may_reach, must_reach, place_in

MOST_LOOKED_AT = 1_000
MOST_TOLD = 20
"""So many people are told of something at most; who is left out sees it on the pages."""


async def authority_of(tx: Tx, actor: Actor, organization_id: UUID) -> Authority:
    """Return how far a caller reaches in an organization they act for: the operator as far as an owner."""
    if actor.is_operator:
        return Authority(actor, GRANTABLE, is_owner=True)
    role = await role_of(tx, organization_id, actor.user_id) if actor.user_id else None
    return Authority(actor, actor.permissions, is_owner=role is not None and role.is_owner)


async def must_reach_now(tx: Tx, by: Authority, *wanted: TeamRole) -> None:
    """Refuse to give or touch roles beyond one's own; owners prove themselves anew where owners are concerned.

    Raises:
        OwnerNeededError: one is the owner's, and they are none.
        RoleBeyondYoursError: one may do what they may not.
        StepUpNeededError: one is the owner's, and their login proved itself too long ago.
    """
    for role in wanted:
        must_reach(by, role)
    if by.actor is not None and any(role.is_owner for role in wanted):
        await must_be_fresh(tx, by.actor)


async def may_give(tx: Tx, by: Authority, organization_id: UUID) -> list[TeamRole]:
    """Return the roles somebody may give, in the order they are listed."""
    known = await list_roles(tx, organization_id)
    return [each for each in known if may_reach(by, each)]


async def hold_still(tx: Tx, organization_id: UUID) -> None:
    """Have nobody else change who belongs to the organization until the end of the transaction.

    Raises:
        OrganizationNotFoundError: there is none.
    """
    if not await store.lock(tx, organization_id):
        raise OrganizationNotFoundError


async def seats_of(tx: Tx, organization_id: UUID) -> int:
    """Return how many members there are who are not suspended."""
    return await store.seats(tx, organization_id)


async def list_members(
    tx: Tx,
    organization_id: UUID,
    *,
    order: MemberOrder = MemberOrder.ACCOUNT,
    descending: bool = False,
    cursor: UUID | None = None,
    limit: int = 50,
) -> Page[TeamMember]:
    """Return one page of the members, suspended ones too, those with the oldest account first.

    In another `order` all of the team are read and sorted here: names and addresses are kept with the people. There a
    cursor of somebody who is no member any more begins the list.
    """
    if order is MemberOrder.ACCOUNT:
        found = await store.members_of(tx, organization_id, after=cursor, limit=limit + 1)
        shown = found[:limit]
        return Page(await _known(tx, organization_id, shown), str(shown[-1].user_id) if len(found) > limit else None)
    everybody = await _known(tx, organization_id, await store.members_of(tx, organization_id, after=None, limit=None))
    everybody.sort(key=lambda each: (place_in(order, each), each.user.id), reverse=descending)
    begin = next((at for at, each in enumerate(everybody, 1) if each.user.id == cursor), 0)
    page = everybody[begin : begin + limit]
    return Page(page, str(page[-1].user.id) if len(everybody) > begin + limit else None)


async def _known(tx: Tx, organization_id: UUID, found: Sequence[store.Row]) -> list[TeamMember]:
    users = await find_users(tx, [each.user_id for each in found])
    return [
        TeamMember(users[each.user_id], organization_id, each.role, each.joined_at, each.suspended_at)
        for each in found
        if each.user_id in users
    ]


async def memberships_of(tx: Tx, user_id: UUID) -> Sequence[UUID]:
    """Return every organization the person belongs to, those that suspended them included."""
    return await store.memberships_of(tx, user_id)


async def roles_in(tx: Tx, organization_id: UUID) -> dict[UUID, TeamRole]:
    """Return the role of every member, suspended ones too, by the person's id."""
    return {each.user_id: each.role for each in await store.members_of(tx, organization_id, after=None, limit=None)}


async def people_who_may(tx: Tx, organization_id: UUID, permission: Permission) -> list[UUID]:
    """Return the members, suspended ones aside, whose role has this permission; at most `MOST_TOLD`."""
    found = await store.members_of(tx, organization_id, after=None, limit=MOST_LOOKED_AT)
    may = [each.user_id for each in found if each.suspended_at is None and permission in each.role.permissions]
    return may[:MOST_TOLD]


async def find_member(tx: Tx, organization_id: UUID, user_id: UUID) -> TeamMember:
    """Return one member, suspended or not.

    Raises:
        MemberNotFoundError: they are none.
    """
    found = await store.member(tx, organization_id, user_id)
    user = (await find_users(tx, [user_id])).get(user_id) if found else None
    if found is None or user is None:
        raise MemberNotFoundError
    return TeamMember(user, organization_id, found.role, found.joined_at, found.suspended_at)
