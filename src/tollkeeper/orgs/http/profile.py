"""Addresses about the caller's own person: what they are called, what they look like, how they want to be treated."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from tollkeeper.identity import (
    PICTURE_KINDS,
    PICTURE_TYPE,
    change_preferences,
    change_profile,
    check_language_tag,
    check_time_zone,
    get_picture,
    get_preferences,
    get_user,
    redraw,
    remove_picture,
    set_picture,
)
from tollkeeper.infra import ActorDep, RuntimeDep, TxDep
from tollkeeper.kit import FieldProblem, InvalidInputError

from .answers import picture_response
from .person import person_of
from .profile_schemas import PreferencesBody, PreferencesOut
from .schemas import ProfileBody, UserOut

router = APIRouter(prefix="/profile", tags=["People"])

_PICTURE_SENT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in PICTURE_KINDS},
    }
}
_PICTURE_SHOWN: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A square WebP.",
        "content": {PICTURE_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    },
    404: {"description": "`picture_not_found`"},
}


@router.get("", summary="Read the own profile")
async def read_profile(tx: TxDep, actor: ActorDep) -> UserOut:
    """Return the caller's own profile."""
    return UserOut.of(await get_user(tx, person_of(actor)))


@router.patch("", summary="Change the own profile")
async def edit_profile(body: ProfileBody, tx: TxDep, actor: ActorDep) -> UserOut:
    """Change the fields sent; the others stay as they are."""
    user_id = person_of(actor)
    _must_not_be_null(body)
    time_zone = check_time_zone(body.time_zone) if body.time_zone is not None else None
    locale = check_language_tag(body.locale, "locale") if body.locale is not None else None
    return UserOut.of(await change_profile(tx, user_id, name=body.name, time_zone=time_zone, locale=locale))


@router.get("/settings", summary="Read the own settings")
async def read_settings(tx: TxDep, actor: ActorDep) -> PreferencesOut:
    """Return how the caller wants to be treated; the defaults where they chose nothing."""
    return PreferencesOut.of(await get_preferences(tx, person_of(actor)))


@router.patch("/settings", summary="Change the own settings")
async def edit_settings(body: PreferencesBody, tx: TxDep, actor: ActorDep) -> PreferencesOut:
    """Change what is sent; the rest, sorts of messages that are not named included, stays as it is."""
    user_id = person_of(actor)
    _must_not_be_null(body)
    chosen = await change_preferences(
        tx,
        user_id,
        theme=body.theme,
        language=check_language_tag(body.language, "language") if body.language is not None else None,
        notifications=body.notifications,
    )
    return PreferencesOut.of(chosen)


@router.get("/picture", response_class=Response, responses=_PICTURE_SHOWN, summary="Read the own picture")
async def read_picture(tx: TxDep, actor: ActorDep) -> Response:
    """Return the caller's picture, 256 pixels high and wide."""
    return picture_response((await get_picture(tx, person_of(actor))).content)


@router.post("/picture", status_code=204, openapi_extra=_PICTURE_SENT, summary="Change the own picture")
async def change_picture(request: Request, runtime: RuntimeDep, actor: ActorDep) -> None:
    """Show this picture from now on: PNG, JPEG or WebP, 1 MiB at most. It is drawn anew, without what else it holds."""
    user_id = person_of(actor)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in PICTURE_KINDS:
        raise InvalidInputError([FieldProblem("picture", f"must be sent as {', '.join(PICTURE_KINDS)}", "picture")])
    drawn = await asyncio.to_thread(redraw, await request.body())
    async with runtime.transaction() as tx:
        await set_picture(tx, user_id, drawn)


@router.delete("/picture", status_code=204, summary="Remove the own picture")
async def delete_picture(tx: TxDep, actor: ActorDep) -> None:
    """Show no picture any more; showing none already is no error."""
    await remove_picture(tx, person_of(actor))


def _must_not_be_null(body: BaseModel) -> None:
    nulls = [name for name in sorted(body.model_fields_set) if getattr(body, name) is None]
    if nulls:
        raise InvalidInputError([FieldProblem(name, "must not be null; leave it out to keep it") for name in nulls])
