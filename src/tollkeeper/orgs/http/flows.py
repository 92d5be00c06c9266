"""Registering and logging in, from what was typed to what is committed, for the API and the pages alike.

Passwords are hashed between transactions, never inside one, so that no connection waits for a hash.
"""

from ipaddress import ip_address

from fastapi import Request
from starlette.responses import Response

from tollkeeper.identity import (
    SESSION_COOKIE,
    SESSION_LIFE,
    InvalidCredentialsError,
    OpenedSession,
    PasswordHasher,
    check_registration,
    find_credentials,
    normalise_email,
)
from tollkeeper.infra import Runtime
from tollkeeper.kit import InvalidInputError
from tollkeeper.orgs.model import Client, SignedIn
from tollkeeper.orgs.service import sign_in, sign_up


async def register(runtime: Runtime, *, email: str, password: str, name: str | None, client: Client) -> SignedIn:
    """Register a person and log them in.

    Raises:
        InvalidInputError: naming every field that is wrong.
        EmailTakenError: somebody has the address.
        LoginBusyError: too many passwords are being hashed.
    """
    wanted = check_registration(email, password, name)
    password_hash = await runtime.part(PasswordHasher).hash(wanted.password)
    async with runtime.transaction() as tx:
        member = await sign_up(tx, email=wanted.email, password_hash=password_hash, name=wanted.name)
        return await sign_in(tx, member.user.id, client)


async def log_in(runtime: Runtime, *, email: str, password: str, client: Client) -> SignedIn:
    """Log a person in by password.

    Raises:
        InvalidCredentialsError: no such address or a wrong password, in the same words after the same work.
        NoOrganizationError: they belong to no organization any more.
        LoginBusyError: too many passwords are being checked.
    """
    async with runtime.transaction() as tx:
        known = await find_credentials(tx, _normal(email))
    fits = await runtime.part(PasswordHasher).verify(password, known.password_hash if known else None)
    if known is None or not fits:
        raise InvalidCredentialsError
    async with runtime.transaction() as tx:
        return await sign_in(tx, known.user_id, client)


def _normal(email: str) -> str:
    """Return the address as it would be kept; one that is none belongs to nobody, which is told like any other."""
    try:
        return normalise_email(email)
    except InvalidInputError:
        return ""


def client_of(request: Request) -> Client:
    """Return from where the request comes."""
    user_agent = request.headers.get("user-agent", "").replace("\x00", "")
    return Client(user_agent, request.client.host if request.client else "")


def set_session_cookie(request: Request, response: Response, session: OpenedSession) -> None:
    """Give the browser its session; over loopback without `Secure`, since browsers then need no https."""
    response.set_cookie(
        SESSION_COOKIE,
        session.token,
        max_age=int(SESSION_LIFE.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=not _is_loopback(request),
    )


def clear_session_cookie(request: Request, response: Response) -> None:
    """Take the session from the browser."""
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax", secure=not _is_loopback(request))


def _is_loopback(request: Request) -> bool:
    host = request.url.hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
