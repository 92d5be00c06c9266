"""Addresses of the operator's own keys. They are made on the command line, where whoever may is there already."""

from typing import Annotated

from fastapi import APIRouter, Body, Query
from starlette.responses import Response

from tollkeeper.identity import list_keys, revoke_key, rotate_key
from tollkeeper.infra import ActorDep, IdempotencyDep, TxDep
from tollkeeper.orgs.service import must_be_operator

from .keys import known_key
from .schemas import Cursor, KeyList, KeyWithSecretOut, Limit, RotationBody, read_cursor

router = APIRouter(prefix="/operator/keys", tags=["API keys"])


@router.get("", summary="List operator keys")
async def list_operator_keys(
    *,
    tx: TxDep,
    actor: ActorDep,
    limit: Limit = 50,
    cursor: Cursor = None,
    with_revoked: Annotated[bool, Query(description="Also keys that were revoked.")] = False,
) -> KeyList:
    """List the operator's keys, newest first, without their secrets; operators only."""
    must_be_operator(actor)
    page = await list_keys(tx, None, with_revoked=with_revoked, cursor=read_cursor(cursor), limit=limit)
    return KeyList.of(page, tx.now)


@router.post(
    "/{operator_key_id}/rotate",
    response_model=KeyWithSecretOut,
    responses={404: {"description": "`key_not_found`"}, 409: {"description": "`key_ended`"}},
    summary="Give an operator key a new secret",
)
async def rotate_operator_key(
    operator_key_id: str,
    tx: TxDep,
    actor: ActorDep,
    once: IdempotencyDep,
    body: Annotated[RotationBody | None, Body()] = None,
) -> Response:
    """Give the key a new secret; the old one stays good for `grace_seconds`, by default not at all. Operators only."""
    must_be_operator(actor)
    grace = body.grace_seconds if body else 0

    async def work() -> KeyWithSecretOut:
        key, secret = await rotate_key(tx, None, known_key(operator_key_id), grace_seconds=grace)
        return KeyWithSecretOut.with_secret(key, tx.now, secret)

    return await once.run_in(tx, work, status=200)


@router.delete(
    "/{operator_key_id}",
    status_code=204,
    responses={404: {"description": "`key_not_found`"}},
    summary="Revoke an operator key",
)
async def revoke_operator_key(operator_key_id: str, tx: TxDep, actor: ActorDep) -> None:
    """End the key at once, for good; the caller's own, too. Operators only."""
    must_be_operator(actor)
    await revoke_key(tx, None, known_key(operator_key_id))
