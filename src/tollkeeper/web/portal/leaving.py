"""The page on which somebody has their account deleted, or takes that back."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.identity import find_deletion, must_be_fresh
from tollkeeper.infra import Runtime, RuntimeDep
from tollkeeper.kit import Actor, FieldProblem, InvalidInputError, TollkeeperError
from tollkeeper.orgs import ask_to_leave, person_of, stay
from tollkeeper.web.ui import FormState, empty_form, go, page, read_form, refused_form, toast

from .person import PersonDep, load_viewer

router = APIRouter()

PLACE = "/profile/delete"


@router.get(PLACE)
async def leaving_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Say what deleting means, or that it is under way."""
    return await _show(request, runtime, actor, empty_form("email"))


@router.post(PLACE)
async def leaving_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Ask for the deletion. Typing the own address shows that it is meant."""
    fields = await read_form(request)
    try:
        async with runtime.transaction() as tx:
            await must_be_fresh(tx, actor)
            viewer = await load_viewer(tx, actor)
            if fields.get("email", "").strip().lower() != viewer.email:
                raise InvalidInputError([FieldProblem("email", f"Type {viewer.email}")])
            await ask_to_leave(tx, person_of(actor))
    except TollkeeperError as error:
        if error.code == "step_up_required":
            raise
        return await _show(request, runtime, actor, refused_form(fields, ["email"], error), status=error.status)
    return go(PLACE)


@router.post(f"{PLACE}/keep")
async def staying_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Take the wish back."""
    await read_form(request)
    async with runtime.transaction() as tx:
        await stay(tx, person_of(actor))
    return toast(request, go("/profile"), "Your account stays.")


async def _show(request: Request, runtime: Runtime, actor: Actor, form: FormState, *, status: int = 200) -> Response:
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        wish = await find_deletion(tx, person_of(actor))
    days = runtime.settings.deletion_days
    return page(
        request, "portal/leaving.html", status=status, viewer=viewer, banners=[], form=form, wish=wish, days=days
    )
