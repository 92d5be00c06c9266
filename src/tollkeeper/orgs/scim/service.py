"""Use cases of provisioning: a directory outside says who belongs to an organization, and with which role.

Users are members, groups are roles. Nothing is kept but what the directory calls them, so nothing can disagree.
"""

from uuid import UUID

from tollkeeper.identity import clean_name, find_credentials, get_user, register_user
from tollkeeper.infra import Tx
from tollkeeper.kit import Actor
from tollkeeper.orgs.roles import RoleNotFoundError, TeamRole, list_roles, role_named
from tollkeeper.orgs.sign_on import DEFAULT_ROLE, holds_domain_of
from tollkeeper.orgs.teams import (
    PROVISIONER,
    AlreadyMemberError,
    Authority,
    MemberNotFoundError,
    TeamMember,
    admit,
    change_member,
    find_member,
    list_members,
    reactivate,
    remove,
    suspend,
)

from . import store
from .model import ScimForeignDomainError, ScimNotFoundError, ScimTakenError, ScimUnprovenError

_PAGE = 200
_MAX_NAME = 200


async def everybody(tx: Tx, organization_id: UUID) -> list[TeamMember]:
    """Return every member, those with the oldest account first."""
    found: list[TeamMember] = []
    cursor: UUID | None = None
    while True:
        page = await list_members(tx, organization_id, cursor=cursor, limit=_PAGE)
        found += page.data
        if page.next_cursor is None:
            return found
        cursor = UUID(page.next_cursor)


async def member_by_id(tx: Tx, organization_id: UUID, user_id: UUID | None) -> TeamMember:
    """Return a member.

    Raises:
        ScimNotFoundError: there is none.
    """
    if user_id is None:
        raise ScimNotFoundError
    try:
        return await find_member(tx, organization_id, user_id)
    except MemberNotFoundError:
        raise ScimNotFoundError from None


async def role_by_id(tx: Tx, organization_id: UUID, key: str) -> TeamRole:
    """Return a role.

    Raises:
        ScimNotFoundError: there is none.
    """
    try:
        return await role_named(tx, organization_id, key)
    except RoleNotFoundError:
        raise ScimNotFoundError from None


async def provision(tx: Tx, organization_id: UUID, *, email: str, name: str, active: bool) -> TeamMember:
    """Make somebody a member, with an account when they have none; the address is proved by whose domain it is.

    An account that is there comes in only when its address was verified: anybody can have made another one.

    Raises:
        ScimForeignDomainError: the organization does not hold its domain.
        ScimUnprovenError: there is an account whose address nobody has verified.
        ScimTakenError: they are a member.
        QuotaExceededError: the plan has no seat left.
    """
    if not await holds_domain_of(tx, organization_id, email):
        raise ScimForeignDomainError
    there = await find_credentials(tx, email)
    if there is not None and (await get_user(tx, there.user_id)).verified_at is None:
        raise ScimUnprovenError
    shown = clean_name(name)[:_MAX_NAME] or email.partition("@")[0]
    user_id = (
        there.user_id
        if there
        else (await register_user(tx, email=email, password_hash=None, name=shown, is_verified=True)).id
    )
    try:
        member = await admit(tx, organization_id, user_id, await role_named(tx, organization_id, DEFAULT_ROLE))
    except AlreadyMemberError:
        raise ScimTakenError from None
    return member if active else await suspend(tx, PROVISIONER, organization_id, user_id)


def reach_of(actor: Actor) -> Authority:
    """Return how far a caller reaches: a directory's key to all but owners, a person no further than their role."""
    return PROVISIONER if actor.user_id is None else Authority(actor, actor.permissions, is_owner=False)


async def set_active(tx: Tx, by: Authority, member: TeamMember, active: bool) -> TeamMember:
    """Let a membership rest, or not any more. Owners are out of a directory's reach.

    Raises:
        OwnerNeededError: the member is an owner.
        RoleBeyondYoursError: the member may do more than the caller.
        QuotaExceededError: the plan has no seat left.
    """
    if active == (member.suspended_at is None):
        return member
    change = reactivate if active else suspend
    return await change(tx, by, member.organization_id, member.user.id)


async def deprovision(tx: Tx, by: Authority, member: TeamMember) -> None:
    """End a membership.

    Raises:
        OwnerNeededError: the member is an owner.
        RoleBeyondYoursError: the member may do more than the caller.
    """
    await remove(tx, by, member.organization_id, member.user.id)


async def give_role(tx: Tx, by: Authority, organization_id: UUID, role: TeamRole, wanted: frozenset[UUID]) -> None:
    """Have exactly these members have a role; who loses it becomes a viewer.

    Raises:
        ScimNotFoundError: one is no member.
        OwnerNeededError: owners are made or unmade.
        RoleBeyondYoursError: a role that is given or taken may do more than the caller.
    """
    members = {each.user.id: each for each in await everybody(tx, organization_id)}
    if wanted - members.keys():
        raise ScimNotFoundError
    for user_id, member in members.items():
        has = member.role.key == role.key
        if has != (user_id in wanted):
            key = role.key if user_id in wanted else DEFAULT_ROLE
            await change_member(tx, by, organization_id, user_id, key)


async def names_of_users(tx: Tx, organization_id: UUID, only: UUID | None = None) -> dict[UUID, str]:
    """Return what the directory calls members, or one, by their id; who it calls nothing is not in it."""
    return await store.user_names(tx, organization_id, only)


async def names_of_groups(tx: Tx, organization_id: UUID) -> dict[str, str]:
    """Return what the directory calls roles, by their key; what it calls nothing is not in it."""
    return await store.group_names(tx, organization_id)


async def call_user(tx: Tx, member: TeamMember, before: str | None, external_id: str | None) -> None:
    """Keep what the directory calls a member, owners too: the name is the directory's own. `before`: what it did.

    Raises:
        ScimTakenError: it calls another member so.
    """
    if external_id == before:
        return
    if not await store.name_user(tx, member.organization_id, member.user.id, external_id):
        raise ScimTakenError
    await tx.record(
        "member.named_by_directory",
        target=("user", member.user.id),
        organization_id=member.organization_id,
        before={"external_id": before},
        after={"external_id": external_id},
    )


async def call_group(
    tx: Tx, organization_id: UUID, role: TeamRole, before: str | None, external_id: str | None
) -> None:
    """Keep what the directory calls a role. `before`: what it did.

    Raises:
        ScimTakenError: it calls another role so.
    """
    if external_id == before:
        return
    if not await store.name_group(tx, organization_id, role, external_id):
        raise ScimTakenError
    await tx.record(
        "role.named_by_directory",
        target=("role", role.id or role.key),
        organization_id=organization_id,
        before={"external_id": before},
        after={"external_id": external_id},
    )


async def every_role(tx: Tx, organization_id: UUID) -> list[TeamRole]:
    """Return the organization's roles."""
    return await list_roles(tx, organization_id)
