"""Notes about organizations and people."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.identity.finding import get_known
from tollkeeper.infra import RuntimeDep
from tollkeeper.kit import InvalidInputError, id_or
from tollkeeper.orgs import NoteNotFoundError, Subject, get_organization, remove_note, write_note
from tollkeeper.web.admin.guard import StaffDep
from tollkeeper.web.ui import go, read_form, refused_form, toast

from .addresses import ORGANIZATION, ORGANIZATIONS, PEOPLE, PERSON, organization_meant, person_meant
from .organization import show_organization
from .person import show_person

router = APIRouter()


@router.post(ORGANIZATION + "/notes")
async def write_about_organization(
    request: Request, runtime: RuntimeDep, viewer: StaffDep, organization_id: str
) -> Response:
    """Write a note about an organization."""
    fields = await read_form(request)
    whom = organization_meant(organization_id)
    try:
        async with runtime.transaction(of_all=True) as tx:
            await get_organization(tx, whom)
            await write_note(tx, viewer.user_id, Subject(organization_id=whom), fields.get("body", ""))
    except InvalidInputError as error:
        form = refused_form(fields, ["body"], error)
        return await show_organization(request, runtime, viewer, whom, form=form, status=error.status)
    return toast(request, go(f"{ORGANIZATIONS}/{whom}#notes"), "Note kept.")


@router.post(PERSON + "/notes")
async def write_about_person(request: Request, runtime: RuntimeDep, viewer: StaffDep, person_id: str) -> Response:
    """Write a note about a person."""
    fields = await read_form(request)
    whom = person_meant(person_id)
    try:
        async with runtime.transaction(of_all=True) as tx:
            await get_known(tx, whom)
            await write_note(tx, viewer.user_id, Subject(person_id=whom), fields.get("body", ""))
    except InvalidInputError as error:
        form = refused_form(fields, ["body"], error)
        return await show_person(request, runtime, viewer, whom, form=form, status=error.status)
    return toast(request, go(f"{PEOPLE}/{whom}#notes"), "Note kept.")


@router.post(ORGANIZATION + "/notes/{note_id}/remove")
async def remove_about_organization(
    request: Request, runtime: RuntimeDep, _: StaffDep, organization_id: str, note_id: str
) -> Response:
    """Remove a note about an organization."""
    await read_form(request)
    whom = organization_meant(organization_id)
    async with runtime.transaction(of_all=True) as tx:
        await remove_note(tx, Subject(organization_id=whom), id_or(note_id, NoteNotFoundError))
    return toast(request, go(f"{ORGANIZATIONS}/{whom}#notes"), "Note removed.")


@router.post(PERSON + "/notes/{note_id}/remove")
async def remove_about_person(
    request: Request, runtime: RuntimeDep, _: StaffDep, person_id: str, note_id: str
) -> Response:
    """Remove a note about a person."""
    await read_form(request)
    whom = person_meant(person_id)
    async with runtime.transaction(of_all=True) as tx:
        await remove_note(tx, Subject(person_id=whom), id_or(note_id, NoteNotFoundError))
    return toast(request, go(f"{PEOPLE}/{whom}#notes"), "Note removed.")
