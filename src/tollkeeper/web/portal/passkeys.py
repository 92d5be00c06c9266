"""The page of one passkey: what it is called, so that one knows which of several to remove."""

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.identity import (
    MAX_PASSKEY_NAME,
    Passkey,
    PasskeyNotFoundError,
    clean_name,
    factors_of,
    rename_passkey,
)
from tollkeeper.infra import Runtime, RuntimeDep, Tx
from tollkeeper.kit import Actor, FieldProblem, InvalidInputError, id_or
from tollkeeper.orgs import person_of
from tollkeeper.web.ui import FormState, empty_form, go, page, read_form, refused_form, toast

from .person import PersonDep, load_viewer

router = APIRouter()

HOME = "/security"


@router.get(HOME + "/passkeys/{passkey_id}")
async def passkey_page(request: Request, runtime: RuntimeDep, actor: PersonDep, passkey_id: str) -> Response:
    """Ask what a passkey is to be called."""
    return await _show(request, runtime, actor, passkey_id)


@router.post(HOME + "/passkeys/{passkey_id}")
async def rename_form(request: Request, runtime: RuntimeDep, actor: PersonDep, passkey_id: str) -> Response:
    """Give a passkey another name."""
    fields = await read_form(request)
    try:
        name = passkey_name(fields.get("name", ""))
        async with runtime.transaction() as tx:
            await rename_passkey(tx, person_of(actor), known_passkey(passkey_id), name)
    except InvalidInputError as error:
        form = refused_form(fields, ["name"], error)
        return await _show(request, runtime, actor, passkey_id, form=form, status=error.status)
    return toast(request, go(HOME), "The passkey has another name.")


async def _show(
    request: Request,
    runtime: Runtime,
    actor: Actor,
    passkey_id: str,
    *,
    form: FormState | None = None,
    status: int = 200,
) -> Response:
    async with runtime.transaction() as tx:
        passkey = await passkey_of(tx, actor, passkey_id)
        viewer = await load_viewer(tx, actor)
    return page(
        request,
        "portal/passkey.html",
        status=status,
        viewer=viewer,
        banners=[],
        passkey=passkey,
        form=form or empty_form(name=passkey.name),
        longest=MAX_PASSKEY_NAME,
    )


async def passkey_of(tx: Tx, actor: Actor, passkey_id: str) -> Passkey:
    """Return one of the person's passkeys.

    Raises:
        PasskeyNotFoundError: they have none such.
    """
    wanted = known_passkey(passkey_id)
    for each in (await factors_of(tx, person_of(actor))).passkeys:
        if each.id == wanted:
            return each
    raise PasskeyNotFoundError


def passkey_name(typed: str) -> str:
    """Return the name that was typed, cleaned.

    Raises:
        InvalidInputError: there is none, or it is too long.
    """
    name = clean_name(typed)
    if not name:
        raise InvalidInputError([FieldProblem("name", "Give it a name, for example that of the device")])
    if len(name) > MAX_PASSKEY_NAME:
        raise InvalidInputError([FieldProblem("name", f"must have at most {MAX_PASSKEY_NAME} characters")])
    return name


def known_passkey(text: str) -> UUID:
    """Return the id an address names.

    Raises:
        PasskeyNotFoundError: it is none.
    """
    return id_or(text, PasskeyNotFoundError)
