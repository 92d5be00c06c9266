"""Signing in elsewhere: out to who vouches, and back; and single sign-on by one's address."""

from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from tollkeeper.identity import Session, normalise_email
from tollkeeper.identity.elsewhere import providers
from tollkeeper.infra import Runtime, RuntimeDep, runtime_of
from tollkeeper.kit import FieldProblem, InvalidInputError, TollkeeperError
from tollkeeper.orgs import Arrival, begin_elsewhere, client_of, finish_elsewhere
from tollkeeper.orgs.sign_on import ConnectionNotFoundError, connection_for
from tollkeeper.web.ui import (
    advice,
    base_url_of,
    empty_form,
    end_attempt,
    go,
    is_logged_in,
    keep_attempt,
    kept_attempt,
    leave,
    page,
    read_form,
    refused_form,
    safe_next,
)

from .second_step import ask_second_factor, enter

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Way:
    """A way to sign in elsewhere, as a button."""

    title: str
    href: str


def ways_in(request: Request, wanted: str) -> list[Way]:
    """Return the buttons of the log-in and sign-up pages; `wanted` is where to go afterwards."""
    query = f"?{urlencode({'next': wanted})}" if wanted else ""
    return [Way(each.title, f"/auth/elsewhere/{each.key}{query}") for each in providers(runtime_of(request)).values()]


@router.get("/auth/elsewhere/{provider}")
async def leave_page(request: Request, runtime: RuntimeDep, provider: str, next: str = "") -> Response:  # noqa: A002 - the parameter's public name
    """Send the browser to who vouches."""
    if is_logged_in(request):
        return go(safe_next(next))
    departure = await begin_elsewhere(runtime, provider, base=base_url_of(request), next_path=safe_next(next))
    return keep_attempt(request, RedirectResponse(departure.url, status_code=303), departure.kept)


@router.get("/auth/elsewhere/{provider}/callback")
async def back_page(request: Request, runtime: RuntimeDep, provider: str) -> Response:
    """Take the browser back: log it in, or link what it brought."""
    session: Session | None = request.scope.get("state", {}).get("session")
    try:
        arrival = await finish_elsewhere(
            runtime,
            provider,
            base=base_url_of(request),
            kept=kept_attempt(request),
            answer=dict(request.query_params),
            session=session,
            client=client_of(request),
        )
    except TollkeeperError as error:
        response = _refused(request, error, linking=session is not None)
    else:
        response = _arrived(request, runtime, arrival)
    return end_attempt(request, response)


def _arrived(request: Request, runtime: Runtime, arrival: Arrival) -> Response:
    if arrival.needed is not None:
        return ask_second_factor(request, runtime, arrival.needed, arrival.next, arrival.organization_id)
    return enter(request, arrival.signed_in, arrival.next) if arrival.signed_in else go(arrival.next)


@router.get("/login/sso")
async def sso_page(request: Request, next: str = "") -> Response:  # noqa: A002 - the parameter's public name
    """Ask for the address whose domain says where to sign in."""
    if is_logged_in(request):
        return go(safe_next(next))
    return page(request, "site/sso.html", form=empty_form("email"), next=safe_next(next, ""))


@router.post("/login/sso")
async def sso_form(request: Request, runtime: RuntimeDep) -> Response:
    """Send the browser to the issuer of the address's domain."""
    fields = await read_form(request)
    wanted = safe_next(fields.get("next", ""), "")
    try:
        email = normalise_email(fields.get("email", ""))
        async with runtime.transaction() as tx:
            connection = await connection_for(tx, email)
        departure = await begin_elsewhere(
            runtime, str(connection.id), base=base_url_of(request), next_path=safe_next(wanted), hint=email
        )
    except ConnectionNotFoundError:
        unknown = InvalidInputError([FieldProblem("email", "No organization signs in people of this domain")])
        return _sso_again(request, fields, unknown, wanted)
    except TollkeeperError as error:
        return _sso_again(request, fields, error, wanted)
    response = leave(
        request, departure.url, "your organization's sign-in", words="Your organization signs you in there."
    )
    return keep_attempt(request, response, departure.kept)


def _sso_again(request: Request, fields: dict[str, str], error: TollkeeperError, wanted: str) -> Response:
    form = refused_form(fields, ["email"], error)
    return page(request, "site/sso.html", status=error.status, form=form, next=wanted)


def _refused(request: Request, error: TollkeeperError, *, linking: bool) -> Response:
    """Say why it came to nothing, with a way on."""
    detail = error.detail if error.detail != error.title else ""
    way = Way("Back to signing in", "/security/sign-in") if linking else Way("Log in another way", "/login")
    return page(
        request,
        "site/elsewhere.html",
        status=error.status,
        title=error.title,
        detail=detail,
        hint=advice(error),
        way=way,
    )
