"""Ways to pay: listed, added on the provider's page, made the default, removed."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import (
    PaymentMethodNotFoundError,
    add_payment_method,
    list_invoices,
    list_payment_methods,
    make_default,
    provider_transaction,
    remove_payment_method,
    status,
)
from tollkeeper.catalog import load_catalogue
from tollkeeper.infra import Runtime, RuntimeDep
from tollkeeper.kit import Actor, Permission, TollkeeperError
from tollkeeper.web.ui import base_url_of, go, leave, page, read_form, toast

from .billing import failure_banner
from .method_views import method_rows
from .person import PersonDep, load_viewer, may
from .standing import METHODS, standing_banners

router = APIRouter()


@router.get(METHODS)
async def methods_page(request: Request, runtime: RuntimeDep, actor: PersonDep, whole: str = "") -> Response:
    """Show the page at once and the ways to pay when the provider has told them; `whole` waits for the provider."""
    actor.must(Permission.BILLING_READ)
    return await (_show(request, runtime, actor) if whole else _show_at_once(request, runtime, actor))


@router.post(METHODS)
async def add_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Lead to the provider's page on which a way to pay is added."""
    actor.must(Permission.BILLING_MANAGE)
    await read_form(request)
    back = f"{base_url_of(request)}{METHODS}"
    try:
        async with provider_transaction(runtime) as tx:
            url = await add_payment_method(tx, actor.own_organization(), success_url=back, cancel_url=back)
    except TollkeeperError as error:
        return await _show(request, runtime, actor, failure=error)
    return leave(request, url, "the payment provider")


@router.post(METHODS + "/{method_id}/default")
async def default_form(request: Request, runtime: RuntimeDep, actor: PersonDep, method_id: str) -> Response:
    """Pay with this one from now on."""
    actor.must(Permission.BILLING_MANAGE)
    await read_form(request)
    try:
        async with provider_transaction(runtime) as tx:
            await make_default(tx, actor.own_organization(), method_id)
    except TollkeeperError as error:
        return await _show(request, runtime, actor, failure=error)
    return toast(request, go(METHODS), "This is what pays from now on.")


@router.get(METHODS + "/{method_id}/remove")
async def remove_page(request: Request, runtime: RuntimeDep, actor: PersonDep, method_id: str) -> Response:
    """Ask before a way to pay is forgotten."""
    actor.must(Permission.BILLING_MANAGE)
    async with provider_transaction(runtime) as tx:
        viewer = await load_viewer(tx, actor)
        rows = method_rows(await list_payment_methods(tx, actor.own_organization()), tx.now)
    row = next((each for each in rows if each.id == method_id), None)
    if row is None:
        raise PaymentMethodNotFoundError
    return page(request, "portal/remove_method.html", viewer=viewer, banners=[], method=row)


@router.post(METHODS + "/{method_id}/remove")
async def remove_form(request: Request, runtime: RuntimeDep, actor: PersonDep, method_id: str) -> Response:
    """Forget a way to pay."""
    actor.must(Permission.BILLING_MANAGE)
    await read_form(request)
    try:
        async with provider_transaction(runtime) as tx:
            await remove_payment_method(tx, actor.own_organization(), method_id)
    except TollkeeperError as error:
        return await _show(request, runtime, actor, failure=error)
    return toast(request, go(METHODS), "That way to pay is removed.")


async def _show_at_once(request: Request, runtime: Runtime, actor: Actor) -> Response:
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        standing = await status(tx, viewer.home.id, created_at=viewer.home.created_at)
        banners = await standing_banners(tx, actor, viewer, standing, await load_catalogue(tx))
    return page(request, "portal/methods.html", viewer=viewer, banners=banners, is_whole=False)


async def _show(
    request: Request, runtime: Runtime, actor: Actor, *, failure: TollkeeperError | None = None
) -> Response:
    async with provider_transaction(runtime) as tx:
        viewer = await load_viewer(tx, actor)
        organization = viewer.home
        standing = await status(tx, organization.id, created_at=organization.created_at)
        rows = method_rows(await list_payment_methods(tx, organization.id), tx.now)
        bought = bool((await list_invoices(tx, organization.id, limit=1)).data)
        banners = await standing_banners(tx, actor, viewer, standing, await load_catalogue(tx))
    return page(
        request,
        "portal/methods.html",
        status=failure.status if failure else 200,
        viewer=viewer,
        banners=[failure_banner(failure), *banners] if failure else banners,
        is_whole=True,
        may_manage=may(actor, Permission.BILLING_MANAGE),
        can_add=bool(rows) or bought or standing.subscription is not None,
        methods=rows,
    )
