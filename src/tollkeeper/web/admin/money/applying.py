"""Changing the catalogue: a file is written, looked at for what it changes, and applied as a new version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.catalog import (
    CatalogueFileError,
    CatalogueMovedError,
    apply,
    diff,
    get_version,
    latest_version,
    line_changes,
    must_be_latest,
    read_catalogue_file,
)
from tollkeeper.catalog.versions import MAX_NOTE
from tollkeeper.infra import Runtime, RuntimeDep
from tollkeeper.kit import FieldProblem, InvalidInputError, TollkeeperError
from tollkeeper.web.admin.guard import AdminDep, StaffViewer
from tollkeeper.web.admin.numbers import whole_number
from tollkeeper.web.admin.showing import show
from tollkeeper.web.ui import FormState, empty_form, go, read_form, refused_form, toast

from .catalogue import HOME, VERSIONS, Number
from .catalogue_views import ChangeRow, change_rows, meanings

router = APIRouter()

_MOST_DIGITS = 9
FILE, PREVIEW, APPLY = f"{HOME}/file", f"{HOME}/preview", f"{HOME}/apply"


@dataclass(frozen=True, slots=True)
class Draft:
    """A file that was not applied yet.

    `base` is the number of the version it was written over, 0: none. `restored` as of versions.
    """

    source: str
    base: int
    note: str = ""
    restored: int | None = None


@router.get(FILE)
async def file_page(request: Request, runtime: RuntimeDep, viewer: AdminDep) -> Response:
    """Show the catalogue's file to be written in."""
    async with runtime.transaction(of_all=True) as tx:
        held = await latest_version(tx)
    return _write(request, viewer, Draft(held.source if held else "", held.number if held else 0))


@router.post(FILE)
async def file_again(request: Request, viewer: AdminDep) -> Response:
    """Show a file that was not applied yet, to be written on."""
    return _write(request, viewer, _draft(await read_form(request)))


@router.post(PREVIEW)
async def preview_form(request: Request, runtime: RuntimeDep, viewer: AdminDep) -> Response:
    """Show what a file would change."""
    return await show_preview(request, runtime, viewer, _draft(await read_form(request)))


@router.get(VERSIONS + "/{number}/restore")
async def restore_page(request: Request, runtime: RuntimeDep, viewer: AdminDep, number: Number) -> Response:
    """Show what going back to an older version would change."""
    async with runtime.transaction(of_all=True) as tx:
        older, held = await get_version(tx, number), await latest_version(tx)
    base = held.number if held else 0
    return await show_preview(request, runtime, viewer, Draft(older.source, base, restored=number))


@router.post(APPLY)
async def apply_form(request: Request, runtime: RuntimeDep, viewer: AdminDep) -> Response:
    """Apply a file as a new version."""
    draft = _draft(await read_form(request))
    try:
        spec = read_catalogue_file(draft.source)
        async with runtime.transaction(of_all=True) as tx:
            await must_be_latest(tx, draft.base)
            changes = await apply(tx, spec, source=draft.source, note=draft.note, restored=draft.restored)
            held = await latest_version(tx)
    except CatalogueMovedError as error:
        return await show_preview(request, runtime, viewer, draft, failure=error)
    except TollkeeperError as error:
        return _write(request, viewer, draft, failure=error)
    if held is None or held.number == draft.base:
        return toast(request, go(HOME), "Nothing changed: the catalogue is like this already.", "info")
    count = f"{len(changes)} {'change' if len(changes) == 1 else 'changes'}" if changes else "kept as it stands"
    return toast(request, go(f"{VERSIONS}/{held.number}"), f"Version {held.number} applied: {count}.")


async def show_preview(
    request: Request,
    runtime: Runtime,
    viewer: StaffViewer,
    draft: Draft,
    *,
    failure: TollkeeperError | None = None,
) -> Response:
    """Answer with what a file would change, to be applied; a file with mistakes is shown with them.

    `failure`: why it was not applied just now. What it would change is shown against the version that holds by then.
    """
    try:
        spec = read_catalogue_file(draft.source)
        async with runtime.transaction(of_all=True) as tx:
            held = await latest_version(tx)
            rows = change_rows(await diff(tx, spec))
        lines = line_changes(read_catalogue_file(held.source) if held else None, spec)
    except TollkeeperError as error:
        return _write(request, viewer, draft, failure=error)
    seen = Draft(draft.source, held.number if held else 0, draft.note, draft.restored)
    moved = failure or (CatalogueMovedError() if draft.base != seen.base else None)
    return show(
        request,
        viewer,
        "money/preview.html",
        status=moved.status if moved else 200,
        draft=seen,
        changes=rows,
        meanings=meanings(rows),
        lines=lines,
        moved=moved,
        can_apply=bool(rows) or held is None,
        counts=_counts(rows),
    )


def _counts(rows: Sequence[ChangeRow]) -> list[tuple[str, str, int]]:
    found = dict.fromkeys((row.kind, row.tone) for row in rows)
    return [(kind, tone, sum(row.kind == kind for row in rows)) for kind, tone in found]


def number_of(fields: Mapping[str, str], name: str) -> int | None:
    """Return the number of a version that a page of ours wrote into its form; None: there is none."""
    return whole_number(fields.get(name, ""), digits=_MOST_DIGITS) or None


def _draft(fields: Mapping[str, str]) -> Draft:
    return Draft(
        source=fields.get("source", "").replace("\r\n", "\n"),
        base=number_of(fields, "base") or 0,
        note=" ".join(fields.get("note", "").replace("\0", "").split())[:MAX_NOTE],
        restored=number_of(fields, "restored"),
    )


def _write(request: Request, viewer: StaffViewer, draft: Draft, *, failure: TollkeeperError | None = None) -> Response:
    form: FormState = empty_form("source", source=draft.source, note=draft.note)
    mistakes: Sequence[FieldProblem] = ()
    if failure is not None:
        form = refused_form({"source": draft.source, "note": draft.note}, ["source", "note"], failure)
        mistakes = failure.problems if isinstance(failure, InvalidInputError) else ()
    return show(
        request,
        viewer,
        "money/file.html",
        status=failure.status if failure else 200,
        draft=draft,
        form=form,
        mistakes=mistakes,
        failure=failure,
        is_unreadable=isinstance(failure, CatalogueFileError),
    )
