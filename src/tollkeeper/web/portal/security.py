"""The page of what protects a person's login: the authenticator app, passkeys, recovery codes, and further sections."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.identity import (
    MAX_PASSKEY_NAME,
    add_passkey,
    begin_totp,
    begun_totp,
    confirm_totp,
    factors_of,
    get_user,
    must_be_fresh,
    passkey_creation_options,
    remove_passkey,
    remove_totp,
    renew_recovery_codes,
)
from tollkeeper.infra import Runtime, RuntimeDep, Tx
from tollkeeper.kit import Actor, InvalidInputError
from tollkeeper.orgs import party_of, person_of, qr_image
from tollkeeper.web.ui import (
    FormState,
    empty_form,
    go,
    page,
    passkey_answer,
    passkey_question,
    read_form,
    refused_form,
    toast,
)

from .passkeys import known_passkey, passkey_name, passkey_of
from .person import PersonDep, load_viewer

router = APIRouter()

HOME = "/security"
Load: TypeAlias = Callable[[Tx, Request, Actor], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: its template, which is given what `load` returns as `section`."""

    template: str
    load: Load


@dataclass(frozen=True, slots=True)
class Sure:
    """A question before something that cannot be undone; the form goes to `action`."""

    title: str
    text: str
    action: str
    button: str
    back: str = HOME


async def _factors(tx: Tx, request: Request, actor: Actor) -> Mapping[str, Any]:
    return {"factors": await factors_of(tx, person_of(actor)), "passkeys_work": bool(passkey_question(request))}


SECTIONS: list[Section] = [Section("portal/security_factors.html", _factors)]
"""What the page shows, in order."""


@router.get(HOME)
async def security_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Show what protects the login."""
    return await show_security(request, runtime, actor)


async def show_security(
    request: Request, runtime: Runtime, actor: Actor, *, status: int = 200, **more: Any
) -> Response:
    """Answer with the page; `more` is for the templates of sections whose form was refused."""
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        sections = [(each.template, await each.load(tx, request, actor)) for each in SECTIONS]
    return page(request, "portal/security.html", status=status, viewer=viewer, banners=[], sections=sections, more=more)


@router.post(HOME + "/totp")
async def begin_app(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Make a secret for an authenticator app and go to the page that shows it."""
    await read_form(request)
    async with runtime.transaction() as tx:
        await must_be_fresh(tx, actor)
        user = await get_user(tx, person_of(actor))
        await begin_totp(tx, user.id, user.email)
    return go(f"{HOME}/totp")


@router.get(HOME + "/totp")
async def app_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Show the secret that was begun, and ask for the app's first code."""
    return await _show_app(request, runtime, actor, empty_form("code"))


