"""Addresses about people who are asked to join, for who asks and for who is asked."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.identity import normalise_email
from tollkeeper.infra import ActorDep, IdempotencyDep, RuntimeDep, TxDep
from tollkeeper.kit import Permission, id_or
from tollkeeper.orgs.invitations import (
    InvitationNotFoundError,
    accept,
    invite,
    list_invitations,
    read_letter,
    resend,
    revoke,
)
from tollkeeper.orgs.service import organization_for
from tollkeeper.orgs.teams import authority_of

from .browsers import client_of, set_session_cookie
from .joining import join_by_invitation
from .person import person_of
from .schemas import Cursor, Customer, Limit, LoginOut, read_cursor
from .team_schemas import InvitationBody, InvitationList, InvitationOut, JoinBody, LetterOut, TeamMemberOut, TokenBody

router = APIRouter(prefix="/invitations", tags=["Teams"])

_SEATS = {"description": "`quota_exceeded`: the plan has no seat left, counting those who are invited"}
_BEYOND = {"description": "`role_beyond_yours`; `owner_needed`; `step_up_required`: owners are concerned"}
_NONE = {"description": "`invitation_not_found`: also of one that was answered, revoked or has expired"}


@router.get("", summary="List invitations")
async def list_open_invitations(
    tx: TxDep, actor: ActorDep, limit: Limit = 50, cursor: Cursor = None, customer: Customer = None
) -> InvitationList:
    """List the invitations nobody answered, newest first; some may have expired."""
    actor.must(Permission.MEMBERS_READ)
    organization = await organization_for(tx, actor, customer)
    page = await list_invitations(tx, organization.id, cursor=read_cursor(cursor), limit=limit)
    return InvitationList.of(page, tx.now)


@router.post(
    "",
    status_code=201,
    response_model=InvitationOut,
    responses={
        402: _SEATS,
        403: _BEYOND,
        404: {"description": "`role_not_found`"},
        409: {"description": "`already_member`, `already_invited`"},
        429: {"description": "`too_many_invitations`"},
    },
    summary="Invite somebody",
)
async def send_invitation(body: InvitationBody, tx: TxDep, actor: ActorDep, once: IdempotencyDep) -> Response:
    """Ask somebody to join, by a mail whose link is good for a week. Whether the address has an account is not told."""
    actor.must(Permission.MEMBERS_MANAGE)
    email = normalise_email(body.email)
    organization = await organization_for(tx, actor, body.customer)

    async def work() -> InvitationOut:
        by = await authority_of(tx, actor, organization.id)
        return InvitationOut.of(await invite(tx, by, organization.id, email, body.role), tx.now)

    return await once.run_in(tx, work, status=201)


@router.post(
    "/{invitation_id}/resend",
    responses={402: _SEATS, 403: _BEYOND, 404: _NONE, 409: {"description": "`sends_used_up`: five times at most"}},
    summary="Send an invitation again",
)
async def resend_invitation(invitation_id: str, tx: TxDep, actor: ActorDep, customer: Customer = None) -> InvitationOut:
    """Send the mail anew, with another link that is good for a week; the one before is no longer good."""
    actor.must(Permission.MEMBERS_MANAGE)
    organization = await organization_for(tx, actor, customer)
    by = await authority_of(tx, actor, organization.id)
    invitation = id_or(invitation_id, InvitationNotFoundError)
    return InvitationOut.of(await resend(tx, by, organization.id, invitation), tx.now)


@router.delete(
    "/{invitation_id}", status_code=204, responses={403: _BEYOND, 404: _NONE}, summary="Revoke an invitation"
)
async def revoke_invitation(invitation_id: str, tx: TxDep, actor: ActorDep, customer: Customer = None) -> None:
    """Take an invitation back: its link is no longer good."""
    actor.must(Permission.MEMBERS_MANAGE)
    organization = await organization_for(tx, actor, customer)
    by = await authority_of(tx, actor, organization.id)
    await revoke(tx, by, organization.id, id_or(invitation_id, InvitationNotFoundError))


@router.post("/look", responses={404: _NONE}, summary="Read the invitation behind a link")
async def read_invitation(body: TokenBody, tx: TxDep) -> LetterOut:
    """Tell who invites whom to what. The token in the body is all the proof that is needed."""
    return LetterOut.of(await read_letter(tx, body.token))


@router.post(
    "/accept",
    responses={
        402: _SEATS,
        403: {"description": "`invitation_for_other`: it went to an address that is not yours"},
        404: _NONE,
        409: {"description": "`already_member`: your membership is suspended"},
    },
    summary="Accept an invitation",
)
async def accept_invitation(body: TokenBody, tx: TxDep, actor: ActorDep) -> TeamMemberOut:
    """Join as the invitation says. The login goes on for its present organization until it is switched."""
    return TeamMemberOut.of(await accept(tx, body.token, person_of(actor)))


@router.post(
    "/join",
    status_code=201,
    responses={
        402: _SEATS,
        403: {"description": "`sso_required`: people of this address's domain log in elsewhere"},
        404: _NONE,
        409: {"description": "`email_taken`: log in and accept"},
    },
    summary="Register by an invitation",
)
async def join_as_new(body: JoinBody, request: Request, response: Response, runtime: RuntimeDep) -> LoginOut:
    """Register whom the invitation was sent to, let them join, and log them in."""
    signed_in = await join_by_invitation(
        runtime, token=body.token, password=body.password, name=body.name, client=client_of(request)
    )
    set_session_cookie(request, response, signed_in.session)
    return LoginOut.of(signed_in.member, signed_in.tokens, signed_in.session)
