"""Addresses about the members of an organization."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from tollkeeper.infra import ActorDep, Tx, TxDep
from tollkeeper.kit import Actor, Permission, id_or
from tollkeeper.orgs.service import organization_for
from tollkeeper.orgs.teams import (
    Authority,
    MemberNotFoundError,
    authority_of,
    change_member,
    find_member,
    list_members,
    reactivate,
    remove,
    suspend,
)

from .schemas import Cursor, Customer, Limit, read_cursor
from .team_schemas import MemberChangeBody, TeamMemberList, TeamMemberOut

router = APIRouter(prefix="/members", tags=["Teams"])

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    403: {"description": "`role_beyond_yours`; `owner_needed`; `step_up_required`: owners are concerned"},
    404: {"description": "`member_not_found`"},
    409: {"description": "`last_owner`"},
}
_NONE: dict[int | str, dict[str, Any]] = {404: {"description": "`member_not_found`"}}


@router.get("", summary="List members")
async def list_team_members(
    tx: TxDep, actor: ActorDep, limit: Limit = 50, cursor: Cursor = None, customer: Customer = None
) -> TeamMemberList:
    """List who belongs to the organization, suspended members too."""
    actor.must(Permission.MEMBERS_READ)
    organization = await organization_for(tx, actor, customer)
    return TeamMemberList.of(await list_members(tx, organization.id, cursor=read_cursor(cursor), limit=limit))


@router.get("/{user_id}", responses=_NONE, summary="Read a member")
async def read_team_member(user_id: str, tx: TxDep, actor: ActorDep, customer: Customer = None) -> TeamMemberOut:
    """Return one member."""
    actor.must(Permission.MEMBERS_READ)
    organization = await organization_for(tx, actor, customer)
    return TeamMemberOut.of(await find_member(tx, organization.id, id_or(user_id, MemberNotFoundError)))


@router.patch("/{user_id}", responses=_PROBLEMS, summary="Give a member another role")
async def change_team_member(
    user_id: str, body: MemberChangeBody, tx: TxDep, actor: ActorDep, customer: Customer = None
) -> TeamMemberOut:
    """Give a member another role. Every process obeys within a second, whatever they are logged in with."""
    by, organization_id = await _manager(tx, actor, customer)
    member = id_or(user_id, MemberNotFoundError)
    return TeamMemberOut.of(await change_member(tx, by, organization_id, member, body.role))


@router.post("/{user_id}/suspend", responses=_PROBLEMS, summary="Suspend a member")
async def suspend_team_member(user_id: str, tx: TxDep, actor: ActorDep, customer: Customer = None) -> TeamMemberOut:
    """Let a membership rest: the member is logged out of the organization and takes no seat. Their keys stay good."""
    by, organization_id = await _manager(tx, actor, customer)
    return TeamMemberOut.of(await suspend(tx, by, organization_id, id_or(user_id, MemberNotFoundError)))


@router.post(
    "/{user_id}/reactivate",
    responses={402: {"description": "`quota_exceeded`: the plan has no seat left"}, **_PROBLEMS},
    summary="Let a suspended member in again",
)
async def reactivate_team_member(user_id: str, tx: TxDep, actor: ActorDep, customer: Customer = None) -> TeamMemberOut:
    """Let a suspended member in again, with the role they had."""
    by, organization_id = await _manager(tx, actor, customer)
    return TeamMemberOut.of(await reactivate(tx, by, organization_id, id_or(user_id, MemberNotFoundError)))


@router.delete("/{user_id}", status_code=204, responses=_PROBLEMS, summary="Remove a member")
async def remove_team_member(
    *,
    user_id: str,
    tx: TxDep,
    actor: ActorDep,
    customer: Customer = None,
    keep_keys: Annotated[bool, Query(description="Whether the API keys they made stay good.")] = False,
) -> None:
    """End a membership: the person's logins in the organization end, and API keys they made, unless they are kept."""
    by, organization_id = await _manager(tx, actor, customer)
    await remove(tx, by, organization_id, id_or(user_id, MemberNotFoundError), keep_keys=keep_keys)


async def _manager(tx: Tx, actor: Actor, customer: str | None) -> tuple[Authority, UUID]:
    actor.must(Permission.MEMBERS_MANAGE)
    organization = await organization_for(tx, actor, customer)
    return await authority_of(tx, actor, organization.id), organization.id
