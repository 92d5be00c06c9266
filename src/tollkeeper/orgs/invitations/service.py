"""Use cases of invitations."""

from dataclasses import replace
from uuid import UUID

from tollkeeper.identity import User, find_credentials, find_users, get_user, register_user
from tollkeeper.identity.mailed import note_address_proved
from tollkeeper.infra import Tx, digest, make_secret
from tollkeeper.kit import Page, new_id, page_by_id
from tollkeeper.notify import send_mail
from tollkeeper.orgs.model import SeatsAsked
from tollkeeper.orgs.roles import role_named
from tollkeeper.orgs.service import get_organization
from tollkeeper.orgs.teams import (
    AlreadyMemberError,
    Authority,
    MemberNotFoundError,
    TeamMember,
    admit,
    find_member,
    hold_still,
    must_reach_now,
    seats_of,
)

from . import store
from .model import (
    A_DAY,
    INVITATION_LIFE,
    MAX_SENDS,
    MOST_A_DAY,
    AlreadyInvitedError,
    Invitation,
    InvitationForOtherError,
    InvitationNotFoundError,
    Letter,
    SendsUsedUpError,
    TooManyInvitationsError,
)
from .standing import record, withdraw


async def invite(tx: Tx, by: Authority, organization_id: UUID, email: str, role_key: str) -> Invitation:
    """Ask somebody to join, by a mail with a link. `email` comes normalised; whether it has an account is not told.

    Raises:
        RoleNotFoundError: there is no such role.
        OwnerNeededError: it is the owner's role, and the caller is none.
        RoleBeyondYoursError: the role may do more than the caller.
        AlreadyMemberError: the person is a member, maybe suspended.
        AlreadyInvitedError: the address has an open invitation.
        TooManyInvitationsError: the organization invited as many as it may within a day.
        QuotaExceededError: the plan has no seat left, counting those who are invited.
    """
    await hold_still(tx, organization_id)
    role = await role_named(tx, organization_id, role_key)
    await must_reach_now(tx, by, role)
    await _must_be_new(tx, organization_id, email)
    if await store.count_since(tx, organization_id, tx.now - A_DAY) >= MOST_A_DAY:
        raise TooManyInvitationsError(headers={"Retry-After": "3600"})
    await _must_have_seat(tx, organization_id)
    who = by.actor.user_id if by.actor else None
    end, token = tx.now + INVITATION_LIFE, make_secret()
    made = Invitation(new_id(), organization_id, email, role, who, tx.now, tx.now, 1, end, None)
    await store.add(tx, made, digest(token))
    await _write(tx, made, token)
    await record(tx, "invitation.sent", made)
    return made


async def resend(tx: Tx, by: Authority, organization_id: UUID, invitation_id: UUID) -> Invitation:
    """Send the invitation anew, for another week. The link of the mail before is no longer good.

    Raises: as `invite` does, and
        InvitationNotFoundError: there is none, or it was answered.
        SendsUsedUpError: it was sent five times.
    """
    found = await _held(tx, by, organization_id, invitation_id)
    if found.sends >= MAX_SENDS:
        raise SendsUsedUpError
    if not found.is_open(tx.now):
        await _must_have_seat(tx, organization_id)
    token = make_secret()
    again = replace(found, sent_at=tx.now, sends=found.sends + 1, expires_at=tx.now + INVITATION_LIFE)
    await store.send_again(tx, again, digest(token))
    await _write(tx, again, token)
    await record(tx, "invitation.resent", again)
    return again


async def revoke(tx: Tx, by: Authority, organization_id: UUID, invitation_id: UUID) -> None:
    """Take an invitation back: its link is no longer good.

    Raises:
        InvitationNotFoundError: there is none, or it was answered.
        OwnerNeededError: it is to the owner's role, and the caller is none.
        RoleBeyondYoursError: its role may do more than the caller.
    """
    found = await _held(tx, by, organization_id, invitation_id)
    await withdraw(tx, found)


async def list_invitations(
    tx: Tx, organization_id: UUID, *, cursor: UUID | None = None, limit: int = 50
) -> Page[Invitation]:
    """Return one page of the invitations nobody answered, newest first; some may have expired."""
    found = await store.unclosed(tx, organization_id, before=cursor, limit=limit + 1)
    return page_by_id(found, limit)


