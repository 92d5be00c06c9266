"""Sections of the security page: the e-mail address, the password, and where one is logged in."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.identity import (
    MIN_PASSWORD,
    InvalidCredentialsError,
    Login,
    LoginNotFoundError,
    StepUpNeededError,
    ask_for_verification,
    close_login_of_person,
    close_logins,
    device_name,
    find_credentials,
    get_user,
    list_logins,
    place_of,
)
from tollkeeper.infra import RuntimeDep, Tx
from tollkeeper.kit import Actor, FieldProblem, InvalidInputError, TollkeeperError, id_or
from tollkeeper.orgs import change_password, client_of, person_of, want_address
from tollkeeper.web.ui import Column, Table, empty_form, go, page, read_form, refused_form, toast

from .person import PersonDep, load_viewer
from .security import HOME, SECTIONS, Section, show_security

router = APIRouter()

LISTED_LOGINS = Table(
    path=HOME,
    columns=(
        Column("device", "Browser or program"),
        Column("created", "Logged in", sorts=True),
        Column("seen", "Last seen", sorts=True),
        Column("actions", "Actions", quiet=True),
    ),
    order="-seen",
    anchor="logins",
)
_LOGIN_ORDERS: Mapping[str, Callable[[Login], datetime]] = {
    "created": lambda login: login.created_at,
    "seen": lambda login: login.last_seen_at,
}
PASSWORD_HINT = f"At least {MIN_PASSWORD} characters. A few words in a row are good."


async def _address(tx: Tx, _: Request, actor: Actor) -> Mapping[str, Any]:
    user = await get_user(tx, person_of(actor))
    return {"email": user.email, "verified_at": user.verified_at, "form": empty_form("email")}


async def _password(tx: Tx, _: Request, actor: Actor) -> Mapping[str, Any]:
    known = await find_credentials(tx, (await get_user(tx, person_of(actor))).email)
    form = empty_form("current_password", "new_password")
    return {"form": form, "hint": PASSWORD_HINT, "has_password": bool(known and known.password_hash)}


async def _logins(tx: Tx, request: Request, actor: Actor) -> Mapping[str, Any]:
    asked = LISTED_LOGINS.read(request.query_params)
    logins = await list_logins(tx, person_of(actor), actor)
    if asked.sort != LISTED_LOGINS.order:
        logins = sorted(logins, key=_LOGIN_ORDERS[asked.order], reverse=asked.descending)
    found = [
        {
            "login": each,
            "device": device_name(each.user_agent) if each.user_agent else "Program",
            "place": place_of(tx.runtime, each.ip),
        }
        for each in logins
    ]
    return {"logins": found, "table": LISTED_LOGINS.shown(asked)}


SECTIONS.append(Section("portal/security_password.html", _password))
SECTIONS.append(Section("portal/security_address.html", _address))
SECTIONS.append(Section("portal/security_logins.html", _logins))


@router.post(HOME + "/password")
async def password_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Change the password; every other login ends."""
    fields = await read_form(request)
    names = ["current_password", "new_password"]
    try:
        await change_password(
            runtime,
            actor,
            current=fields.get("current_password") or None,
            new=fields.get("new_password", ""),
            client=client_of(request),
        )
    except StepUpNeededError:
        raise
    except InvalidCredentialsError as error:
        wrong = InvalidInputError([FieldProblem("current_password", error.detail)])
        form = refused_form({}, names, wrong)
        return await show_security(request, runtime, actor, status=422, password_form=form)
    except TollkeeperError as error:
        form = refused_form({}, names, error)
        return await show_security(request, runtime, actor, status=error.status, password_form=form)
    return toast(request, go(f"{HOME}#password"), "Your password is changed. You were logged out everywhere else.")


@router.post(HOME + "/email")
async def address_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Have a link sent to another address, which makes it one's own."""
    fields = await read_form(request)
    try:
        async with runtime.transaction() as tx:
            await want_address(tx, actor, fields.get("email", ""))
    except InvalidInputError as error:
        form = refused_form(fields, ["email"], error)
        return await show_security(request, runtime, actor, status=error.status, address_form=form)
    return await _sent(request, runtime, actor)


@router.post(HOME + "/email/verify")
async def verification_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Have the link sent again that proves one's address."""
    await read_form(request)
    async with runtime.transaction() as tx:
        await ask_for_verification(tx, (await get_user(tx, person_of(actor))).email)
    return await _sent(request, runtime, actor)


@router.post(HOME + "/logins/end-others")
async def end_others_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """End every login but this browser's."""
    await read_form(request)
    async with runtime.transaction() as tx:
        await close_logins(tx, person_of(actor), keep=actor)
    return toast(request, go(f"{HOME}#logins"), "You are logged out everywhere else.")


@router.post(HOME + "/logins/{session_id}/end")
async def end_form(request: Request, runtime: RuntimeDep, actor: PersonDep, session_id: str) -> Response:
    """End one login; this browser's own, too."""
    await read_form(request)
    known = id_or(session_id, LoginNotFoundError)
    async with runtime.transaction() as tx:
        await close_login_of_person(tx, person_of(actor), known)
    return toast(request, go(f"{HOME}#logins"), "That login is ended.")


async def _sent(request: Request, runtime: RuntimeDep, actor: Actor) -> Response:
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
    return page(request, "portal/security_mail.html", viewer=viewer, banners=[])
