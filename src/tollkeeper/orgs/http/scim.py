"""Addresses of SCIM 2.0, by which a directory outside says who belongs to an organization, and with which role.

Failures are problem documents like everywhere, which carry SCIM's own members beside: `schemas`, `detail`, `scimType`.
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

from tollkeeper.identity import normalise_email
from tollkeeper.infra import ActorDep, Tx, TxDep, base_url_of
from tollkeeper.kit import Actor, Permission, parse_id
from tollkeeper.orgs import scim
from tollkeeper.orgs.service import organization_for
from tollkeeper.orgs.teams import TeamMember

from .schemas import Customer, Text

MEDIA_TYPE = "application/scim+json"


class ScimResponse(JSONResponse):
    """JSON as SCIM calls it."""

    media_type = MEDIA_TYPE


router = APIRouter(prefix="/scim/v2", tags=["SCIM"], default_response_class=ScimResponse)
Filter = Annotated[Text | None, Query(max_length=1000, description='`userName eq "ada@example.com"`, joined by `and`.')]
_LEAST = -1_000_000  # of a negative number SCIM makes the least there is (RFC 7644, 3.4.2.4)
Start = Annotated[int, Query(alias="startIndex", ge=_LEAST, le=1_000_000, description="The first of the page, from 1.")]
Count = Annotated[int, Query(ge=_LEAST, le=100_000, description=f"Resources a page, at most {scim.MAX_PAGE}.")]
_TAKEN: dict[int | str, dict[str, Any]] = {
    403: {"description": "`scim_foreign_domain`, `owner_needed`"},
    409: {"description": "`scim_taken`, `scim_account_unproven`: nobody has verified the account's address"},
}
_CHANGES: dict[int | str, dict[str, Any]] = {
    400: {"description": "`scim_invalid`"},
    403: {
        "description": "`owner_needed`: owners are out of a directory's reach; `role_beyond_yours`: a person reaches "
        "no further than their own role"
    },
    404: {"description": "`scim_not_found`"},
    409: {"description": "`scim_taken`: the directory calls another so"},
    412: {"description": "`scim_changed`: it is not any more what `If-Match` names"},
}
_NONE: dict[int | str, dict[str, Any]] = {404: {"description": "`scim_not_found`"}}
_READ: dict[int | str, dict[str, Any]] = {
    304: {"description": "It is still what `If-None-Match` names."},
    404: {"description": "`scim_not_found`"},
}


class ScimBody(BaseModel):
    """What directories send; fields nobody here reads are allowed, as SCIM demands, and left alone."""

    model_config = ConfigDict(extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _in_our_spelling(cls, sent: Any) -> Any:
        """SCIM's names have no fixed case (RFC 7643, 2.1); an `Active` passed over would let somebody in again."""
        if not isinstance(sent, dict):
            return sent
        ours = {name.lower(): name for each, field in cls.model_fields.items() if (name := field.alias or each)}
        return {ours.get(str(name).lower(), name): value for name, value in sent.items()}


class UserName(ScimBody):
    """A name in its parts."""

    formatted: Text | None = None
    given: Text | None = Field(None, alias="givenName")
    family: Text | None = Field(None, alias="familyName")


class NamedBody(ScimBody):
    """What a directory has a name of its own for."""

    external_id: Text | None = Field(
        None,
        alias="externalId",
        description=f"What the directory calls it; at most {scim.MAX_EXTERNAL_ID} characters, once an organization.",
    )


class UserBody(NamedBody):
    """A user as a directory has them."""

    user_name: Text = Field(alias="userName", description="Their e-mail address, of a domain the organization holds.")
    display_name: Text | None = Field(None, alias="displayName")
    name: UserName | None = None
    active: bool | str = True

    @property
    def shown(self) -> str:
        """The best name there is; empty for none."""
        parts = self.name or UserName()
        return self.display_name or parts.formatted or " ".join(filter(None, [parts.given, parts.family]))