async def read_letter(tx: Tx, token: str) -> Letter:
    """Return what the invitation with this token says to whom it was sent.

    Raises:
        InvitationNotFoundError: the token is none, or no longer good.
    """
    found = await _opened(tx, token)
    inviter = (await find_users(tx, [found.invited_by])).get(found.invited_by) if found.invited_by else None
    known = await find_credentials(tx, found.email)
    organization = await get_organization(tx, found.organization_id)
    return Letter(found, organization, inviter.name if inviter else "", known is not None)


async def accept(tx: Tx, token: str, user_id: UUID) -> TeamMember:
    """Join as the invitation says. Who is a member already stays what they are.

    The token stands in the mail alone, so having it proves the address.

    Raises:
        InvitationNotFoundError: the token is none, or no longer good.
        InvitationForOtherError: it was sent to another address than the person's.
        AlreadyMemberError: the person is suspended, which an invitation does not end.
        QuotaExceededError: the plan has no seat left.
    """
    # Its token is all that says which organization to hold; what was read before that may have changed meanwhile.
    await hold_still(tx, (await _opened(tx, token)).organization_id)
    found = await _opened(tx, token)
    user = await get_user(tx, user_id)
    if user.email != found.email:
        raise InvitationForOtherError(f"It was sent to {found.email}; you are logged in as {user.email}.")
    await note_address_proved(tx, user)
    await store.close(tx, found.id)
    await tx.record(
        "invitation.accepted",
        target=("invitation", found.id),
        organization_id=found.organization_id,
        after={"role": found.role.key},
        by=user_id,
    )
    member = await _member_or_none(tx, found.organization_id, user_id)
    if member is not None and member.suspended_at is not None:
        raise AlreadyMemberError("Your membership is suspended.")
    return member or await admit(tx, found.organization_id, user_id, found.role)


async def accept_as_new(tx: Tx, token: str, *, name: str, password_hash: str) -> tuple[User, TeamMember]:
    """Register whom the invitation was sent to, and let them join. They have no organization of their own by that.

    Having the token proves that they read the mailbox. `name` comes cleaned, empty for the part before the `@`.

    Raises:
        InvitationNotFoundError: the token is none, or no longer good.
        EmailTakenError: the address has an account; its owner logs in and accepts.
        QuotaExceededError: the plan has no seat left.
    """
    email = (await _opened(tx, token)).email
    shown = name or email.partition("@")[0]
    user = await register_user(tx, email=email, password_hash=password_hash, name=shown, is_verified=True)
    return user, await accept(tx, token, user.id)


async def _opened(tx: Tx, token: str) -> Invitation:
    found = await store.by_digest(tx, digest(token))
    if found is None or not found.is_open(tx.now):
        raise InvitationNotFoundError
    return found


async def _held(tx: Tx, by: Authority, organization_id: UUID, invitation_id: UUID) -> Invitation:
    """Return an invitation within the caller's reach, while nobody else changes who belongs."""
    await hold_still(tx, organization_id)
    found = await store.find(tx, organization_id, invitation_id)
    if found is None or found.closed_at is not None:
        raise InvitationNotFoundError
    await must_reach_now(tx, by, found.role)
    return found


async def _must_be_new(tx: Tx, organization_id: UUID, email: str) -> None:
    known = await find_credentials(tx, email)
    if known is not None and await _member_or_none(tx, organization_id, known.user_id) is not None:
        raise AlreadyMemberError
    before = await store.unclosed_to(tx, organization_id, email)
    if before is not None and before.is_open(tx.now):
        raise AlreadyInvitedError
    if before is not None:
        await store.close(tx, before.id)


async def _member_or_none(tx: Tx, organization_id: UUID, user_id: UUID) -> TeamMember | None:
    try:
        return await find_member(tx, organization_id, user_id)
    except MemberNotFoundError:
        return None


async def _must_have_seat(tx: Tx, organization_id: UUID) -> None:
    """Have upper floors refuse one invitation more than there are seats."""
    wanted = await seats_of(tx, organization_id) + await store.count_open(tx, organization_id) + 1
    await tx.emit(SeatsAsked(organization_id=organization_id, seats=wanted))


async def _write(tx: Tx, invitation: Invitation, token: str) -> None:
    by = invitation.invited_by
    inviter = (await find_users(tx, [by])).get(by) if by else None
    await send_mail(
        tx,
        to=invitation.email,
        template="invitation",
        organization=(await get_organization(tx, invitation.organization_id)).name,
        inviter=inviter.name if inviter else "",
        role=invitation.role.name,
        token=token,
        expires_at=invitation.expires_at.isoformat(),
    )
