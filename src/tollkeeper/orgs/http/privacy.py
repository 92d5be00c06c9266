"""Addresses about what is held of the caller: having it all, and having it deleted."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from tollkeeper.identity import (
    ask_for_export,
    export_file,
    find_deletion,
    list_exports,
    must_be_fresh,
)
from tollkeeper.infra import ActorDep, IdempotencyDep, TxDep
from tollkeeper.orgs.leaving import ask_to_leave, stay

from .answers import known_export, zip_response
from .person import person_of
from .profile_schemas import DeletionOut, ExportList, ExportOut

router = APIRouter(prefix="/profile", tags=["People"])

_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The zip file.",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    },
    404: {"description": "`export_not_found`"},
    409: {"description": "`export_not_ready`"},
}
_STEP_UP = "`step_up_required`: log in again first; or a key calls"


@router.get("/exports", summary="List exports of the own data")
async def list_own_exports(tx: TxDep, actor: ActorDep) -> ExportList:
    """List the caller's exports that are being made or can be fetched."""
    return ExportList.of(await list_exports(tx, person_of(actor)))


@router.post(
    "/exports",
    status_code=202,
    response_model=ExportOut,
    responses={403: {"description": _STEP_UP}},
    summary="Ask for an export of the own data",
)
async def ask_for_own_export(tx: TxDep, actor: ActorDep, once: IdempotencyDep) -> Response:
    """Have everything gathered that is held of the caller; a mail tells when it can be fetched.

    While one is being made, asking again answers with that one. Of exports only the newest is kept.
    """
    user_id = person_of(actor)
    await must_be_fresh(tx, actor)

    async def work() -> ExportOut:
        return ExportOut.of(await ask_for_export(tx, user_id))

    return await once.run_in(tx, work, status=202)


@router.get(
    "/exports/{export_id}/content",
    response_class=Response,
    responses=_FILE,
    summary="Fetch an export of the own data",
)
async def fetch_own_export(export_id: str, tx: TxDep, actor: ActorDep) -> Response:
    """Return the zip file of an export, to whom it is about."""
    return zip_response(await export_file(tx, person_of(actor), known_export(export_id)))


@router.get("/deletion", summary="Read whether the own account is to be deleted")
async def read_deletion(tx: TxDep, actor: ActorDep) -> DeletionOut:
    """Tell whether the caller asked to be deleted, and when that will be done."""
    return DeletionOut.of(await find_deletion(tx, person_of(actor)))


@router.post(
    "/deletion",
    status_code=202,
    responses={
        403: {"description": _STEP_UP},
        409: {"description": "`last_owner`: `organizations` need another owner first"},
    },
    summary="Ask for the own account to be deleted",
)
async def ask_for_deletion(tx: TxDep, actor: ActorDep) -> DeletionOut:
    """Have the caller's account deleted once the days of grace are over; asking twice changes nothing."""
    user_id = person_of(actor)
    await must_be_fresh(tx, actor)
    return DeletionOut.of(await ask_to_leave(tx, user_id))


@router.delete("/deletion", status_code=204, summary="Keep the own account")
async def cancel_deletion(tx: TxDep, actor: ActorDep) -> None:
    """Take the wish to be deleted back; without one nothing changes."""
    await stay(tx, person_of(actor))
