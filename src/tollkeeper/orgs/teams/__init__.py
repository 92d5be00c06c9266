"""Who belongs to an organization, and what becomes of a membership: joining, roles, suspension, leaving, handing over.

Owns: memberships from the first to the last day, and which organization a login acts for.
Does not own: what a role may do (roles), asking people to join (invitations), how many may join (upper floors say).
Invariants: an organization that has an owner keeps one who is not suspended; only owners make, change or remove owners,
and prove themselves anew for it; nobody gives a role, or touches a member, that may do more than they; whoever is
suspended or gone is logged out of the organization with the same commit.
What each time means: `joined_at` is when the membership began; `suspended_at` since when it rests.
"""

from .changing import admit, change_member, leave, reactivate, remove, suspend, transfer
from .jobs import jobs
from .model import (
    PROVISIONER,
    AlreadyMemberError,
    AlreadyOwnerError,
    Authority,
    LastOwnerError,
    MemberNotFoundError,
    MemberOrder,
    OwnerNeededError,
    TeamMember,
    TeamPlace,
)
from .moving import Moved, found_organization, move_login, organizations_of, rename_organization
from .rules import may_reach
from .service import (
    authority_of,
    find_member,
    hold_still,
    list_members,
    may_give,
    memberships_of,
    must_reach_now,
    people_who_may,
    roles_in,
    seats_of,
)

__all__ = [
    "PROVISIONER",
    "AlreadyMemberError",
    "AlreadyOwnerError",
    "Authority",
    "LastOwnerError",
    "MemberNotFoundError",
    "MemberOrder",
    "Moved",
    "OwnerNeededError",
    "TeamMember",
    "TeamPlace",
    "admit",
    "authority_of",
    "change_member",
    "find_member",
    "found_organization",
    "hold_still",
    "jobs",
    "leave",
    "list_members",
    "may_give",
    "may_reach",
    "memberships_of",
    "move_login",
    "must_reach_now",
    "organizations_of",
    "people_who_may",
    "reactivate",
    "remove",
    "rename_organization",
    "roles_in",
    "seats_of",
    "suspend",
    "transfer",
]
