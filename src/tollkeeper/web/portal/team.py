"""The team's page: who belongs to the organization, who is invited, which roles there are."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.gate import gate_of
from tollkeeper.identity import MAX_NAME, clean_name, normalise_email
from tollkeeper.infra import Runtime, RuntimeDep
from tollkeeper.kit import Actor, FieldProblem, InvalidInputError, Permission, TollkeeperError, id_or, parse_id
from tollkeeper.orgs import (
    InvitationNotFoundError,
    authority_of,
    invite,
    list_invitations,
    list_members,
    list_roles,
    may_give,
    rename_organization,
    resend,
    revoke,
)
from tollkeeper.orgs.teams import MemberOrder, seats_of
from tollkeeper.web.ui import Column, FormState, Table, empty_form, go, page, read_form, refused_form, toast

from .person import PersonDep, load_viewer, may
from .team_views import invitation_rows, member_rows, role_choices, seats_taken

router = APIRouter()

HOME = "/team"
SHOWN = 200
SHOWN_MEMBERS = 50
_MEMBERS = Table(
    path=HOME,
    columns=(
        Column("name", "Name", sorts=True),
        Column("email", "E-mail", sorts=True),
        Column("role", "Role", sorts=True),
        Column("joined", "Joined", sorts=True),
        Column("actions", "Actions", quiet=True),
    ),
    order="account",
    anchor="members",
)
_ROLE_AT_FIRST = "viewer"


@router.get(HOME)
async def team_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """List members, invitations and roles."""
    return await show_team(request, runtime, actor)


@router.post(HOME + "/invitations")
async def invite_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Send an invitation."""
    actor.must(Permission.MEMBERS_MANAGE)
    fields = await read_form(request)
    try:
        email = normalise_email(fields.get("email", ""))
        async with runtime.transaction() as tx:
            by = await authority_of(tx, actor, actor.own_organization())
            await invite(tx, by, actor.own_organization(), email, fields.get("role", _ROLE_AT_FIRST))
    except TollkeeperError as error:
        form = refused_form(fields, ["email", "role"], error)
        return await show_team(request, runtime, actor, form=form, status=error.status)
    return toast(request, go(HOME), "The invitation is sent.")


@router.post(HOME + "/invitations/{invitation_id}/resend")
async def resend_form(request: Request, runtime: RuntimeDep, actor: PersonDep, invitation_id: str) -> Response:
    """Send an invitation again."""
    actor.must(Permission.MEMBERS_MANAGE)
    await read_form(request)
    try:
        async with runtime.transaction() as tx:
            by = await authority_of(tx, actor, actor.own_organization())
            await resend(tx, by, actor.own_organization(), id_or(invitation_id, InvitationNotFoundError))
    except InvitationNotFoundError:
        raise
    except TollkeeperError as error:
        return await show_team(request, runtime, actor, failure=error, status=error.status)
    return toast(request, go(HOME), "The invitation is sent again.")


@router.post(HOME + "/invitations/{invitation_id}/revoke")
async def revoke_form(request: Request, runtime: RuntimeDep, actor: PersonDep, invitation_id: str) -> Response:
    """Take an invitation back."""
    actor.must(Permission.MEMBERS_MANAGE)
    await read_form(request)
    async with runtime.transaction() as tx:
        by = await authority_of(tx, actor, actor.own_organization())
        await revoke(tx, by, actor.own_organization(), id_or(invitation_id, InvitationNotFoundError))
    return toast(request, go(HOME), "The invitation is taken back.")


@router.post(HOME + "/name")
async def rename_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Give the organization another name."""
    actor.must(Permission.ORGANIZATION_MANAGE)
    fields = await read_form(request)
    try:
        name = organization_name(fields)
    except InvalidInputError as error:
        return await show_team(request, runtime, actor, naming=refused_form(fields, ["name"], error), status=422)
    async with runtime.transaction() as tx:
        await rename_organization(tx, actor.own_organization(), name)
    return toast(request, go(HOME), "The new name is saved.")


def organization_name(fields: dict[str, str]) -> str:
    """Return the name that was typed, cleaned.

    Raises:
        InvalidInputError: there is none, or it is too long.
    """
    name = clean_name(fields.get("name", ""))
    if not name:
        raise InvalidInputError([FieldProblem("name", "Enter a name")])
    if len(name) > MAX_NAME:
        raise InvalidInputError([FieldProblem("name", f"must have at most {MAX_NAME} characters")])
    return name


async def show_team(
    request: Request,
    runtime: Runtime,
    actor: Actor,
    *,
    status: int = 200,
    form: FormState | None = None,
    naming: FormState | None = None,
    failure: TollkeeperError | None = None,
) -> Response:
    """Answer with the team's page; forms as they were refused, or what went wrong otherwise."""
    actor.must(Permission.MEMBERS_READ)
    asked = _MEMBERS.read(request.query_params)
    organization_id = actor.own_organization()
    access = await gate_of(request).access(organization_id)
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        by = await authority_of(tx, actor, organization_id)
        within = await may_give(tx, by, organization_id) if may(actor, Permission.MEMBERS_MANAGE) else []
        members = await list_members(
            tx,
            organization_id,
            order=MemberOrder(asked.order),
            descending=asked.descending,
            cursor=parse_id(asked.cursor),
            limit=SHOWN_MEMBERS,
        )
        taken = await seats_of(tx, organization_id)
        invited = (await list_invitations(tx, organization_id, limit=SHOWN)).data
        shown: dict[str, Any] = {
            "viewer": viewer,
            "members": member_rows(members.data, actor.user_id, within),
            "invitations": invitation_rows(invited, tx.now, within),
            "member_pages": _MEMBERS.shown(asked, next_cursor=members.next_cursor),
            "roles": await list_roles(tx, organization_id),
        }
    return page(
        request,
        "portal/team.html",
        status=status,
        banners=[],
        choices=role_choices(within),
        seats=seats_taken(access, taken),
        form=form or empty_form("email", role=_ROLE_AT_FIRST),
        naming=naming or empty_form(name=viewer.organization),
        failure=failure,
        may_manage=may(actor, Permission.MEMBERS_MANAGE),
        may_name=may(actor, Permission.ORGANIZATION_MANAGE),
        may_hand_over=by.is_owner and may(actor, Permission.ORGANIZATION_MANAGE),
        **shown,
    )
