"""Several organizations: switching between them, founding another, leaving one."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.infra import Runtime, RuntimeDep
from tollkeeper.kit import Actor, InvalidInputError, TollkeeperError, id_or
from tollkeeper.orgs import (
    Moved,
    OrganizationNotFoundError,
    end_in_browser,
    found_organization,
    leave,
    move_login,
    organizations_of,
    person_of,
    set_session_cookie,
)
from tollkeeper.web.ui import FormState, empty_form, go, page, read_form, refused_form

from .person import PersonDep, load_viewer
from .team import HOME, organization_name

router = APIRouter()

LEAVE = HOME + "/leave"


@router.post("/organizations/switch")
async def switch_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Have this browser act for another organization."""
    fields = await read_form(request)
    async with runtime.transaction() as tx:
        moved = await move_login(tx, actor, id_or(fields.get("organization", ""), OrganizationNotFoundError))
    return _go_on(request, moved, "/dashboard")


@router.get("/organizations/new")
async def new_organization_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Ask how the organization is called."""
    return await _ask_name(request, runtime, actor, empty_form("name"))


@router.post("/organizations")
async def found_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Found an organization and go on in it."""
    fields = await read_form(request)
    try:
        name = organization_name(fields)
    except InvalidInputError as error:
        return await _ask_name(request, runtime, actor, refused_form(fields, ["name"], error), status=422)
    async with runtime.transaction() as tx:
        place = await found_organization(tx, person_of(actor), name)
        moved = await move_login(tx, actor, place.organization.id)
    return _go_on(request, moved, HOME)


@router.get(LEAVE)
async def leave_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Ask before one leaves."""
    return await _ask_leave(request, runtime, actor)


@router.post(LEAVE)
async def leave_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Leave the organization, and go on in another if there is one; otherwise this was the last login."""
    fields = await read_form(request)
    left, user_id = actor.own_organization(), person_of(actor)
    moved = None
    try:
        async with runtime.transaction() as tx:
            others = [each for each in await organizations_of(tx, user_id) if each.organization.id != left]
            if others:
                moved = await move_login(tx, actor, others[0].organization.id)
            await leave(tx, left, user_id, keep_keys="end_keys" not in fields)
    except TollkeeperError as error:
        return await _ask_leave(request, runtime, actor, failure=error)
    if moved is not None:
        return _go_on(request, moved, "/dashboard")
    response = go("/")
    end_in_browser(request, response)
    return response


def _go_on(request: Request, moved: Moved, path: str) -> Response:
    response = go(path)
    if moved.session is not None:
        set_session_cookie(request, response, moved.session)
    return response


async def _ask_name(
    request: Request, runtime: Runtime, actor: Actor, form: FormState, *, status: int = 200
) -> Response:
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
    return page(request, "portal/organization_new.html", status=status, viewer=viewer, banners=[], form=form)


async def _ask_leave(
    request: Request, runtime: Runtime, actor: Actor, *, failure: TollkeeperError | None = None
) -> Response:
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
    status = failure.status if failure else 200
    return page(request, "portal/team_leave.html", status=status, viewer=viewer, banners=[], failure=failure)
