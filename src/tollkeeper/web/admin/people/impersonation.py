"""Acting as a member: seeing what they see, changing nothing, with a reason they can read."""

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.identity import must_be_fresh
from tollkeeper.identity.finding import get_known
from tollkeeper.identity.staff import IMPERSONATION_LIFE, MAX_REASON
from tollkeeper.infra import Runtime, RuntimeDep
from tollkeeper.kit import FieldProblem, InvalidInputError
from tollkeeper.orgs import client_of, get_organization, set_session_cookie
from tollkeeper.orgs.impersonating import act_as
from tollkeeper.web.admin.guard import StaffDep, StaffViewer
from tollkeeper.web.admin.showing import Asking, Typed, ask
from tollkeeper.web.ui import FormState, go, read_form, refused_form

from .addresses import ORGANIZATION, ORGANIZATIONS, organization_meant, person_meant

router = APIRouter()

ONE = ORGANIZATION + "/members/{person_id}/act-as"
MINUTES = int(IMPERSONATION_LIFE.total_seconds() // 60)


@router.get(ONE)
async def ask_page(
    request: Request, runtime: RuntimeDep, viewer: StaffDep, organization_id: str, person_id: str
) -> Response:
    """Ask why."""
    return await _ask(request, runtime, viewer, organization_meant(organization_id), person_meant(person_id))


@router.post(ONE)
async def begin_form(
    request: Request, runtime: RuntimeDep, viewer: StaffDep, organization_id: str, person_id: str
) -> Response:
    """Give this browser a session in which it looks as the member; the staff's own session ends."""
    fields = await read_form(request)
    where, whom = organization_meant(organization_id), person_meant(person_id)
    try:
        reason = _reason(fields.get("reason", ""))
        async with runtime.transaction(of_all=True) as tx:
            known = await get_known(tx, whom)
            _, opened = await act_as(
                tx,
                viewer.actor,
                known.user.email,
                str(where),
                reason=reason,
                life=IMPERSONATION_LIFE,
                client=client_of(request),
            )
    except InvalidInputError as error:
        form = refused_form(fields, ["reason"], error)
        return await _ask(request, runtime, viewer, where, whom, form=form, status=error.status)
    response = go("/dashboard")
    set_session_cookie(request, response, opened)
    return response


async def _ask(
    request: Request,
    runtime: Runtime,
    viewer: StaffViewer,
    organization_id: UUID,
    person_id: UUID,
    *,
    form: FormState | None = None,
    status: int = 200,
) -> Response:
    async with runtime.transaction(of_all=True) as tx:
        await must_be_fresh(tx, viewer.actor)
        user = (await get_known(tx, person_id)).user
        organization = await get_organization(tx, organization_id)
    home = f"{ORGANIZATIONS}/{organization_id}"
    asking = Asking(
        title=f"Act as {user.name or user.email}",
        text=f"You see {organization.name} as they do and can change nothing. It ends after {MINUTES} minutes or when "
        "you log out; then you log in again as yourself. All of it is in the trail, and they can read your reason.",
        action=f"{home}/members/{person_id}/act-as",
        button="Act as them",
        back=home,
        rows=(("Person", user.email), ("Organization", organization.name)),
        typed=(Typed("reason", "Why", hint="They asked for help with …", extra={"maxlength": str(MAX_REASON)}),),
    )
    return ask(request, viewer, asking, form=form, status=status)


def _reason(typed: str) -> str:
    words = " ".join(typed.replace("\x00", "").split())
    problem = "Say why" if not words else "" if len(words) <= MAX_REASON else f"At most {MAX_REASON} characters"
    if problem:
        raise InvalidInputError([FieldProblem("reason", problem)])
    return words
