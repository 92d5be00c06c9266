"""Proving oneself again, before something dangerous."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.identity import Method, is_fresh
from tollkeeper.infra import Runtime, RuntimeDep
from tollkeeper.kit import Actor, FieldProblem, InvalidInputError, TollkeeperError
from tollkeeper.orgs import StepUp, party_of, set_session_cookie, step_up, step_up_ways
from tollkeeper.web.ui import (
    FormState,
    empty_form,
    go,
    page,
    passkey_answer,
    passkey_question,
    read_form,
    refused_form,
    safe_next,
)

from .kept import Kept, keep, taken_up
from .person import PersonDep, load_viewer

router = APIRouter()

BACK = "/security"


@router.get("/step-up")
async def step_up_page(request: Request, runtime: RuntimeDep, actor: PersonDep, next: str = "") -> Response:  # noqa: A002 - the parameter's public name
    """Ask for a proof; who gave one lately goes on at once."""
    async with runtime.transaction() as tx:
        fresh = await is_fresh(tx, actor)
    return (
        go(safe_next(next, BACK)) if fresh else await _ask(request, runtime, actor, empty_form("otp", "password"), next)
    )


@router.post("/step-up/keep")
async def keep_form(
    request: Request,
    runtime: RuntimeDep,
    actor: PersonDep,
    to: str = "",
    next: str = "",  # noqa: A002 - the parameter's public name
) -> Response:
    """Ask for a proof with the form in hand that was refused for want of one; browsers send it here as they were told.

    `to` is where the form was sent, and goes again after the proof; `next` the page it stands on.
    """
    kept = keep(runtime, actor, to, await read_form(request))
    return await _ask(request, runtime, actor, empty_form("otp", "password"), next, kept=kept)


@router.post("/step-up")
async def step_up_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Take the proof and go on, with the form that waited for it if there is one."""
    fields = await read_form(request)
    wanted, sealed = fields.get("next", ""), fields.get("kept", "")
    try:
        proof = _proof(fields)
        proved = await step_up(runtime, actor, proof, party_of(request) if proof.credential is not None else None)
    except TollkeeperError as error:
        form = refused_form({}, ["otp"], error)
        return await _ask(request, runtime, actor, form, wanted, kept=sealed, status=error.status)
    if proved.session is not None:
        request.scope["state"]["session_token"] = proved.session.token  # the next form is sent by the new session
    kept = taken_up(runtime, actor, sealed)
    response = go(safe_next(wanted, BACK)) if kept is None else await _go_on(request, runtime, actor, kept, wanted)
    if proved.session is not None:
        set_session_cookie(request, response, proved.session)
    return response


async def _go_on(request: Request, runtime: Runtime, actor: Actor, kept: Kept, wanted: str) -> Response:
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
    return page(request, "portal/go_on.html", viewer=viewer, banners=[], kept=kept, back=safe_next(wanted, BACK))


def _proof(fields: dict[str, str]) -> StepUp:
    if fields.get("credential"):
        return StepUp(credential=passkey_answer(fields))
    if fields.get("otp"):
        return StepUp(code=fields["otp"])
    if fields.get("password"):
        return StepUp(password=fields["password"])
    shown = "password" if "password" in fields else "otp"
    raise InvalidInputError([FieldProblem(shown, "Enter it to go on", "missing")])


async def _ask(
    request: Request,
    runtime: Runtime,
    actor: Actor,
    form: FormState,
    wanted: str,
    *,
    kept: str = "",
    status: int = 200,
) -> Response:
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        methods = await step_up_ways(tx, actor)
    return page(
        request,
        "portal/step_up.html",
        status=status,
        viewer=viewer,
        banners=[],
        form=form,
        next=safe_next(wanted, ""),
        kept=kept,
        back=safe_next(wanted, BACK),
        with_password=Method.PASSWORD in methods,
        with_app=Method.TOTP in methods,
        with_code=Method.TOTP in methods or Method.RECOVERY_CODE in methods,
        passkey=passkey_question(request) if Method.PASSKEY in methods else "",
        impossible=not methods,
    )
