"""Having more or fewer units of an add-on. What it costs is shown before it is done."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import AddonChange, PreviewedChange, list_addons, preview_addon, provider_transaction, set_addon
from tollkeeper.catalog import find_addon, load_catalogue
from tollkeeper.infra import Runtime, RuntimeDep
from tollkeeper.kit import Actor, FieldProblem, InvalidInputError, Permission, TollkeeperError, new_id
from tollkeeper.web.ui import go, page, read_form, toast

from .addon_views import addon_rows
from .billing import show_billing
from .billing_views import change_view
from .changes import moment_of, whole_page
from .confirming import once_of
from .person import PersonDep, load_viewer

router = APIRouter()
MOST = 10_000


@router.get("/billing/addons")
async def addon_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Show what having so many units costs, line by line, and when it is: `addon`, `quantity`.

    The page is there at once, the costs when the provider has told them; with `whole` it waits for the provider.
    """
    actor.must(Permission.BILLING_MANAGE)
    return await _show(request, runtime, actor, whole=bool(request.query_params.get("whole")))


async def _show(request: Request, runtime: Runtime, actor: Actor, *, whole: bool) -> Response:
    fields = request.query_params
    try:
        async with provider_transaction(runtime) if whole else runtime.transaction() as tx:
            viewer = await load_viewer(tx, actor)
            organization = viewer.home
            addon = find_addon(await load_catalogue(tx), fields.get("addon", ""))
            wanted = AddonChange(addon.key, _count(fields.get("quantity", "")))
            preview = await preview_addon(tx, organization.id, wanted) if whole else None
            rows = addon_rows(await list_addons(tx, organization.id, created_at=organization.created_at))
    except TollkeeperError as error:
        return await show_billing(request, runtime, actor, failure=error)
    row = next((each for each in rows if each.key == wanted.addon), None)
    if row is None and not whole:  # it cannot be had; why is known without asking the provider
        return await _show(request, runtime, actor, whole=True)
    if row is None or wanted.quantity == row.later:
        return go("/billing")
    return page(
        request,
        "portal/addon.html",
        viewer=viewer,
        banners=[],
        addon=row,
        quantity=wanted.quantity,
        whole=whole_page(request),
        **_costs(preview),
    )


@router.post("/billing/addons")
async def addon_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Have so many units; sent twice, the form changes once."""
    actor.must(Permission.BILLING_MANAGE)
    fields = await read_form(request)
    once = once_of(fields, "addon", actor)
    try:
        wanted = AddonChange(
            fields.get("addon", ""), _count(fields.get("quantity", "")), moment_of(fields.get("as_of", ""))
        )
        async with provider_transaction(runtime) as tx:
            await set_addon(tx, actor.own_organization(), wanted, idempotency_key=once)
    except TollkeeperError as error:
        return await show_billing(request, runtime, actor, failure=error)
    return toast(request, go("/billing"), "The add-on is as you chose.")


def _costs(preview: PreviewedChange | None) -> dict[str, Any]:
    """Return what the template shows of a preview and its form sends along; None: the provider is still asked."""
    if preview is None:
        return {"change": None}
    return {"change": change_view(preview), "as_of": preview.cost.at.isoformat(), "once": new_id().hex}


def _count(text: str) -> int:
    """Return the number of units a form carries.

    Raises:
        InvalidInputError: it is none.
    """
    if not text.isascii() or not text.isdigit() or len(text) > len(str(MOST)) or int(text) > MOST:
        raise InvalidInputError([FieldProblem("quantity", "A whole number of units is needed.")])
    return int(text)
