"""The profile page: what the person is called and looks like, how they want to be treated, and what is held of them."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from tollkeeper.identity import (
    MAX_NAME,
    MAX_PICTURE,
    PICTURE_KINDS,
    Export,
    Theme,
    ask_for_export,
    change_preferences,
    change_profile,
    check_language_tag,
    check_time_zone,
    clean_name,
    export_file,
    export_progress,
    get_picture,
    get_preferences,
    get_user,
    list_exports,
    must_be_fresh,
    redraw,
    remove_picture,
    set_picture,
)
from tollkeeper.infra import JobNotes, Runtime, RuntimeDep
from tollkeeper.kit import Actor, FieldProblem, InvalidInputError
from tollkeeper.orgs import known_export, person_of, picture_response, zip_response
from tollkeeper.web.ui import (
    FormState,
    empty_form,
    gathered,
    go,
    live,
    page,
    part,
    read_form,
    refused_form,
    remember_theme,
    toast,
)

from .person import PersonDep, load_viewer

router = APIRouter()

HOME = "/profile"
PROFILE = ("name", "locale", "time_zone")
SETTINGS = ("theme", "language")
Made = tuple[Sequence[Export], JobNotes | None]
THEMES = ((Theme.SYSTEM, "As the browser"), (Theme.LIGHT, "Light"), (Theme.DARK, "Dark"))


@router.get(HOME)
async def profile_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Show everything the person can say of themselves."""
    return await _show(request, runtime, actor)


@router.post(HOME)
async def profile_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Change name, language and time zone."""
    fields = await read_form(request)
    try:
        wanted = _profile(fields)
        async with runtime.transaction() as tx:
            await change_profile(tx, person_of(actor), **wanted)
    except InvalidInputError as error:
        return await _show(request, runtime, actor, form=refused_form(fields, PROFILE, error), status=422)
    return toast(request, go(HOME), "Your profile is saved.")


@router.post(f"{HOME}/picture")
async def picture_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Show another picture."""
    await read_form(request)
    try:
        drawn = await asyncio.to_thread(redraw, await _uploaded(request))
        async with runtime.transaction() as tx:
            await set_picture(tx, person_of(actor), drawn)
    except InvalidInputError as error:
        problem = refused_form({}, ["picture"], error).errors["picture"]
        return await _show(request, runtime, actor, picture_error=problem, status=422)
    return toast(request, go(HOME), "Your picture is shown.")


@router.get(f"{HOME}/picture")
async def picture(runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Return the person's picture."""
    async with runtime.transaction() as tx:
        return picture_response((await get_picture(tx, person_of(actor))).content)


@router.post(f"{HOME}/picture/remove")
async def remove_picture_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Show no picture any more."""
    await read_form(request)
    async with runtime.transaction() as tx:
        await remove_picture(tx, person_of(actor))
    return toast(request, go(HOME), "No picture is shown any more.")


@router.post(f"{HOME}/settings")
async def settings_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Change how the person wants to be treated; this browser takes the theme at once."""
    fields = await read_form(request)
    try:
        theme, language = _settings(fields)
        async with runtime.transaction() as tx:
            chosen = await change_preferences(tx, person_of(actor), theme=theme, language=language)
    except InvalidInputError as error:
        return await _show(request, runtime, actor, settings=refused_form(fields, SETTINGS, error), status=422)
    response = toast(request, go(HOME), "Your settings are saved.")
    remember_theme(request, response, chosen.theme)
    return response


@router.post(f"{HOME}/exports")
async def export_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Have everything gathered that is held of the person."""
    await read_form(request)
    async with runtime.transaction() as tx:
        await must_be_fresh(tx, actor)
        await ask_for_export(tx, person_of(actor))
    return toast(request, go(HOME), "Your data is being gathered.")


@router.get(f"{HOME}/exports/live")
async def exports_live(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Send how far the person's export is, until it is ready."""
    user_id = person_of(actor)
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)

    async def read() -> Made:
        async with runtime.transaction() as tx:
            exports = await list_exports(tx, user_id)
        return exports, await _progress(runtime, exports)

    def show(made: Made) -> str:
        return part(request, "portal/exports.html", viewer=viewer, exports=made[0], notes=made[1])

    return live(request, ("exports", user_id), read, show, is_last=lambda made: not _waits(made[0]))


