"""Pure decisions about memberships."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from tollkeeper.orgs.roles import TeamRole, must_cover

from .model import Authority, LastOwnerError, MemberOrder, OwnerNeededError, TeamMember


def may_reach(by: Authority, role: TeamRole) -> bool:
    """Whether somebody may give or touch a role: it may do no more than they, and owners are for owners."""
    return role.permissions <= by.permissions and (by.is_owner or not role.is_owner)


def must_reach(by: Authority, role: TeamRole) -> None:
    """Refuse to give or touch a role beyond one's own.

    Raises:
        OwnerNeededError: it is the owner's, and they are none.
        RoleBeyondYoursError: it may do what they may not.
    """
    if role.is_owner and not by.is_owner:
        raise OwnerNeededError
    must_cover(by.permissions, role.permissions)


def place_in(order: MemberOrder, member: TeamMember) -> str | datetime:
    """Return what a member is sorted by; people of one account age, name or role are told apart by their id."""
    match order:
        case MemberOrder.NAME:
            return member.user.name.casefold()
        case MemberOrder.EMAIL:
            return member.user.email
        case MemberOrder.ROLE:
            return member.role.name.casefold()
        case MemberOrder.JOINED:
            return member.joined_at
        case MemberOrder.ACCOUNT:
            return ""


def must_keep_an_owner(owners: Collection[UUID], without: UUID) -> None:
    """Refuse that the only owner goes.

    Raises:
        LastOwnerError: there is nobody else among the owners who are not suspended.
    """
    if set(owners) == {without}:
        raise LastOwnerError
