"""The catalogue as it stands, and its versions."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from tollkeeper.catalog import (
    CatalogueVersion,
    get_version,
    latest_version,
    line_changes,
    list_versions,
    load_catalogue,
    read_catalogue_file,
)
from tollkeeper.infra import RuntimeDep, Sought, Tx
from tollkeeper.kit import TollkeeperError
from tollkeeper.orgs import Told, read_trail
from tollkeeper.web.admin.guard import StaffDep
from tollkeeper.web.admin.showing import show

from .catalogue_views import catalogue_view, meanings, rows_of_words, version_rows

router = APIRouter()

HOME = "/admin/catalogue"
VERSIONS = f"{HOME}/versions"
SHOWN = 30
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Before = Annotated[int | None, Query(ge=1, le=2**31 - 1)]


@router.get(HOME)
async def catalogue_page(request: Request, runtime: RuntimeDep, viewer: StaffDep) -> Response:
    """Show what is for sale, at what price, and what it allows."""
    async with runtime.transaction(of_all=True) as tx:
        catalogue = await load_catalogue(tx)
        held = await latest_version(tx)
        told = await _told_of(tx, held) if held else []
    latest = version_rows([held] if held else [], told)
    return show(request, viewer, "money/catalogue.html", catalogue=catalogue_view(catalogue), latest=latest)


@router.get(VERSIONS)
async def versions_page(request: Request, runtime: RuntimeDep, viewer: StaffDep, before: Before = None) -> Response:
    """Show who changed the catalogue, when, and why."""
    async with runtime.transaction(of_all=True) as tx:
        found = await list_versions(tx, before=before, limit=SHOWN + 1)
        shown = found[:SHOWN]
        # One record a version, and both come newest first.
        wanted = {each.record_id for each in shown}
        latest = await latest_version(tx) if before and shown else None
        is_known = before is not None and latest is not None and before <= latest.number
        cursor = (await get_version(tx, before)).record_id if before and is_known else None
        told = (await read_trail(tx, Sought(target_kind="catalogue"), cursor=cursor, limit=SHOWN)).data
    rows = version_rows(shown, [each for each in told if each.record.id in wanted])
    older = f"{VERSIONS}?before={shown[-1].number}" if len(found) > SHOWN else ""
    return show(request, viewer, "money/versions.html", rows=rows, older=older, is_first=before is None)


@router.get(VERSIONS + "/{number}")
async def version_page(request: Request, runtime: RuntimeDep, viewer: StaffDep, number: Number) -> Response:
    """Show a version: what it changed, and its file."""
    async with runtime.transaction(of_all=True) as tx:
        version = await get_version(tx, number)
        latest = await latest_version(tx)
        before = await get_version(tx, number - 1) if number > 1 else None
        told = await _told_of(tx, version)
    changes = rows_of_words(version.changes)
    return show(
        request,
        viewer,
        "money/version.html",
        version=version_rows([version], told)[0],
        source=version.source,
        changes=changes,
        meanings=meanings(changes),
        lines=_lines(before, version),
        is_latest=latest is not None and latest.number == number,
    )


async def _told_of(tx: Tx, version: CatalogueVersion) -> list[Told]:
    sought = Sought(target_kind="catalogue", target_id=str(version.number))
    return list((await read_trail(tx, sought, limit=1)).data)


def _lines(before: CatalogueVersion | None, version: CatalogueVersion) -> list[str]:
    """Return how two versions differ as files; nothing where one is of a time when files were read differently."""
    try:
        old = read_catalogue_file(before.source) if before else None
        return list(line_changes(old, read_catalogue_file(version.source)))
    except TollkeeperError:
        return []
