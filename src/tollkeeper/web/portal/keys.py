"""The API keys page: list, create (the secret is shown once), revoke."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.gate import gate_of
from tollkeeper.identity import ApiKey, KeyKind, KeyNotFoundError, clean_name, create_key, list_keys, revoke_key
from tollkeeper.infra import Runtime, RuntimeDep
from tollkeeper.kit import Actor, FieldProblem, InvalidInputError, Permission, parse_id
from tollkeeper.web.ui import FormState, empty_form, go, page, read_form, refused_form

from .person import PersonDep, load_viewer, may
from .views import Choice, key_rows

router = APIRouter()

MAX_KEY_NAME = 100
SHOWN_KEYS = 200
LIFETIMES = [Choice("", "Never"), Choice("30", "In 30 days"), Choice("90", "In 90 days"), Choice("365", "In a year")]


@router.get("/keys")
async def keys_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """List the organization's keys."""
    return await _show(request, runtime, actor, empty_form("name", "expires"))


@router.post("/keys")
async def create_key_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Create a key and show its secret, the only time."""
    actor.must(Permission.KEYS_MANAGE)
    fields = await read_form(request)
    try:
        async with runtime.transaction() as tx:
            key, secret = await create_key(
                tx,
                organization_id=actor.own_organization(),
                created_by=actor.user_id,
                name=_name(fields.get("name", "")),
                kind=KeyKind.LIVE,
                expires_at=_end(fields.get("expires", ""), tx.now),
            )
    except InvalidInputError as error:
        return await _show(request, runtime, actor, refused_form(fields, ["name", "expires"], error), status=422)
    created = {"name": key.name, "secret": secret}
    return await _show(request, runtime, actor, empty_form("name", "expires"), created=created)


@router.get("/keys/{key_id}/revoke")
async def revoke_page(request: Request, runtime: RuntimeDep, actor: PersonDep, key_id: str) -> Response:
    """Ask before a key is revoked; with JavaScript a dialog on the list asks instead."""
    actor.must(Permission.KEYS_MANAGE)
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        keys = (await list_keys(tx, actor.own_organization(), limit=SHOWN_KEYS)).data
        rows = key_rows([_find(keys, key_id)], tx.now)
    return page(request, "portal/revoke.html", viewer=viewer, banners=[], key=rows[0])


@router.post("/keys/{key_id}/revoke")
async def revoke_form(request: Request, runtime: RuntimeDep, actor: PersonDep, key_id: str) -> Response:
    """Revoke a key at once."""
    actor.must(Permission.KEYS_MANAGE)
    await read_form(request)
    async with runtime.transaction() as tx:
        await revoke_key(tx, actor.own_organization(), _known_id(key_id))
    return go("/keys")


async def _show(
    request: Request, runtime: Runtime, actor: Actor, form: FormState, *, status: int = 200, created: Any = None
) -> Response:
    actor.must(Permission.KEYS_READ)
    access = await gate_of(request).access(actor.own_organization())
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        keys = (await list_keys(tx, actor.own_organization(), with_revoked=True, limit=SHOWN_KEYS)).data
        rows = key_rows(keys, tx.now)
    return page(
        request,
        "portal/keys.html",
        status=status,
        viewer=viewer,
        banners=[],
        form=form,
        created=created,
        keys=sorted(rows, key=lambda row: not row.active),
        may_manage=may(actor, Permission.KEYS_MANAGE),
        lifetimes=LIFETIMES,
        sample_feature=next(iter(access.allowances), ""),
    )


def _name(typed: str) -> str:
    name = clean_name(typed)
    if not name:
        raise InvalidInputError([FieldProblem("name", "Give the key a name, for example where it is used")])
    if len(name) > MAX_KEY_NAME:
        raise InvalidInputError([FieldProblem("name", f"must have at most {MAX_KEY_NAME} characters")])
    return name


def _end(choice: str, now: datetime) -> datetime | None:
    if choice not in {each.key for each in LIFETIMES}:
        raise InvalidInputError([FieldProblem("expires", "choose one of the list")])
    return now + timedelta(days=int(choice)) if choice else None


def _known_id(text: str) -> UUID:
    found = parse_id(text)
    if found is None:
        raise KeyNotFoundError
    return found


def _find(keys: Any, key_id: str) -> ApiKey:
    wanted = _known_id(key_id)
    for key in keys:
        if key.id == wanted:
            found: ApiKey = key
            return found
    raise KeyNotFoundError
