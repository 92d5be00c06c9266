"""The API keys page: the list, and making one, whose secret is shown once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from tollkeeper.gate import gate_of
from tollkeeper.identity import KEY_PERMISSIONS, KeyKind, Network, check_networks, create_key, list_keys
from tollkeeper.infra import Runtime, RuntimeDep, once_for_form
from tollkeeper.kit import Actor, FieldProblem, InvalidInputError, Permission, new_id, parse_id
from tollkeeper.orgs import must_hold
from tollkeeper.web.ui import (
    Column,
    Filter,
    FormState,
    Option,
    Table,
    empty_form,
    gathered,
    page,
    read_form,
    refused_form,
)

from .key_forms import FIELDS, key_name, lines_of
from .person import PersonDep, load_viewer, may
from .team_views import ticks
from .views import Choice, key_rows

router = APIRouter()

SHOWN = 50
LISTED = Table(
    path="/keys",
    columns=(
        Column("name", "Name", sorts=True),
        Column("key", "Key"),
        Column("created", "Created", sorts=True),
        Column("used", "Last used"),
        Column("expires", "Expires"),
        Column("actions", "Actions", quiet=True),
    ),
    filters=(Filter("state", "State", (Option("", "Any"), Option("kept", "Not revoked"))),),
    order="-created",
    anchor="list",
)
LIFETIMES = [Choice("", "Never"), Choice("30", "In 30 days"), Choice("90", "In 90 days"), Choice("365", "In a year")]
KINDS = [Choice("live", "In earnest"), Choice("test", "For trying out")]
_EMPTY = empty_form(*FIELDS)


@router.get("/keys")
async def keys_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """List the organization's keys."""
    return await _show(request, runtime, actor, _EMPTY)


@router.post("/keys")
async def create_key_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Create a key and show its secret, the only time."""
    actor.must(Permission.KEYS_MANAGE)
    fields = await read_form(request)
    ticked = {each for each in Permission if f"may.{each}" in fields}
    must_hold(actor, frozenset(ticked) or KEY_PERMISSIONS)
    try:
        wish = _wish(fields, runtime.clock.now())
        created = await _created(runtime, actor, fields, wish, sorted(ticked))
    except InvalidInputError as error:
        return await _show(request, runtime, actor, refused_form(fields, FIELDS, error), on=ticked, status=422)
    return await _show(request, runtime, actor, _EMPTY, created=created)


async def _created(
    runtime: Runtime, actor: Actor, fields: Mapping[str, str], wish: "_Wish", ticked: Sequence[Permission]
) -> "_Created":
    """Make the key; the same form sent again shows the one it has made."""
    async with runtime.transaction() as tx:

        async def work() -> _Created:
            key, secret = await create_key(
                tx,
                organization_id=actor.own_organization(),
                created_by=actor.user_id,
                name=wish.name,
                kind=wish.kind,
                scopes=ticked,
                expires_at=wish.expires_at,
                networks=wish.networks,
            )
            return _Created(name=key.name, secret=secret)

        answer = await once_for_form(runtime, actor, fields).run_in(tx, work, status=201)
    return _Created.model_validate_json(bytes(answer.body))


async def _show(
    request: Request,
    runtime: Runtime,
    actor: Actor,
    form: FormState,
    *,
    on: Collection[Permission] = (),
    status: int = 200,
    created: "_Created | None" = None,
) -> Response:
    actor.must(Permission.KEYS_READ)
    asked = LISTED.read(request.query_params)
    access = await gate_of(request).access(actor.own_organization())
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        found = await list_keys(
            tx,
            actor.own_organization(),
            with_revoked=not asked["state"],
            by_name=asked.order == "name",
            descending=asked.descending,
            cursor=parse_id(asked.cursor),
            limit=SHOWN,
        )
        rows = key_rows(found.data, tx.now)
    return page(
        request,
        "portal/keys.html",
        status=status,
        viewer=viewer,
        banners=[],
        form=form,
        created=created,
        once=new_id().hex,
        table=LISTED.shown(asked, next_cursor=found.next_cursor),
        keys=rows,
        may_manage=may(actor, Permission.KEYS_MANAGE),
        lifetimes=LIFETIMES,
        kinds=KINDS,
        on=bool(on),
        ticks=[each for each in ticks(on, actor.permissions) if each.is_free],
        sample_feature=next(iter(access.allowances), ""),
    )


class _Created(BaseModel):
    """A key just made, and its secret."""

    name: str
    secret: str


@dataclass(frozen=True, slots=True)
class _Wish:
    name: str
    kind: KeyKind
    expires_at: datetime | None
    networks: tuple[Network, ...]


def _wish(fields: Mapping[str, str], now: datetime) -> _Wish:
    """Return what the form says, everything that is wrong in it named at once."""
    problems: list[FieldProblem] = []
    wish = _Wish(
        gathered(problems, lambda: key_name(fields), ""),
        gathered(problems, lambda: _kind(fields.get("kind", "live")), KeyKind.LIVE),
        gathered(problems, lambda: _end(fields.get("expires", ""), now), None),
        gathered(problems, lambda: check_networks(lines_of(fields.get("networks", ""))), ()),
    )
    if problems:
        raise InvalidInputError(problems)
    return wish


def _end(choice: str, now: datetime) -> datetime | None:
    if choice not in {each.key for each in LIFETIMES}:
        raise InvalidInputError([FieldProblem("expires", "choose one of the list")])
    return now + timedelta(days=int(choice)) if choice else None


def _kind(choice: str) -> KeyKind:
    if choice not in {each.key for each in KINDS}:
        raise InvalidInputError([FieldProblem("kind", "choose one of the list")])
    return KeyKind(choice)
