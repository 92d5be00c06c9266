"""Addresses about roles."""

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from tollkeeper.infra import ActorDep, IdempotencyDep, Tx, TxDep
from tollkeeper.kit import Actor, FieldProblem, InvalidInputError, Permission
from tollkeeper.orgs.roles import change_role, create_role, delete_role, list_roles
from tollkeeper.orgs.service import organization_for
from tollkeeper.orgs.teams import authority_of

from .schemas import Customer
from .team_schemas import RoleBody, RoleChangeBody, RoleList, RoleOut

router = APIRouter(prefix="/roles", tags=["Teams"])

_BEYOND = {"description": "`role_beyond_yours`"}
_NONE = {"description": "`role_not_found`"}


@router.get("", summary="List roles")
async def list_team_roles(tx: TxDep, actor: ActorDep, customer: Customer = None) -> RoleList:
    """List the built-in roles and the organization's own, with what each may do."""
    actor.must(Permission.MEMBERS_READ)
    organization = await organization_for(tx, actor, customer)
    return RoleList(data=[RoleOut.of(each) for each in await list_roles(tx, organization.id)])


@router.post(
    "",
    status_code=201,
    response_model=RoleOut,
    responses={403: _BEYOND, 409: {"description": "`role_key_taken`"}},
    summary="Make a role",
)
async def create_team_role(body: RoleBody, tx: TxDep, actor: ActorDep, once: IdempotencyDep) -> Response:
    """Make a role of the organization's own, which may do no more than the caller."""
    organization_id, held = await _manager(tx, actor, body.customer)

    async def work() -> RoleOut:
        role = await create_role(
            tx,
            organization_id,
            held,
            key=body.key,
            name=body.name,
            description=body.description,
            permissions=body.permissions,
        )
        return RoleOut.of(role)

    return await once.run_in(tx, work, status=201)


@router.patch(
    "/{key}", responses={403: _BEYOND, 404: _NONE, 409: {"description": "`role_built_in`"}}, summary="Change a role"
)
async def change_team_role(
    key: str, body: RoleChangeBody, tx: TxDep, actor: ActorDep, customer: Customer = None
) -> RoleOut:
    """Change what is sent of a role. Its members may do so within a second."""
    organization_id, held = await _manager(tx, actor, customer)
    nulls = [name for name in sorted(body.model_fields_set) if getattr(body, name) is None]
    if nulls:
        raise InvalidInputError([FieldProblem(name, "must not be null; leave it out to keep it") for name in nulls])
    role = await change_role(
        tx,
        organization_id,
        held,
        key,
        name=body.name,
        description=body.description,
        permissions=body.permissions,
    )
    return RoleOut.of(role)


@router.delete(
    "/{key}",
    status_code=204,
    responses={403: _BEYOND, 404: _NONE, 409: {"description": "`role_built_in`; `role_in_use`: members have it"}},
    summary="Delete a role",
)
async def delete_team_role(key: str, tx: TxDep, actor: ActorDep, customer: Customer = None) -> None:
    """Delete a role nobody has; invitations to it end with it."""
    organization_id, held = await _manager(tx, actor, customer)
    await delete_role(tx, organization_id, held, key)


async def _manager(tx: Tx, actor: Actor, customer: str | None) -> tuple[UUID, frozenset[Permission]]:
    actor.must(Permission.MEMBERS_MANAGE)
    organization = await organization_for(tx, actor, customer)
    return organization.id, (await authority_of(tx, actor, organization.id)).permissions
