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
    create_key,
    list_keys,
    revoke_key,
    rotate_key,
)
from tollkeeper.infra import ActorDep, IdempotencyDep, TxDep
from tollkeeper.kit import Actor, ForbiddenError, Permission, parse_id
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
    _must_hold(actor, frozenset(body.scopes) or KEY_PERMISSIONS)
    organization = await organization_for(tx, actor, body.customer)

    async def work() -> KeyWithSecretOut:
        key, secret = await create_key(
            tx,
            organization_id=organization.id,
            created_by=actor.user_id,
            name=body.name,
            kind=KeyKind(body.kind),
            scopes=body.scopes,
            expires_at=body.expires_at,
            per_minute=body.per_minute,
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
    """Rename a key, or change how many calls a minute it may make. Every process obeys within a second."""
    actor.must(Permission.KEYS_MANAGE)
    organization = await organization_for(tx, actor, customer)
    rate = body.per_minute if "per_minute" in body.model_fields_set else Unchanged.UNCHANGED
    key = await change_key(tx, organization.id, _known_id(key_id), name=body.name, per_minute=rate)
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
        key, secret = await rotate_key(tx, organization.id, _known_id(key_id), grace_seconds=grace)
        _must_hold(actor, key.permissions)  # the new secret would lend its reader more than they have
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
    await revoke_key(tx, organization.id, _known_id(key_id))


def _must_hold(actor: Actor, wanted: frozenset[Permission]) -> None:
    beyond = sorted(wanted - actor.permissions)
    if beyond:
        raise ForbiddenError(f"This needs what the key may do itself: {', '.join(beyond)}.")


def _known_id(text: str) -> UUID:
    key_id = parse_id(text)
    if key_id is None:
        raise KeyNotFoundError
    return key_id
