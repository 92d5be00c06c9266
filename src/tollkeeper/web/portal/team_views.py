"""What the team's pages show."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tollkeeper.gate import Access
from tollkeeper.kit import Permission
from tollkeeper.orgs import GRANTABLE, Invitation, TeamMember, TeamRole

from .views import Choice

SEATS = "seats"
_SAID = {
    Permission.USAGE_READ: "See what is used",
    Permission.USAGE_WRITE: "Report usage",
    Permission.KEYS_READ: "See API keys",
    Permission.KEYS_MANAGE: "Create and revoke API keys",
    Permission.BILLING_READ: "See plan and invoices",
    Permission.BILLING_MANAGE: "Change plan and payment",
    Permission.ORGANIZATION_MANAGE: "Rename the organization and set how its people log in",
    Permission.MEMBERS_READ: "See who is in the team",
    Permission.MEMBERS_MANAGE: "Invite, change and remove members and roles",
    Permission.MEMBERS_PROVISION: "Keep members as an outside directory says",
    Permission.AUDIT_READ: "Read the audit trail",
}


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member in the list. `is_within_reach`: the viewer may change or remove them."""

    id: UUID
    name: str
    email: str
    role: str
    joined_at: datetime
    suspended_at: datetime | None
    is_you: bool
    is_within_reach: bool


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """An invitation nobody answered."""

    id: UUID
    email: str
    role: str
    sent_at: datetime
    expires_at: datetime
    is_open: bool
    is_within_reach: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """A permission to be ticked. `is_free`: the viewer has it, and may give it."""

    key: str
    title: str
    is_on: bool
    is_free: bool


@dataclass(frozen=True, slots=True)
class SeatsTaken:
    """How many members there are and may be; `limit` None: as many as there are people."""

    taken: int
    limit: int | None


def member_rows(found: Collection[TeamMember], you: UUID | None, within: Collection[TeamRole]) -> list[MemberRow]:
    """Return members as rows."""
    return [
        MemberRow(
            each.user.id,
            each.user.name,
            each.user.email,
            each.role.name,
            each.joined_at,
            each.suspended_at,
            each.user.id == you,
            each.role in within,
        )
        for each in found
    ]


def invitation_rows(found: Collection[Invitation], now: datetime, within: Collection[TeamRole]) -> list[InvitationRow]:
    """Return invitations as rows."""
    return [
        InvitationRow(
            each.id, each.email, each.role.name, each.sent_at, each.expires_at, each.is_open(now), each.role in within
        )
        for each in found
    ]


def role_choices(roles: Sequence[TeamRole]) -> list[Choice]:
    """Return roles for a select."""
    return [Choice(each.key, each.name) for each in roles]


def ticks(on: Collection[Permission], held: Collection[Permission]) -> list[Tick]:
    """Return every permission a role can hold, in the order they are listed everywhere."""
    listed = [each for each in Permission if each in GRANTABLE]
    return [Tick(each.value, _SAID.get(each, each.value), each in on, each in held) for each in listed]


def seats_taken(access: Access, taken: int) -> SeatsTaken | None:
    """Return where seats stand; None: the plan does not count them."""
    allowance = access.allowances.get(SEATS)
    if allowance is None or not allowance.offered:
        return None
    return SeatsTaken(taken, allowance.limit)