class GroupBody(NamedBody):
    """Who is in a group: has the role. Without anybody named, nobody is to be; so that has to be said."""

    members: list[dict[str, Any]] = Field(max_length=10_000)


class PatchBody(ScimBody):
    """Changes, in their order."""

    operations: list[dict[str, Any]] = Field(alias="Operations", min_length=1, max_length=scim.MAX_CHANGES)


def _answer(request: Request, resource: scim.Json, status: int = 200) -> Response:
    meta = resource.get("meta", {})
    version = meta.get("version", "")
    if status == 200 and version and request.headers.get("if-none-match") == version:  # noqa: PLR2004 - read as it is
        return Response(status_code=304, headers={"ETag": version})
    headers = {"ETag": version, "Location": meta["location"]} if version else {}
    return ScimResponse(resource, status, headers)


def _base(request: Request) -> str:
    return f"{base_url_of(request)}/api/scim/v2"


async def _organization(tx: Tx, actor: Actor, customer: str | None) -> UUID:
    actor.must(Permission.MEMBERS_PROVISION)
    return (await organization_for(tx, actor, customer)).id


def _must_match(request: Request, resource: scim.Json) -> None:
    wanted = request.headers.get("if-match", "*")
    if wanted not in {"*", resource["meta"]["version"]}:
        raise scim.ScimChangedError


