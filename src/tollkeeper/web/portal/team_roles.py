"""Roles of the organization's own: made, changed and deleted on a page each."""

import re

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.infra import Runtime, RuntimeDep
from tollkeeper.kit import Actor, Permission, TollkeeperError
from tollkeeper.orgs import (
    RoleBuiltInError,
    TeamRole,
    authority_of,
    change_role,
    create_role,
    delete_role,
    role_named,
)
from tollkeeper.web.ui import FormState, empty_form, go, page, read_form, refused_form, toast

from .person import PersonDep, load_viewer
from .team import HOME, organization_name
from .team_views import ticks

router = APIRouter()

ROLES = HOME + "/roles"
_FIELDS = ["key", "name", "description", "permissions"]
_MAX_KEY = 40


@router.get(ROLES + "/new")
async def new_role_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Ask what the role is to be."""
    return await _show(request, runtime, actor, None, empty_form(*_FIELDS), on={Permission.MEMBERS_READ})


@router.post(ROLES)
async def create_role_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Make a role; its key follows from its name."""
    actor.must(Permission.MEMBERS_MANAGE)
    fields = await read_form(request)
    ticked = _ticked(fields)
    try:
        name = organization_name(fields)
        async with runtime.transaction() as tx:
            await create_role(
                tx,
                actor.own_organization(),
                actor.permissions,
                key=key_of(name),
                name=name,
                description=fields.get("description", "").strip(),
                permissions=ticked,
            )
    except TollkeeperError as error:
        form = refused_form(fields, _FIELDS, error)
        return await _show(request, runtime, actor, None, form, on=ticked, status=error.status)
    return toast(request, go(HOME), "The role is made.")


@router.get(ROLES + "/{key}")
async def role_page(request: Request, runtime: RuntimeDep, actor: PersonDep, key: str) -> Response:
    """Show a role to be changed."""
    actor.must(Permission.MEMBERS_MANAGE)
    role = await _own(runtime, actor, key)
    form = empty_form("key", "permissions", name=role.name, description=role.description)
    return await _show(request, runtime, actor, role, form, on=set(role.permissions))


@router.post(ROLES + "/{key}")
async def change_role_form(request: Request, runtime: RuntimeDep, actor: PersonDep, key: str) -> Response:
    """Change a role; its members may do so from then on."""
    actor.must(Permission.MEMBERS_MANAGE)
    fields = await read_form(request)
    role, ticked = await _own(runtime, actor, key), _ticked(fields)
    try:
        name = organization_name(fields)
        async with runtime.transaction() as tx:
            await change_role(
                tx,
                actor.own_organization(),
                actor.permissions,
                key,
                name=name,
                description=fields.get("description", "").strip(),
                permissions=ticked,
            )
    except TollkeeperError as error:
        form = refused_form(fields, _FIELDS, error)
        return await _show(request, runtime, actor, role, form, on=ticked, status=error.status)
    return toast(request, go(HOME), "The role is changed.")


@router.post(ROLES + "/{key}/delete")
async def delete_role_form(request: Request, runtime: RuntimeDep, actor: PersonDep, key: str) -> Response:
    """Delete a role nobody has."""
    actor.must(Permission.MEMBERS_MANAGE)
    await read_form(request)
    role = await _own(runtime, actor, key)
    try:
        async with runtime.transaction() as tx:
            await delete_role(tx, actor.own_organization(), actor.permissions, key)
    except TollkeeperError as error:
        form = refused_form({"name": role.name, "description": role.description}, _FIELDS, error)
        return await _show(request, runtime, actor, role, form, on=set(role.permissions), status=error.status)
    return toast(request, go(HOME), "The role is gone.")


def key_of(name: str) -> str:
    """Return the key of a role of this name: its letters and digits, in lower case."""
    found = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789")[:_MAX_KEY].strip("-")
    return found or "role"


def _ticked(fields: dict[str, str]) -> set[Permission]:
    return {each for each in Permission if f"may.{each}" in fields}


async def _own(runtime: Runtime, actor: Actor, key: str) -> TeamRole:
    async with runtime.transaction() as tx:
        role = await role_named(tx, actor.own_organization(), key)
    if role.built_in is not None:
        raise RoleBuiltInError
    return role


async def _show(
    request: Request,
    runtime: Runtime,
    actor: Actor,
    role: TeamRole | None,
    form: FormState,
    *,
    on: set[Permission],
    status: int = 200,
) -> Response:
    actor.must(Permission.MEMBERS_MANAGE)
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        by = await authority_of(tx, actor, actor.own_organization())
    return page(
        request,
        "portal/team_role.html",
        status=status,
        viewer=viewer,
        banners=[],
        role=role,
        form=form,
        ticks=ticks(on, by.permissions),
    )
