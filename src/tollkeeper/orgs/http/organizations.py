"""Addresses about the organizations a person belongs to: founding, switching, naming, leaving, handing over."""

from typing import Annotated

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from tollkeeper.infra import ActorDep, IdempotencyDep, TxDep
from tollkeeper.kit import Permission, id_or
from tollkeeper.orgs.model import OrganizationNotFoundError
from tollkeeper.orgs.service import organization_for
from tollkeeper.orgs.teams import (
    MemberNotFoundError,
    authority_of,
    found_organization,
    leave,
    move_login,
    organizations_of,
    rename_organization,
    transfer,
)

from .browsers import set_session_cookie
from .person import person_of
from .schemas import OrganizationOut
from .team_schemas import (
    LeaveBody,
    MovedOut,
    OrganizationBody,
    PlaceList,
    PlaceOut,
    TeamMemberOut,
    TransferBody,
)

router = APIRouter(prefix="/organizations", tags=["Teams"])

_NOT_YOURS = {"description": "`customer_not_found`: there is none, or you do not belong to it"}


@router.get("", summary="List your organizations")
async def list_own_organizations(tx: TxDep, actor: ActorDep) -> PlaceList:
    """List the organizations the caller belongs to, by when they joined; those that suspended them are left out."""
    places = await organizations_of(tx, person_of(actor))
    return PlaceList(data=[PlaceOut.of(each, actor.organization_id) for each in places])


@router.post("", status_code=201, response_model=PlaceOut, summary="Found an organization")
async def create_own_organization(body: OrganizationBody, tx: TxDep, actor: ActorDep, once: IdempotencyDep) -> Response:
    """Make an organization that the caller owns. The login goes on for the present one until it is switched."""
    user_id = person_of(actor)

    async def work() -> PlaceOut:
        return PlaceOut.of(await found_organization(tx, user_id, body.name), actor.organization_id)

    return await once.run_in(tx, work, status=201)


@router.patch("/{organization_id}", responses={404: _NOT_YOURS}, summary="Rename an organization")
async def rename_own_organization(
    organization_id: str, body: OrganizationBody, tx: TxDep, actor: ActorDep
) -> OrganizationOut:
    """Give the organization the caller acts for another name."""
    actor.must(Permission.ORGANIZATION_MANAGE)
    organization = await organization_for(tx, actor, organization_id)
    return OrganizationOut.of(await rename_organization(tx, organization.id, body.name))


@router.post("/{organization_id}/switch", responses={404: _NOT_YOURS}, summary="Switch to an organization")
async def switch_organization(
    organization_id: str, request: Request, response: Response, tx: TxDep, actor: ActorDep
) -> MovedOut:
    """Have this login act for another organization of the caller's. What it proved, and when it ends, stay.

    A browser gets a new cookie, a program new tokens; the old refresh token is spent.
    """
    person_of(actor)
    moved = await move_login(tx, actor, id_or(organization_id, OrganizationNotFoundError))
    if moved.session is not None:
        set_session_cookie(request, response, moved.session)
    return MovedOut.of(moved)


@router.post(
    "/{organization_id}/leave",
    status_code=204,
    responses={404: _NOT_YOURS, 409: {"description": "`last_owner`"}},
    summary="Leave an organization",
)
async def leave_organization(
    organization_id: str, tx: TxDep, actor: ActorDep, body: Annotated[LeaveBody | None, Body()] = None
) -> None:
    """End the own membership: logins in the organization end, and API keys the caller made, unless they are kept."""
    user_id = person_of(actor)
    left = id_or(organization_id, OrganizationNotFoundError)
    try:
        await leave(tx, left, user_id, keep_keys=body.keep_keys if body else False)
    except MemberNotFoundError:
        raise OrganizationNotFoundError from None


@router.post(
    "/{organization_id}/transfer",
    responses={
        403: {"description": "`owner_needed`; `step_up_required`: prove yourself anew first"},
        404: {"description": "`customer_not_found`, or `member_not_found`"},
        409: {"description": "`already_owner`"},
    },
    summary="Hand an organization over",
)
async def transfer_organization(organization_id: str, body: TransferBody, tx: TxDep, actor: ActorDep) -> TeamMemberOut:
    """Make another member the owner of the organization the caller acts for and owns; the caller becomes an admin."""
    actor.must(Permission.ORGANIZATION_MANAGE)
    organization = await organization_for(tx, actor, organization_id)
    by = await authority_of(tx, actor, organization.id)
    return TeamMemberOut.of(await transfer(tx, by, organization.id, body.user_id))
