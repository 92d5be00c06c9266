"""The page an invitation's link leads to: for who has an account, and for who has none yet."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.identity import MIN_PASSWORD, get_user
from tollkeeper.infra import Runtime, RuntimeDep, optional_actor
from tollkeeper.kit import ActorKind, TollkeeperError, UnauthenticatedError
from tollkeeper.orgs import (
    InvitationNotFoundError,
    Letter,
    accept,
    client_of,
    join_by_invitation,
    move_login,
    person_of,
    read_letter,
    set_session_cookie,
)
from tollkeeper.web.ui import FormState, empty_form, go, is_logged_in, page, read_form, refused_form

from .second_step import enter

router = APIRouter(include_in_schema=False)

PAGE = "/invitation"
PASSWORD_HINT = f"At least {MIN_PASSWORD} characters. A few words in a row are good."


@router.get(PAGE)
async def invitation_page(request: Request, runtime: RuntimeDep, token: str = "") -> Response:
    """Show who invites whom to what, and how to say yes."""
    return await _show(request, runtime, token, empty_form("name", "password"))


@router.post(PAGE)
async def accept_form(request: Request, runtime: RuntimeDep) -> Response:
    """Join with the account that is logged in, and go on in the organization."""
    actor = optional_actor(request)
    if actor is None or actor.kind is not ActorKind.SESSION:
        raise UnauthenticatedError
    token = (await read_form(request)).get("token", "")
    try:
        async with runtime.transaction() as tx:
            member = await accept(tx, token, person_of(actor))
            moved = await move_login(tx, actor, member.organization_id)
    except TollkeeperError as error:
        return await _show(request, runtime, token, refused_form({}, [], error), status=error.status)
    response = go("/dashboard")
    if moved.session is not None:
        set_session_cookie(request, response, moved.session)
    return response


@router.post(PAGE + "/join")
async def join_form(request: Request, runtime: RuntimeDep) -> Response:
    """Make an account for the address the invitation went to, join, and log in."""
    fields = await read_form(request)
    token = fields.get("token", "")
    try:
        joined = await join_by_invitation(
            runtime,
            token=token,
            password=fields.get("password", ""),
            name=fields.get("name", ""),
            client=client_of(request),
        )
    except TollkeeperError as error:
        return await _show(request, runtime, token, refused_form(fields, ["name"], error), status=error.status)
    return enter(request, joined, "")


async def _show(request: Request, runtime: Runtime, token: str, form: FormState, *, status: int = 200) -> Response:
    letter: Letter | None = None
    you = ""
    async with runtime.transaction() as tx:
        try:
            letter = await read_letter(tx, token.replace("\x00", ""))
        except InvitationNotFoundError as error:
            status, form = error.status, refused_form({}, ["name"], error)
        actor = optional_actor(request)
        if actor is not None and is_logged_in(request):
            you = (await get_user(tx, person_of(actor))).email
    return page(
        request,
        "site/invitation.html",
        status=status,
        letter=letter,
        token=token,
        you=you,
        form=form,
        password_hint=PASSWORD_HINT,
    )
