"""The page of one API key: its name and where it may be used from, another secret, and its end."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.identity import (
    ApiKey,
    change_key,
    check_networks,
    get_key,
    revoke_key,
    rotate_key,
)
from tollkeeper.infra import Runtime, RuntimeDep
from tollkeeper.kit import Actor, FieldProblem, InvalidInputError, Permission, TollkeeperError
from tollkeeper.orgs import known_key, must_hold
from tollkeeper.web.ui import FormState, empty_form, go, page, read_form, refused_form, toast

from .key_forms import FIELDS, key_name, lines_of
from .person import PersonDep, load_viewer, may
from .views import Choice, key_rows

router = APIRouter()

HOUR, DAY = 3600, 24 * 3600
GRACES = [
    Choice("0", "At once"),
    Choice(str(HOUR), "In an hour"),
    Choice(str(DAY), "In a day"),
    Choice(str(7 * DAY), "In a week"),
]


@router.get("/keys/{key_id}")
async def key_page(request: Request, runtime: RuntimeDep, actor: PersonDep, key_id: str) -> Response:
    """Show one key."""
    actor.must(Permission.KEYS_READ)
    return await _show(request, runtime, actor, key_id)


@router.post("/keys/{key_id}")
async def change_key_form(request: Request, runtime: RuntimeDep, actor: PersonDep, key_id: str) -> Response:
    """Change a key's name, and where it may be used from."""
    actor.must(Permission.KEYS_MANAGE)
    fields = await read_form(request)
    try:
        name, networks = key_name(fields), check_networks(lines_of(fields.get("networks", "")))
        async with runtime.transaction() as tx:
            key = await change_key(tx, actor.own_organization(), known_key(key_id), name=name, networks=networks)
            must_hold(actor, key.permissions)  # where a key works is a guard of those who may do what it may
    except TollkeeperError as error:
        form = refused_form(fields, FIELDS, error)
        return await _show(request, runtime, actor, key_id, form=form, status=error.status)
    return toast(request, go("/keys"), "The key is changed.")


@router.post("/keys/{key_id}/rotate")
async def rotate_key_form(request: Request, runtime: RuntimeDep, actor: PersonDep, key_id: str) -> Response:
    """Give a key a new secret and show it, the only time."""
    actor.must(Permission.KEYS_MANAGE)
    fields = await read_form(request)
    try:
        grace = _grace(fields.get("grace", ""))
        async with runtime.transaction() as tx:
            key, secret = await rotate_key(tx, actor.own_organization(), known_key(key_id), grace_seconds=grace)
            must_hold(actor, key.permissions)  # the new secret would lend its reader more than they have
    except InvalidInputError as error:
        problem = refused_form({}, ["grace"], error).errors["grace"]
        return await _show(request, runtime, actor, key_id, grace_error=problem, status=422)
    return await _show(request, runtime, actor, key_id, secret=secret)


@router.get("/keys/{key_id}/revoke")
async def revoke_page(request: Request, runtime: RuntimeDep, actor: PersonDep, key_id: str) -> Response:
    """Ask before a key is revoked; with JavaScript a dialog on the list asks instead."""
    actor.must(Permission.KEYS_MANAGE)
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        key = await get_key(tx, actor.own_organization(), known_key(key_id))
        rows = key_rows([key], tx.now)
    return page(request, "portal/revoke.html", viewer=viewer, banners=[], key=rows[0])


@router.post("/keys/{key_id}/revoke")
async def revoke_form(request: Request, runtime: RuntimeDep, actor: PersonDep, key_id: str) -> Response:
    """Revoke a key at once."""
    actor.must(Permission.KEYS_MANAGE)
    await read_form(request)
    async with runtime.transaction() as tx:
        await revoke_key(tx, actor.own_organization(), known_key(key_id))
    return toast(request, go("/keys"), "The key is revoked: calls with it are refused.")


async def _show(
    request: Request,
    runtime: Runtime,
    actor: Actor,
    key_id: str,
    *,
    form: FormState | None = None,
    grace_error: str = "",
    secret: str = "",
    status: int = 200,
) -> Response:
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        key = await get_key(tx, actor.own_organization(), known_key(key_id))
        row = key_rows([key], tx.now)[0]
    return page(
        request,
        "portal/key.html",
        status=status,
        viewer=viewer,
        banners=[],
        key=row,
        form=form or _form_of(key),
        may_do=sorted(key.permissions),
        may_manage=may(actor, Permission.KEYS_MANAGE) and row.active,
        graces=GRACES,
        grace_error=grace_error,
        secret=secret,
    )


def _form_of(key: ApiKey) -> FormState:
    return empty_form(name=key.name, networks="\n".join(str(each) for each in key.networks))


def _grace(choice: str) -> int:
    if choice not in {each.key for each in GRACES}:
        raise InvalidInputError([FieldProblem("grace", "choose one of the list")])
    return int(choice)
