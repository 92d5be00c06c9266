"""The whole story of a person on one page."""

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.identity import find_deletion, find_users
from tollkeeper.identity.factors import factors_of
from tollkeeper.identity.finding import get_known
from tollkeeper.identity.logins import list_logins
from tollkeeper.infra import Runtime, RuntimeDep, Sought
from tollkeeper.orgs import Subject, list_notes, organizations_of, read_trail
from tollkeeper.web.admin.guard import StaffDep, StaffViewer
from tollkeeper.web.admin.showing import show
from tollkeeper.web.ui import FormState, empty_form, trail_rows

from .addresses import PEOPLE, PERSON, person_meant

router = APIRouter()

FEW, MANY = 5, 15


@router.get(PERSON)
async def person_page(request: Request, runtime: RuntimeDep, viewer: StaffDep, person_id: str) -> Response:
    """Show the whole story of a person."""
    return await show_person(request, runtime, viewer, person_meant(person_id))


async def show_person(
    request: Request,
    runtime: Runtime,
    viewer: StaffViewer,
    person_id: UUID,
    *,
    form: FormState | None = None,
    status: int = 200,
) -> Response:
    """Answer with the page of a person; `form` is that of a note, as it was refused."""
    async with runtime.transaction(of_all=True) as tx:
        known = await get_known(tx, person_id)
        notes = await list_notes(tx, Subject(person_id=person_id))
        trail = await read_trail(tx, Sought(person=person_id), limit=MANY)
        shown = {
            "places": await organizations_of(tx, person_id),
            "factors": await factors_of(tx, person_id),
            "logins": await list_logins(tx, person_id),
            "leaving": await find_deletion(tx, person_id),
            "authors": await find_users(tx, {each.author_id for each in notes}),
        }
    return show(
        request,
        viewer,
        "people/person.html",
        status=status,
        home=f"{PEOPLE}/{person_id}",
        person=known.user,
        role=known.role,
        notes=notes,
        trail=trail_rows(trail.data),
        form=form or empty_form("body"),
        **shown,
    )