async def _progress(runtime: Runtime, exports: Sequence[Export]) -> JobNotes | None:
    """Return how far the export that is being made has come; None: none is, or it was not begun."""
    for each in exports:
        if each.ready_at is None:
            async with runtime.transaction(of_all=True) as tx:
                return await export_progress(tx, each.id)
    return None


def _waits(exports: Sequence[Export]) -> bool:
    return any(each.ready_at is None for each in exports)


@router.get(f"{HOME}/exports/{{export_id}}")
async def export(runtime: RuntimeDep, actor: PersonDep, export_id: str) -> Response:
    """Return the file of an export."""
    async with runtime.transaction() as tx:
        return zip_response(await export_file(tx, person_of(actor), known_export(export_id)))


async def _show(
    request: Request,
    runtime: Runtime,
    actor: Actor,
    *,
    form: FormState | None = None,
    settings: FormState | None = None,
    picture_error: str = "",
    status: int = 200,
) -> Response:
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        user = await get_user(tx, person_of(actor))
        chosen = await get_preferences(tx, user.id)
        exports = await list_exports(tx, user.id)
        here = tx.now
    return page(
        request,
        "portal/profile.html",
        status=status,
        viewer=viewer,
        banners=[],
        form=form or empty_form(name=user.name, locale=user.locale, time_zone=user.time_zone),
        settings=settings or empty_form(theme=chosen.theme, language=chosen.language),
        picture_error=picture_error,
        time_zones=_time_zones(here),
        themes=THEMES,
        exports=exports,
        notes=await _progress(runtime, exports),
        waits=_waits(exports),
        picture_kinds=",".join(PICTURE_KINDS),
        picture_size=f"{MAX_PICTURE // 1024} KiB",
    )


def _profile(fields: Mapping[str, str]) -> dict[str, str]:
    problems: list[FieldProblem] = []
    found = {
        "name": gathered(problems, lambda: _name(fields.get("name", "")), ""),
        "locale": gathered(problems, lambda: check_language_tag(fields.get("locale", "").strip(), "locale"), ""),
        "time_zone": gathered(problems, lambda: check_time_zone(fields.get("time_zone", "")), ""),
    }
    if problems:
        raise InvalidInputError(problems)
    return found


def _name(typed: str) -> str:
    name = clean_name(typed)
    if not name:
        raise InvalidInputError([FieldProblem("name", "Enter your name")])
    if len(name) > MAX_NAME:
        raise InvalidInputError([FieldProblem("name", f"must have at most {MAX_NAME} characters")])
    return name


def _settings(fields: Mapping[str, str]) -> tuple[Theme, str]:
    problems: list[FieldProblem] = []
    found = (
        gathered(problems, lambda: _theme(fields), Theme.SYSTEM),
        gathered(problems, lambda: check_language_tag(fields.get("language", "").strip(), "language"), ""),
    )
    if problems:
        raise InvalidInputError(problems)
    return found


def _theme(fields: Mapping[str, str]) -> Theme:
    try:
        return Theme(fields.get("theme", ""))
    except ValueError:
        raise InvalidInputError([FieldProblem("theme", "choose one of the list")]) from None


async def _uploaded(request: Request) -> bytes:
    async with request.form() as form:
        sent = form.get("picture")
        content = await sent.read() if isinstance(sent, UploadFile) else b""
    if not content:
        raise InvalidInputError([FieldProblem("picture", "Choose a file")])
    return content


def _time_zones(now: datetime) -> Sequence[tuple[str, str]]:
    """Every time zone with what it is away from UTC now, by name."""
    return _time_zones_in(now.replace(minute=0, second=0, microsecond=0))


@lru_cache(maxsize=1)
def _time_zones_in(hour: datetime) -> Sequence[tuple[str, str]]:
    """As `_time_zones`, once an hour: for each of hundreds of zones a file is opened."""
    known = sorted(each for each in available_timezones() if "/" in each and not each.startswith("Etc/"))
    return [("UTC", "UTC"), *((each, f"{each} ({hour.astimezone(ZoneInfo(each)):%:z})") for each in known)]
