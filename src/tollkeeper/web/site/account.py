"""Sign-up, log-in and log-out as plain forms."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.identity import (
    MIN_PASSWORD,
    CaptchaWidget,
    EmailTakenError,
    EmailUnverifiedError,
    SecondFactorNeededError,
    Session,
    captcha_widget,
    close_session,
)
from tollkeeper.infra import RuntimeDep, runtime_of
from tollkeeper.kit import FieldProblem, InvalidInputError, TollkeeperError
from tollkeeper.orgs import client_of, end_in_browser, log_in, own_session, register
from tollkeeper.web.ui import (
    FormState,
    empty_form,
    go,
    is_logged_in,
    page,
    passkey_question,
    read_form,
    refused_form,
    safe_next,
    site_of,
)

from .elsewhere import ways_in
from .second_step import ask_second_factor, enter

router = APIRouter(include_in_schema=False)

PASSWORD_HINT = f"At least {MIN_PASSWORD} characters. A few words in a row are good."
VERIFY_FIRST = "We have sent you a mail. Follow the link in it, then log in."


@router.get("/signup")
async def signup_page(request: Request, next: str = "") -> Response:  # noqa: A002 - the parameter's public name
    """Show the sign-up form."""
    if is_logged_in(request):
        return go(safe_next(next))
    return _signup(request, empty_form("name", "email", "password"), next)


@router.post("/signup")
async def signup_form(request: Request, runtime: RuntimeDep) -> Response:
    """Make an account with an organization of its own, and log in."""
    fields = await read_form(request)
    wanted = fields.get("next", "")
    try:
        joined = await register(
            runtime,
            email=fields.get("email", ""),
            password=fields.get("password", ""),
            name=fields.get("name", ""),
            client=client_of(request),
            captcha=fields.get("captcha"),
        )
    except EmailTakenError as error:
        taken = InvalidInputError([FieldProblem("email", f"{error.title}. Log in instead")])
        return _signup(request, refused_form(fields, ["name", "email"], taken), wanted, status=error.status)
    except TollkeeperError as error:
        return _signup(request, refused_form(fields, ["name", "email"], error), wanted, status=error.status)
    if joined is None:
        return page(request, "site/mail_sent.html", status=202, words=VERIFY_FIRST, again="/verify/resend")
    return enter(request, joined, wanted)


@router.get("/login")
async def login_page(request: Request, next: str = "", unsent: str = "") -> Response:  # noqa: A002 - the parameter's public name
    """Show the log-in form; with `unsent` it says that a form came when nobody was logged in any more."""
    if is_logged_in(request):
        return go(safe_next(next))
    return _login(request, empty_form("email", "password"), next, unsent=bool(unsent))


@router.post("/login")
async def login_form(request: Request, runtime: RuntimeDep) -> Response:
    """Log in, and go to the page that asked for it."""
    fields = await read_form(request)
    wanted = fields.get("next", "")
    try:
        entered = await log_in(
            runtime,
            email=fields.get("email", ""),
            password=fields.get("password", ""),
            client=client_of(request),
            captcha=fields.get("captcha"),
        )
    except SecondFactorNeededError as needed:
        return ask_second_factor(request, runtime, needed, wanted)
    except TollkeeperError as error:
        form, resend = refused_form(fields, ["email"], error), isinstance(error, EmailUnverifiedError)
        return _login(request, form, wanted, status=error.status, resend=resend)
    return enter(request, entered, wanted)


@router.post("/logout")
async def logout_form(request: Request, runtime: RuntimeDep) -> Response:
    """Log this browser out; staff who acted as somebody are themselves again."""
    session: Session | None = request.scope.get("state", {}).get("session")
    own = None
    if session is not None:
        await read_form(request)
        async with runtime.transaction() as tx:
            own = await own_session(tx, request)
            await close_session(tx, session.id)
    response = go("/dashboard" if own else "/")
    end_in_browser(request, response, own)
    return response


def _signup(request: Request, form: FormState, wanted: str, *, status: int = 200) -> Response:
    shown = safe_next(wanted, "")
    context = {"form": form, "next": shown, "password_hint": PASSWORD_HINT, "ways": ways_in(request, shown)}
    return page(request, "site/signup.html", status=status, captcha=_captcha(request), **context)


def _login(
    request: Request,
    form: FormState,
    wanted: str,
    *,
    status: int = 200,
    resend: bool = False,
    unsent: bool = False,
) -> Response:
    demo = site_of(request).demo_login
    shown = safe_next(wanted, "")
    says = {"resend": resend, "unsent": unsent}
    context = {"form": form, "next": shown, "demo_login": demo, "ways": ways_in(request, shown), **says}
    return page(
        request,
        "site/login.html",
        status=status,
        passkey=passkey_question(request),
        captcha=_captcha(request),
        **context,
    )


def _captcha(request: Request) -> CaptchaWidget | None:
    return captcha_widget(runtime_of(request).settings)
