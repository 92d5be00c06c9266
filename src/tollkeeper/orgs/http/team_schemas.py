"""What the API takes and answers about teams: organizations of a person, members, invitations, roles."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field

from tollkeeper.kit import Page, Permission
from tollkeeper.orgs.invitations import Invitation, Letter
from tollkeeper.orgs.roles import TeamRole
from tollkeeper.orgs.teams import Moved, TeamMember, TeamPlace

from .schemas import Body, Name, OrganizationOut, Text

RoleKey = Annotated[Text, Field(min_length=1, max_length=100, description="Key of a role: GET /api/roles lists them.")]
OneCustomer = Annotated[Text | None, Field(description="For operators: whom the call is about, by id or external id.")]
Description = Annotated[Text, AfterValidator(str.strip)]


class OrganizationBody(Body):
    """A new organization, or another name of one."""

    name: Name


class TransferBody(Body):
    """To whom an organization is handed over."""

    user_id: UUID = Field(description="A member who is not suspended.")


class LeaveBody(Body):
    """How to leave."""

    keep_keys: bool = Field(False, strict=True, description="Whether the API keys you made stay good.")


class MemberChangeBody(Body):
    """What is to change about a member."""

    role: RoleKey


class InvitationBody(Body):
    """Whom to ask to join, and as what."""

    email: Text = Field(examples=["grace@example.com"])
    role: RoleKey = "viewer"
    customer: OneCustomer = None


class TokenBody(Body):
    """The token of the link in the mail."""

    token: Text


class JoinBody(TokenBody):
    """Somebody new who was invited. The address is the one the invitation went to."""

    password: Text = Field(description="8 to 1024 characters.")
    name: Text | None = Field(None, description="Left out: the part of the address before the `@`.")


class RoleBody(Body):
    """A role of the organization's own."""

    key: Text = Field(description="1 to 40 of a-z, 0-9, `-` and `_`; stays as it is.", examples=["support"])
    name: Name
    description: Description = Field("", description="At most 200 characters.")
    permissions: list[Permission] = Field(max_length=len(Permission), description="Never more than its maker may.")
    customer: OneCustomer = None


class RoleChangeBody(Body):
    """What is to change about a role; what is left out stays."""

    name: Name | None = None
    description: Description | None = None
    permissions: list[Permission] | None = Field(None, max_length=len(Permission))


class RoleOut(BaseModel):
    """A role. Built-in ones are the same everywhere and cannot be changed."""

    key: str
    name: str
    description: str
    permissions: list[Permission]
    built_in: bool

    @classmethod
    def of(cls, role: TeamRole) -> Self:
        """Show a role."""
        return cls(
            key=role.key,
            name=role.name,
            description=role.description,
            permissions=sorted(role.permissions),
            built_in=role.built_in is not None,
        )


class RoleList(BaseModel):
    """Every role of an organization, the built-in ones first."""

    data: list[RoleOut]
    next_cursor: None = None


class PlaceOut(BaseModel):
    """An organization you belong to. `current`: this call acts for it."""

    organization: OrganizationOut
    role: RoleOut
    joined_at: datetime
    current: bool

    @classmethod
    def of(cls, place: TeamPlace, current: UUID | None) -> Self:
        """Show a place."""
        return cls(
            organization=OrganizationOut.of(place.organization),
            role=RoleOut.of(place.role),
            joined_at=place.joined_at,
            current=place.organization.id == current,
        )


class PlaceList(BaseModel):
    """Your organizations, by when you joined them."""

    data: list[PlaceOut]
    next_cursor: None = None


class MovedOut(BaseModel):
    """A login that acts for another organization now.

    A browser's session has a new cookie and `csrf_token`; a program's login has new tokens, and `expires_in` is the
    life of its access token in seconds. What does not concern the caller is null.
    """

    organization: OrganizationOut
    role: RoleOut
    csrf_token: str | None
    access_token: str | None
    refresh_token: str | None
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the name OAuth gives the sort of token
    expires_in: int | None

    @classmethod
    def of(cls, moved: Moved) -> Self:
        """Show a login that moved."""
        return cls(
            organization=OrganizationOut.of(moved.member.organization),
            role=RoleOut.of(moved.member.role),
            csrf_token=moved.session.csrf_token if moved.session else None,
            access_token=moved.tokens.access_token if moved.tokens else None,
            refresh_token=moved.tokens.refresh_token if moved.tokens else None,
            expires_in=moved.tokens.expires_in if moved.tokens else None,
        )


class TeamMemberOut(BaseModel):
    """A member. `suspended_at` is null while they may do what their role says."""

    user_id: UUID
    email: str
    name: str
    role: str
    status: Literal["active", "suspended"]
    joined_at: datetime
    suspended_at: datetime | None

    @classmethod
    def of(cls, member: TeamMember) -> Self:
        """Show a member."""
        return cls(
            user_id=member.user.id,
            email=member.user.email,
            name=member.user.name,
            role=member.role.key,
            status="suspended" if member.suspended_at else "active",
            joined_at=member.joined_at,
            suspended_at=member.suspended_at,
        )


class TeamMemberList(BaseModel):
    """One page of members, those with the oldest account first."""

    data: list[TeamMemberOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[TeamMember]) -> Self:
        """Show a page."""
        return cls(data=[TeamMemberOut.of(each) for each in page.data], next_cursor=page.next_cursor)


class InvitationOut(BaseModel):
    """An invitation nobody answered. `sends` is how many mails were written, the newest at `sent_at`."""

    id: UUID
    email: str
    role: str
    status: Literal["open", "expired"]
    invited_by: UUID | None
    created_at: datetime
    sent_at: datetime
    sends: int
    expires_at: datetime

    @classmethod
    def of(cls, invitation: Invitation, now: datetime) -> Self:
        """Show an invitation as it is at `now`."""
        return cls(
            id=invitation.id,
            email=invitation.email,
            role=invitation.role.key,
            status="open" if invitation.is_open(now) else "expired",
            invited_by=invitation.invited_by,
            created_at=invitation.created_at,
            sent_at=invitation.sent_at,
            sends=invitation.sends,
            expires_at=invitation.expires_at,
        )


class InvitationList(BaseModel):
    """One page of invitations nobody answered, newest first."""

    data: list[InvitationOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Invitation], now: datetime) -> Self:
        """Show a page."""
        return cls(data=[InvitationOut.of(each, now) for each in page.data], next_cursor=page.next_cursor)


class LetterOut(BaseModel):
    """What an invitation says to whom it was sent. `has_account`: log in and accept; else join with a password."""

    organization: str
    inviter: str
    email: str
    role: str
    expires_at: datetime
    has_account: bool

    @classmethod
    def of(cls, letter: Letter) -> Self:
        """Show a letter."""
        return cls(
            organization=letter.organization.name,
            inviter=letter.inviter,
            email=letter.invitation.email,
            role=letter.invitation.role.name,
            expires_at=letter.invitation.expires_at,
            has_account=letter.has_account,
        )