@router.post(HOME + "/totp/confirm")
async def confirm_app(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Take the app's first code, and show the recovery codes that come with the first factor."""
    fields = await read_form(request)
    try:
        async with runtime.transaction() as tx:
            await must_be_fresh(tx, actor)
            codes = await confirm_totp(tx, person_of(actor), fields.get("code", ""))
    except InvalidInputError as error:
        return await _show_app(request, runtime, actor, refused_form({}, ["code"], error), status=422)
    return await _show_codes(request, runtime, actor, codes)


@router.get(HOME + "/totp/remove")
async def remove_app_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Ask before the app is removed."""
    sure = Sure(
        "Remove the authenticator app?",
        "Its codes are no longer taken. When no passkey is left either, the password alone lets you in, and your "
        "recovery codes end.",
        f"{HOME}/totp/remove",
        "Remove the app",
    )
    return await _ask(request, runtime, actor, sure)


@router.post(HOME + "/totp/remove")
async def remove_app_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Remove the app."""
    await read_form(request)
    async with runtime.transaction() as tx:
        await must_be_fresh(tx, actor)
        await remove_totp(tx, person_of(actor))
    return toast(request, go(HOME), "The app lets nobody in any more.")


@router.get(HOME + "/recovery-codes")
async def renew_codes_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Ask before recovery codes are replaced."""
    sure = Sure(
        "Make new recovery codes?",
        "The ones you have now end at once. You see the new ones a single time.",
        f"{HOME}/recovery-codes",
        "Make new codes",
    )
    return await _ask(request, runtime, actor, sure)


@router.post(HOME + "/recovery-codes")
async def renew_codes_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Replace the recovery codes and show the new ones, the only time."""
    await read_form(request)
    async with runtime.transaction() as tx:
        await must_be_fresh(tx, actor)
        codes = await renew_recovery_codes(tx, person_of(actor))
    return await _show_codes(request, runtime, actor, codes)


@router.get(HOME + "/passkeys/add")
async def passkey_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Ask what the passkey is to be called, and the browser for one."""
    return await _show_passkey(request, runtime, actor, empty_form("name"))


@router.post(HOME + "/passkeys")
async def passkey_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Add the passkey the browser made, and show the recovery codes that come with the first factor."""
    fields = await read_form(request)
    try:
        name = passkey_name(fields.get("name", ""))
        async with runtime.transaction() as tx:
            await must_be_fresh(tx, actor)
            answer = passkey_answer(fields)
            _, codes = await add_passkey(tx, person_of(actor), party_of(request), name, answer)
    except InvalidInputError as error:
        form = refused_form(fields, ["name"], error)
        return await _show_passkey(request, runtime, actor, form, status=error.status)
    return await _show_codes(request, runtime, actor, codes)


@router.get(HOME + "/passkeys/{passkey_id}/remove")
async def remove_passkey_page(request: Request, runtime: RuntimeDep, actor: PersonDep, passkey_id: str) -> Response:
    """Ask before a passkey is removed."""
    async with runtime.transaction() as tx:
        found = await passkey_of(tx, actor, passkey_id)
    sure = Sure(
        f"Remove the passkey “{found.name}”?",
        "It no longer lets you in. Remove it from the device, too, which would go on offering it.",
        f"{HOME}/passkeys/{found.id}/remove",
        "Remove the passkey",
    )
    return await _ask(request, runtime, actor, sure)


@router.post(HOME + "/passkeys/{passkey_id}/remove")
async def remove_passkey_form(request: Request, runtime: RuntimeDep, actor: PersonDep, passkey_id: str) -> Response:
    """Remove a passkey."""
    await read_form(request)
    async with runtime.transaction() as tx:
        await must_be_fresh(tx, actor)
        await remove_passkey(tx, person_of(actor), known_passkey(passkey_id))
    return toast(request, go(HOME), "The passkey lets nobody in any more.")


async def _show_app(
    request: Request, runtime: Runtime, actor: Actor, form: FormState, *, status: int = 200
) -> Response:
    async with runtime.transaction() as tx:
        await must_be_fresh(tx, actor)
        viewer = await load_viewer(tx, actor)
        begun = await begun_totp(tx, person_of(actor), viewer.email)
    if begun is None:
        return go(HOME)
    grouped = " ".join(begun.secret[start : start + 4] for start in range(0, len(begun.secret), 4))
    return page(
        request,
        "portal/security_app.html",
        status=status,
        viewer=viewer,
        banners=[],
        form=form,
        secret=grouped,
        uri=begun.uri,
        qr=qr_image(begun.uri),
    )


async def _show_passkey(
    request: Request, runtime: Runtime, actor: Actor, form: FormState, *, status: int = 200
) -> Response:
    async with runtime.transaction() as tx:
        await must_be_fresh(tx, actor)
        viewer = await load_viewer(tx, actor)
        user = await get_user(tx, person_of(actor))
        question = await passkey_creation_options(tx, user, party_of(request))
    return page(
        request,
        "portal/security_passkey.html",
        status=status,
        viewer=viewer,
        banners=[],
        form=form,
        question=json.dumps(question),
        longest=MAX_PASSKEY_NAME,
    )


async def _show_codes(request: Request, runtime: Runtime, actor: Actor, codes: Sequence[str] | None) -> Response:
    if codes is None:
        return go(HOME)
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
    return page(request, "portal/security_codes.html", viewer=viewer, banners=[], codes=codes)


async def _ask(request: Request, runtime: Runtime, actor: Actor, sure: Sure) -> Response:
    async with runtime.transaction() as tx:
        await must_be_fresh(tx, actor)
        viewer = await load_viewer(tx, actor)
    return page(request, "portal/sure.html", viewer=viewer, banners=[], sure=sure)
