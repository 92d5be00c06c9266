"""Having more or fewer units of an add-on. What it costs is shown before it is done."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import AddonChange, list_addons, preview_addon, provider_transaction, set_addon
from tollkeeper.catalog import find_addon, load_catalogue
from tollkeeper.infra import RuntimeDep
from tollkeeper.kit import FieldProblem, InvalidInputError, Permission, TollkeeperError, new_id
from tollkeeper.orgs import get_organization
from tollkeeper.web.ui import go, page, read_form

from .addon_views import addon_rows
from .billing import show_billing
from .billing_views import change_view
from .changes import moment_of
from .person import PersonDep, load_viewer

router = APIRouter()
MOST = 10_000


@router.get("/billing/addons")
async def addon_page(
    request: Request, runtime: RuntimeDep, actor: PersonDep, addon: str = "", quantity: str = ""
) -> Response:
    """Show what having so many units costs, line by line, and when it is."""
    actor.must(Permission.BILLING_MANAGE)
    try:
        async with provider_transaction(runtime) as tx:
            viewer = await load_viewer(tx, actor)
            organization = await get_organization(tx, actor.own_organization())
            wanted = AddonChange(find_addon(await load_catalogue(tx), addon).key, _count(quantity))
            preview = await preview_addon(tx, organization.id, wanted)
            rows = addon_rows(await list_addons(tx, organization.id, created_at=organization.created_at))
    except TollkeeperError as error:
        return await show_billing(request, runtime, actor, failure=error)
    row = next((each for each in rows if each.key == wanted.addon), None)
    if row is None or wanted.quantity == row.later:
        return go("/billing")
    return page(
        request,
        "portal/addon.html",
        viewer=viewer,
        banners=[],
        addon=row,
        quantity=wanted.quantity,
        change=change_view(preview),
        as_of=preview.cost.at.isoformat(),
        once=new_id().hex,
    )


@router.post("/billing/addons")
async def addon_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Have so many units; sent twice, the form changes once."""
    actor.must(Permission.BILLING_MANAGE)
    fields = await read_form(request)
    once = f"addon-{actor.own_organization()}-{fields.get('once') or new_id().hex}"
    try:
        wanted = AddonChange(
            fields.get("addon", ""), _count(fields.get("quantity", "")), moment_of(fields.get("as_of", ""))
        )
        async with provider_transaction(runtime) as tx:
            await set_addon(tx, actor.own_organization(), wanted, idempotency_key=once[:200])
    except TollkeeperError as error:
        return await show_billing(request, runtime, actor, failure=error)
    return go("/billing")


def _count(text: str) -> int:
    """Return the number of units a form carries.

    Raises:
        InvalidInputError: it is none.
    """
    if not text.isascii() or not text.isdigit() or len(text) > len(str(MOST)) or int(text) > MOST:
        raise InvalidInputError([FieldProblem("quantity", "A whole number of units is needed.")])
    return int(text)
