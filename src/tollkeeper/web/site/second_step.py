"""The further ways in: the second factor after the password, and passkeys."""

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.identity import Method, SecondFactorNeededError
from tollkeeper.infra import Runtime, RuntimeDep
from tollkeeper.kit import TollkeeperError
from tollkeeper.orgs import (
    LoginExpiredError,
    SecondStep,
    SignedIn,
    begin_second_step,
    client_of,
    finish_second_step,
    log_in_by_passkey,
    party_of,
    set_session_cookie,
    waiting_step,
)
from tollkeeper.web.ui import (
    FormState,
    advice,
    empty_form,
    go,
    page,
    passkey_answer,
    passkey_question,
    read_form,
    refused_form,
    safe_next,
)

router = APIRouter(include_in_schema=False)


def ask_second_factor(
    request: Request,
    runtime: Runtime,
    needed: SecondFactorNeededError,
    wanted: str,
    organization_id: UUID | None = None,
) -> Response:
    """Answer a right password, or what another vouched for, with the page that asks for the second factor."""
    return _ask(request, begin_second_step(runtime, needed, organization_id), empty_form("otp"), wanted)


@router.post("/login/second")
async def second_form(request: Request, runtime: RuntimeDep) -> Response:
    """Log in with the code, and go to the page that asked for it."""
    fields = await read_form(request)
    wanted, pending = fields.get("next", ""), fields.get("pending", "")
    try:
        entered = await finish_second_step(runtime, pending, fields.get("otp", ""), client_of(request))
    except LoginExpiredError as error:
        return _begin_again(request, error, wanted)
    except TollkeeperError as error:
        step = await waiting_step(runtime, pending)
        return _ask(request, step, refused_form({}, ["otp"], error), wanted, status=error.status)
    return enter(request, entered, wanted)


@router.post("/login/passkey")
async def passkey_form(request: Request, runtime: RuntimeDep) -> Response:
    """Log in by the passkey the browser answered with, and go to the page that asked for it."""
    fields = await read_form(request)
    wanted = fields.get("next", "")
    try:
        entered = await log_in_by_passkey(runtime, party_of(request), passkey_answer(fields), client_of(request))
    except TollkeeperError as error:
        return _begin_again(request, error, wanted)
    return enter(request, entered, wanted)


def enter(request: Request, signed_in: SignedIn, wanted: str) -> Response:
    """Send the browser on with its session."""
    response = go(safe_next(wanted))
    set_session_cookie(request, response, signed_in.session)
    return response


def _ask(request: Request, step: SecondStep, form: FormState, wanted: str, *, status: int = 200) -> Response:
    shown = {
        "pending": step.pending,
        "with_app": Method.TOTP in step.methods,
        "passkey": passkey_question(request) if Method.PASSKEY in step.methods else "",
    }
    return page(request, "site/second_step.html", status=status, form=form, next=safe_next(wanted, ""), **shown)


def _begin_again(request: Request, error: TollkeeperError, wanted: str) -> Response:
    way = {"title": "Log in again", "href": "/login"}
    return page(
        request,
        "site/elsewhere.html",
        status=error.status,
        title=error.title,
        detail="",
        hint=advice(error),
        way=way,
        next=safe_next(wanted, ""),
    )
