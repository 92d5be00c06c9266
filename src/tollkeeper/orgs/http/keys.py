"""Addresses of API keys. They stand here because operators name the organization, which identity does not know."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Query
from starlette.responses import Response

from tollkeeper.identity import (
    KEY_PERMISSIONS,
    KeyKind,
    KeyNotFoundError,
    Unchanged,
    change_key,
    check_networks,
    create_key,
    list_keys,
    revoke_key,
    rotate_key,
)
from tollkeeper.infra import ActorDep, IdempotencyDep, TxDep
from tollkeeper.kit import Actor, ForbiddenError, Permission, id_or
from tollkeeper.orgs.roles import GRANTABLE
from tollkeeper.orgs.service import organization_for

from .schemas import (
    Cursor,
    Customer,
    KeyBody,
    KeyChangeBody,
    KeyList,
    KeyOut,
    KeyWithSecretOut,
    Limit,
    RotationBody,
    read_cursor,
)

router = APIRouter(prefix="/keys", tags=["API keys"])


@router.get("", summary="List API keys")
async def list_api_keys(
    *,
    tx: TxDep,
    actor: ActorDep,
    limit: Limit = 50,
    cursor: Cursor = None,
    customer: Customer = None,
    with_revoked: Annotated[bool, Query(description="Also keys that were revoked.")] = False,
) -> KeyList:
    """List the organization's keys, newest first, without their secrets."""
    actor.must(Permission.KEYS_READ)
    organization = await organization_for(tx, actor, customer)
    page = await list_keys(tx, organization.id, with_revoked=with_revoked, cursor=read_cursor(cursor), limit=limit)
    return KeyList.of(page, tx.now)


@router.post("", status_code=201, response_model=KeyWithSecretOut, summary="Create an API key")
async def create_api_key(body: KeyBody, tx: TxDep, actor: ActorDep, once: IdempotencyDep) -> Response:
    """Create a key. Its secret is in this answer and nowhere else."""
    actor.must(Permission.KEYS_MANAGE)
    must_hold(actor, frozenset(body.scopes) or KEY_PERMISSIONS)
    organization = await organization_for(tx, actor, body.customer)

    async def work() -> KeyWithSecretOut:
        key, secret = await create_key(
            tx,
            organization_id=organization.id,
            created_by=actor.member_id,  # a key's keys are its maker's, and end with them
            name=body.name,
            kind=KeyKind(body.kind),
            scopes=body.scopes,
            expires_at=body.expires_at,
            per_minute=body.per_minute,
            networks=check_networks(body.networks),
        )
        return KeyWithSecretOut.with_secret(key, tx.now, secret)

    return await once.run_in(tx, work, status=201)


@router.patch(
    "/{key_id}",
    responses={404: {"description": "`key_not_found`"}, 409: {"description": "`key_ended`"}},
    summary="Change an API key",
)
async def change_api_key(
    key_id: str, body: KeyChangeBody, tx: TxDep, actor: ActorDep, customer: Customer = None
) -> KeyOut:
    """Rename a key, change how many calls a minute it may make or where from. Every process obeys within a second."""
    actor.must(Permission.KEYS_MANAGE)
    organization = await organization_for(tx, actor, customer)
    rate = body.per_minute if "per_minute" in body.model_fields_set else Unchanged.UNCHANGED
    networks = None if body.networks is None else check_networks(body.networks)
    key = await change_key(tx, organization.id, known_key(key_id), name=body.name, per_minute=rate, networks=networks)
    must_hold(actor, key.permissions)  # where a key works is a guard of those who may do what it may
    return KeyOut.of(key, tx.now)


@router.post(
    "/{key_id}/rotate",
    response_model=KeyWithSecretOut,
    responses={404: {"description": "`key_not_found`"}, 409: {"description": "`key_ended`"}},
    summary="Give an API key a new secret",
)
async def rotate_api_key(
    *,
    key_id: str,
    tx: TxDep,
    actor: ActorDep,
    once: IdempotencyDep,
    body: Annotated[RotationBody | None, Body()] = None,
    customer: Customer = None,
) -> Response:
    """Give the key a new secret; the old one stays good for `grace_seconds`, by default not at all."""
    actor.must(Permission.KEYS_MANAGE)
    organization = await organization_for(tx, actor, customer)
    grace = body.grace_seconds if body else 0

    async def work() -> KeyWithSecretOut:
        key, secret = await rotate_key(tx, organization.id, known_key(key_id), grace_seconds=grace)
        must_hold(actor, key.permissions)  # the new secret would lend its reader more than they have
        return KeyWithSecretOut.with_secret(key, tx.now, secret)

    return await once.run_in(tx, work, status=200)


@router.delete(
    "/{key_id}",
    status_code=204,
    responses={404: {"description": "`key_not_found`"}},
    summary="Revoke an API key",
)
async def revoke_api_key(key_id: str, tx: TxDep, actor: ActorDep, customer: Customer = None) -> None:
    """End the key at once, for good."""
    actor.must(Permission.KEYS_MANAGE)
    organization = await organization_for(tx, actor, customer)
    await revoke_key(tx, organization.id, known_key(key_id))


def must_hold(actor: Actor, wanted: frozenset[Permission]) -> None:
    """Refuse to lend a key more than one has.

    Raises:
        ForbiddenError: it would do what the caller may not.
    """
    # A directory's key reaches everybody but owners: so far has to reach who makes one.
    lent = wanted | GRANTABLE if Permission.MEMBERS_PROVISION in wanted else wanted
    beyond = sorted(lent - actor.permissions)
    if beyond:
        raise ForbiddenError(f"This needs what the key may do itself: {', '.join(beyond)}.")


def known_key(text: str) -> UUID:
    """Return the id an address names.

    Raises:
        KeyNotFoundError: it is none.
    """
    return id_or(text, KeyNotFoundError)
