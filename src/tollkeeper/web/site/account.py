"""Sign-up, log-in and log-out as plain forms."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.identity import (
    MIN_PASSWORD,
    SESSION_COOKIE,
    EmailTakenError,
    InvalidCredentialsError,
    OpenedSession,
    PasswordHasher,
    Session,
    check_registration,
    close_session,
    find_credentials,
    normalise_email,
)
from tollkeeper.infra import Runtime, RuntimeDep
from tollkeeper.kit import FieldProblem, InvalidInputError, TollkeeperError
from tollkeeper.orgs import Client, sign_in, sign_up
from tollkeeper.web.ui import (
    FormState,
    base_url_of,
    empty_form,
    go,
    is_logged_in,
    page,
    read_form,
    refused_form,
    safe_next,
    site_of,
)

router = APIRouter(include_in_schema=False)

PASSWORD_HINT = f"At least {MIN_PASSWORD} characters. A few words in a row are good."


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
        opened = await _join(request, runtime, fields)
    except EmailTakenError as error:
        taken = InvalidInputError([FieldProblem("email", f"{error.title}. Log in instead")])
        return _signup(request, refused_form(fields, ["name", "email"], taken), wanted, status=error.status)
    except TollkeeperError as error:
        return _signup(request, refused_form(fields, ["name", "email"], error), wanted, status=error.status)
    return _enter(request, opened, safe_next(wanted))


@router.get("/login")
async def login_page(request: Request, next: str = "") -> Response:  # noqa: A002 - the parameter's public name
    """Show the log-in form."""
    if is_logged_in(request):
        return go(safe_next(next))
    return _login(request, empty_form("email", "password"), next)


@router.post("/login")
async def login_form(request: Request, runtime: RuntimeDep) -> Response:
    """Log in, and go to the page that asked for it."""
    fields = await read_form(request)
    wanted = fields.get("next", "")
    try:
        opened = await _come_in(request, runtime, fields)
    except TollkeeperError as error:
        return _login(request, refused_form(fields, ["email"], error), wanted, status=error.status)
    return _enter(request, opened, safe_next(wanted))


@router.post("/logout")
async def logout_form(request: Request, runtime: RuntimeDep) -> Response:
    """Log this browser out."""
    session: Session | None = request.scope.get("state", {}).get("session")
    if session is not None:
        await read_form(request)
        async with runtime.transaction() as tx:
            await close_session(tx, session.id)
    response = go("/")
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


async def _join(request: Request, runtime: Runtime, fields: dict[str, str]) -> OpenedSession:
    wish = check_registration(fields.get("email", ""), fields.get("password", ""), fields.get("name", ""))
    password_hash = await runtime.part(PasswordHasher).hash(wish.password)
    async with runtime.transaction() as tx:
        member = await sign_up(tx, email=wish.email, password_hash=password_hash, name=wish.name)
        return (await sign_in(tx, member.user.id, _client(request))).session


async def _come_in(request: Request, runtime: Runtime, fields: dict[str, str]) -> OpenedSession:
    email = normalise_email(fields.get("email", ""))
    async with runtime.transaction() as tx:
        credentials = await find_credentials(tx, email)
    # Hashing takes its time on a thread of its own; no connection waits for it.
    known = credentials.password_hash if credentials else None
    fits = await runtime.part(PasswordHasher).verify(fields.get("password", ""), known)
    if credentials is None or not fits:
        raise InvalidCredentialsError
    async with runtime.transaction() as tx:
        return (await sign_in(tx, credentials.user_id, _client(request))).session


def _client(request: Request) -> Client:
    return Client(request.headers.get("user-agent", ""), request.client.host if request.client else "")


def _enter(request: Request, opened: OpenedSession, path: str) -> Response:
    response = go(path)
    response.set_cookie(
        SESSION_COOKIE,
        opened.token,
        # A length, not a moment: the browser's clock need not be ours.
        max_age=int((opened.expires_at - opened.session.created_at).total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
        secure=base_url_of(request).startswith("https://"),
    )
    return response


def _signup(request: Request, form: FormState, wanted: str, *, status: int = 200) -> Response:
    shown = safe_next(wanted, "")
    return page(request, "site/signup.html", status=status, form=form, next=shown, password_hint=PASSWORD_HINT)


def _login(request: Request, form: FormState, wanted: str, *, status: int = 200) -> Response:
    demo = site_of(request).demo_login
    return page(request, "site/login.html", status=status, form=form, next=safe_next(wanted, ""), demo_login=demo)