@router.get("/ServiceProviderConfig", summary="Read what of SCIM is spoken")
async def service_provider_config(request: Request, actor: ActorDep) -> ScimResponse:
    """Tell a directory what it can rely on."""
    actor.must(Permission.MEMBERS_PROVISION)
    no = {"supported": False}
    shown = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": True},
        "bulk": {**no, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": scim.MAX_PAGE},
        "changePassword": no,
        "sort": no,
        "etag": {"supported": True},
        "authenticationSchemes": [
            {"type": "oauthbearertoken", "name": "API key", "description": "A key with the scope members:provision"}
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{_base(request)}/ServiceProviderConfig"},
    }
    return ScimResponse(shown)


@router.get("/ResourceTypes", summary="Read what there is")
async def resource_types(request: Request, actor: ActorDep) -> ScimResponse:
    """Tell a directory what it can provision: users, who are members, and groups, which are roles."""
    actor.must(Permission.MEMBERS_PROVISION)
    return _all_of(scim.resource_types(_base(request)))


@router.get("/ResourceTypes/{kind}", responses=_NONE, summary="Read of one kind")
async def resource_type(kind: str, request: Request, actor: ActorDep) -> ScimResponse:
    """Tell of users, or of groups."""
    actor.must(Permission.MEMBERS_PROVISION)
    return _one_of(scim.resource_types(_base(request)), kind)


@router.get("/Schemas", summary="Read what is known of users and groups")
async def schemas(request: Request, actor: ActorDep) -> ScimResponse:
    """Tell a directory which attributes there are, and which of them it can change."""
    actor.must(Permission.MEMBERS_PROVISION)
    return _all_of(scim.schemas(_base(request)))


@router.get("/Schemas/{schema}", responses=_NONE, summary="Read one schema")
async def schema_of(schema: str, request: Request, actor: ActorDep) -> ScimResponse:
    """Tell which attributes users have, or groups."""
    actor.must(Permission.MEMBERS_PROVISION)
    return _one_of(scim.schemas(_base(request)), schema)


def _all_of(described: list[scim.Json]) -> ScimResponse:
    return ScimResponse(scim.page_of(described, 1, len(described)))


def _one_of(described: list[scim.Json], wanted: str) -> ScimResponse:
    found = scim.one_of(described, wanted)
    if found is None:
        raise scim.ScimNotFoundError
    return ScimResponse(found)


@router.get("/Users", responses={400: {"description": "`scim_invalid`"}}, summary="List users")
async def list_users(
    *,
    request: Request,
    tx: TxDep,
    actor: ActorDep,
    filter: Filter = None,  # noqa: A002 - SCIM's name
    start: Start = 1,
    count: Count = 100,
    customer: Customer = None,
) -> ScimResponse:
    """List members as users."""
    organization_id = await _organization(tx, actor, customer)
    asked, names = scim.read_filter(filter), await scim.names_of_users(tx, organization_id)
    members = await scim.everybody(tx, organization_id)
    shown = [scim.user_resource(each, _base(request), names.get(each.user.id)) for each in members]
    page = scim.page_of([each for each in shown if scim.fits(each, asked)], start, count)
    return ScimResponse(page)


@router.post("/Users", status_code=201, responses=_TAKEN, summary="Provision a user")
async def create_user(
    body: UserBody, request: Request, tx: TxDep, actor: ActorDep, customer: Customer = None
) -> Response:
    """Make somebody a member, with an account when they have none. They are viewers until a group says else."""
    organization_id = await _organization(tx, actor, customer)
    email, active = normalise_email(body.user_name), scim.read_active(body.active)
    external_id = scim.read_external_id(body.external_id)
    member = await scim.provision(tx, organization_id, email=email, name=body.shown, active=active)
    await scim.call_user(tx, member, None, external_id)
    return _answer(request, scim.user_resource(member, _base(request), external_id), 201)


@router.get("/Users/{user_id}", responses=_READ, summary="Read a user")
async def read_user(user_id: str, request: Request, tx: TxDep, actor: ActorDep, customer: Customer = None) -> Response:
    """Return one member as a user."""
    member, external_id = await _user(tx, actor, customer, user_id)
    return _answer(request, scim.user_resource(member, _base(request), external_id))


@router.put("/Users/{user_id}", responses=_CHANGES, summary="Replace a user")
async def replace_user(
    *, user_id: str, body: UserBody, request: Request, tx: TxDep, actor: ActorDep, customer: Customer = None
) -> Response:
    """Let a membership rest, or not, and say what it is called. Name and address are the person's own and stay."""
    member, before = await _matching(request, tx, actor, customer, user_id)
    external_id = scim.read_external_id(body.external_id)
    changed = await scim.set_active(tx, scim.reach_of(actor), member, scim.read_active(body.active))
    await scim.call_user(tx, changed, before, external_id)
    return _answer(request, scim.user_resource(changed, _base(request), external_id))


@router.patch("/Users/{user_id}", responses=_CHANGES, summary="Change a user")
async def change_user(
    *, user_id: str, body: PatchBody, request: Request, tx: TxDep, actor: ActorDep, customer: Customer = None
) -> Response:
    """Let a membership rest (`active` false), or not any more; say what it is called (`externalId`).

    Name and address are the person's own and stay.
    """
    member, before = await _matching(request, tx, actor, customer, user_id)
    changes = scim.read_changes(body.operations)
    active, external_id = scim.wanted_active(changes), scim.external_id_after(changes, before)
    changed = member if active is None else await scim.set_active(tx, scim.reach_of(actor), member, active)
    await scim.call_user(tx, changed, before, external_id)
    return _answer(request, scim.user_resource(changed, _base(request), external_id))


@router.delete("/Users/{user_id}", status_code=204, responses=_CHANGES, summary="Deprovision a user")
async def remove_user(user_id: str, request: Request, tx: TxDep, actor: ActorDep, customer: Customer = None) -> None:
    """End a membership: logins in the organization, and the API keys they made, end with it. The account stays."""
    member, _ = await _matching(request, tx, actor, customer, user_id)
    await scim.deprovision(tx, scim.reach_of(actor), member)


@router.get("/Groups", responses={400: {"description": "`scim_invalid`"}}, summary="List groups")
async def list_groups(
    *,
    request: Request,
    tx: TxDep,
    actor: ActorDep,
    filter: Filter = None,  # noqa: A002 - SCIM's name
    start: Start = 1,
    count: Count = 100,
    customer: Customer = None,
) -> ScimResponse:
    """List roles as groups of those who have them."""
    organization_id = await _organization(tx, actor, customer)
    asked, names = scim.read_filter(filter), await scim.names_of_groups(tx, organization_id)
    members, roles = await scim.everybody(tx, organization_id), await scim.every_role(tx, organization_id)
    shown = [scim.group_resource(each, members, _base(request), names.get(each.key)) for each in roles]
    page = scim.page_of([each for each in shown if scim.fits(each, asked)], start, count)
    return ScimResponse(page)


@router.get("/Groups/{group_id}", responses=_READ, summary="Read a group")
async def read_group(
    group_id: str, request: Request, tx: TxDep, actor: ActorDep, customer: Customer = None
) -> Response:
    """Return one role as a group."""
    return _answer(request, await _group(request, tx, await _organization(tx, actor, customer), group_id))


@router.put("/Groups/{group_id}", responses=_CHANGES, summary="Replace who is in a group")
async def replace_group(
    *, group_id: str, body: GroupBody, request: Request, tx: TxDep, actor: ActorDep, customer: Customer = None
) -> Response:
    """Have exactly these members have the role, and say what it is called; who loses it becomes a viewer."""
    whole = [{"op": "replace", "value": {"members": body.members, "externalId": body.external_id}}]
    organization_id = await _organization(tx, actor, customer)
    return await _regroup(request, tx, actor, organization_id, key=group_id, changes=scim.read_changes(whole))


@router.patch("/Groups/{group_id}", responses=_CHANGES, summary="Change who is in a group")
async def change_group(
    *, group_id: str, body: PatchBody, request: Request, tx: TxDep, actor: ActorDep, customer: Customer = None
) -> Response:
    """Give the role to members, or take it: who loses it becomes a viewer; say what it is called (`externalId`).

    Owners are out of reach.
    """
    changes = scim.read_changes(body.operations)
    organization_id = await _organization(tx, actor, customer)
    return await _regroup(request, tx, actor, organization_id, key=group_id, changes=changes)


async def _user(tx: Tx, actor: Actor, customer: str | None, user_id: str) -> tuple[TeamMember, str | None]:
    organization_id = await _organization(tx, actor, customer)
    member = await scim.member_by_id(tx, organization_id, parse_id(user_id))
    names = await scim.names_of_users(tx, organization_id, member.user.id)
    return member, names.get(member.user.id)


async def _matching(
    request: Request, tx: Tx, actor: Actor, customer: str | None, user_id: str
) -> tuple[TeamMember, str | None]:
    member, external_id = await _user(tx, actor, customer, user_id)
    _must_match(request, scim.user_resource(member, _base(request), external_id))
    return member, external_id


async def _group(request: Request, tx: Tx, organization_id: UUID, key: str) -> scim.Json:
    role = await scim.role_by_id(tx, organization_id, key)
    names = await scim.names_of_groups(tx, organization_id)
    return scim.group_resource(role, await scim.everybody(tx, organization_id), _base(request), names.get(role.key))


async def _regroup(
    request: Request, tx: Tx, actor: Actor, organization_id: UUID, *, key: str, changes: list[scim.Change]
) -> Response:
    shown = await _group(request, tx, organization_id, key)
    _must_match(request, shown)
    before = shown.get("externalId")
    held = frozenset(each["value"] for each in shown["members"])
    wanted = [parse_id(each) for each in scim.members_after(changes, held)]
    if None in wanted:
        raise scim.ScimNotFoundError
    role = await scim.role_by_id(tx, organization_id, key)
    await scim.give_role(tx, scim.reach_of(actor), organization_id, role, frozenset(each for each in wanted if each))
    await scim.call_group(tx, organization_id, role, before, scim.external_id_after(changes, before))
    return _answer(request, await _group(request, tx, organization_id, key))
