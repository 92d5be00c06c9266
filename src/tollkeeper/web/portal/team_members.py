"""One member's page: another role, a rest, the end; and handing the organization over."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.identity import list_keys, must_be_fresh
from tollkeeper.infra import Runtime, RuntimeDep
from tollkeeper.kit import Actor, Permission, TollkeeperError, id_or
from tollkeeper.orgs import (
    AlreadyOwnerError,
    MemberNotFoundError,
    OwnerNeededError,
    TeamMember,
    authority_of,
    change_member,
    find_member,
    list_members,
    may_give,
    reactivate,
    remove,
    suspend,
    transfer,
)
from tollkeeper.web.ui import go, page, read_form, toast

from .person import PersonDep, load_viewer
from .team import HOME, SHOWN, show_team
from .team_views import role_choices

router = APIRouter()

MEMBER = HOME + "/members/{user_id}"


@router.get(MEMBER)
async def member_page(request: Request, runtime: RuntimeDep, actor: PersonDep, user_id: str) -> Response:
    """Show what can be done about a member."""
    return await _show(request, runtime, actor, user_id)


@router.post(MEMBER + "/role")
async def role_form(request: Request, runtime: RuntimeDep, actor: PersonDep, user_id: str) -> Response:
    """Give a member another role."""
    fields = await read_form(request)
    return await _change(request, runtime, actor, user_id, change_member, fields.get("role", ""))


@router.post(MEMBER + "/suspend")
async def suspend_form(request: Request, runtime: RuntimeDep, actor: PersonDep, user_id: str) -> Response:
    """Let a membership rest."""
    await read_form(request)
    return await _change(request, runtime, actor, user_id, suspend)


@router.post(MEMBER + "/reactivate")
async def reactivate_form(request: Request, runtime: RuntimeDep, actor: PersonDep, user_id: str) -> Response:
    """Let a suspended member in again."""
    await read_form(request)
    return await _change(request, runtime, actor, user_id, reactivate)


@router.post(MEMBER + "/remove")
async def remove_form(request: Request, runtime: RuntimeDep, actor: PersonDep, user_id: str) -> Response:
    """End a membership, and with it the keys they made unless the box says otherwise."""
    fields = await read_form(request)
    return await _change(request, runtime, actor, user_id, remove, keep_keys="end_keys" not in fields)


@router.get(HOME + "/transfer")
async def transfer_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Ask to whom the organization is to be handed over."""
    actor.must(Permission.ORGANIZATION_MANAGE)
    async with runtime.transaction() as tx:
        await must_be_fresh(tx, actor)
        viewer = await load_viewer(tx, actor)
        by = await authority_of(tx, actor, actor.own_organization())
        members = (await list_members(tx, actor.own_organization(), limit=SHOWN)).data
    if not by.is_owner:
        raise OwnerNeededError
    heirs = [each for each in members if each.suspended_at is None and each.user.id != actor.user_id]
    return page(request, "portal/team_transfer.html", viewer=viewer, banners=[], heirs=heirs)


@router.post(HOME + "/transfer")
async def transfer_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Hand the organization over."""
    actor.must(Permission.ORGANIZATION_MANAGE)
    fields = await read_form(request)
    try:
        async with runtime.transaction() as tx:
            by = await authority_of(tx, actor, actor.own_organization())
            heir = id_or(fields.get("user_id", ""), MemberNotFoundError)
            await transfer(tx, by, actor.own_organization(), heir)
    except (MemberNotFoundError, AlreadyOwnerError) as error:  # what was chosen is wrong
        return await show_team(request, runtime, actor, failure=error, status=422)
    return toast(request, go(HOME), "The organization is handed over.")


_DONE = {
    change_member: "The member has another role.",
    suspend: "The member is suspended and let in no more.",
    reactivate: "The member is let in again.",
    remove: "The member is gone from the team.",
}


async def _change(
    request: Request, runtime: Runtime, actor: Actor, user_id: str, act: Any, *args: str, **more: bool
) -> Response:
    """Do one thing to a member and go back to the team; what does not work is said on the member's page."""
    actor.must(Permission.MEMBERS_MANAGE)
    try:
        async with runtime.transaction() as tx:
            by = await authority_of(tx, actor, actor.own_organization())
            await act(tx, by, actor.own_organization(), id_or(user_id, MemberNotFoundError), *args, **more)
    except MemberNotFoundError:
        raise
    except TollkeeperError as error:
        if error.status in {401, 403}:
            raise
        return await _show(request, runtime, actor, user_id, failure=error)
    return toast(request, go(HOME), _DONE[act])


async def _show(
    request: Request, runtime: Runtime, actor: Actor, user_id: str, *, failure: TollkeeperError | None = None
) -> Response:
    actor.must(Permission.MEMBERS_MANAGE)
    organization_id = actor.own_organization()
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        member = await find_member(tx, organization_id, id_or(user_id, MemberNotFoundError))
        within = await may_give(tx, await authority_of(tx, actor, organization_id), organization_id)
        keys = [each for each in (await list_keys(tx, organization_id, limit=SHOWN)).data if _made_by(member, each)]
    return page(
        request,
        "portal/team_member.html",
        status=failure.status if failure else 200,
        viewer=viewer,
        banners=[],
        member=member,
        keys=[each.name for each in keys],
        is_you=member.user.id == actor.user_id,
        is_within_reach=member.role in within,
        choices=role_choices(within),
        failure=failure,
    )


def _made_by(member: TeamMember, key: Any) -> bool:
    return bool(key.created_by == member.user.id)
