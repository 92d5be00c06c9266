"""To the provider's hosted pages and back: checkout, the billing portal, and the wait for the signed message."""

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import Buyer, Purchase, create_checkout, open_portal, provider_transaction, status
from tollkeeper.catalog import load_catalogue
from tollkeeper.infra import Runtime, RuntimeDep
from tollkeeper.kit import Actor, Permission, TollkeeperError
from tollkeeper.web.ui import base_url_of, chosen_interval, leave, page, read_form

from .billing import show_billing
from .billing_views import Outcome, checkout_outcome
from .person import PersonDep, Viewer, load_viewer

router = APIRouter()


@router.post("/billing/checkout")
async def checkout_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Lead to the provider's page where the plan is paid."""
    actor.must(Permission.BILLING_MANAGE)
    fields = await read_form(request)
    base, code = base_url_of(request), fields.get("promotion_code", "").strip()
    purchase = Purchase(
        success_url=f"{base}/checkout/return?session_id={{CHECKOUT_SESSION_ID}}",
        cancel_url=f"{base}/checkout/cancelled",
        plan=fields.get("plan", ""),
        interval=chosen_interval(fields.get("interval", "")).value,
        promotion_code=code or None,
    )
    try:
        async with provider_transaction(runtime) as tx:
            viewer = await load_viewer(tx, actor)
            buyer = Buyer(actor.own_organization(), viewer.organization, viewer.email)
            checkout = await create_checkout(tx, buyer, purchase)
    except TollkeeperError as error:
        wanted, interval = fields.get("plan", ""), fields.get("interval", "")
        return await show_billing(request, runtime, actor, interval=interval, wanted=wanted, code=code, failure=error)
    return leave(request, checkout.url, "payment")


@router.post("/billing/portal")
async def portal_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Lead to the provider's page for payment methods, invoices and cancellation."""
    actor.must(Permission.BILLING_MANAGE)
    await read_form(request)
    try:
        async with provider_transaction(runtime) as tx:
            url = await open_portal(tx, actor.own_organization(), return_url=f"{base_url_of(request)}/billing")
    except TollkeeperError as error:
        return await show_billing(request, runtime, actor, failure=error)
    return leave(request, url, "the billing portal")


@router.get("/checkout/return")
async def return_page(
    request: Request, runtime: RuntimeDep, actor: PersonDep, session_id: str = "", tries: int = 0
) -> Response:
    """Receive somebody who comes back from paying, and wait for the provider's signed message."""
    actor.must(Permission.BILLING_READ)
    outcome, viewer = await _outcome(runtime, actor, tries)
    query = _next_try(session_id, tries)
    return page(request, "portal/checkout_return.html", viewer=viewer, banners=[], outcome=outcome, query=query)


@router.get("/checkout/return/state")
async def return_state(
    request: Request, runtime: RuntimeDep, actor: PersonDep, session_id: str = "", tries: int = 0
) -> Response:
    """Answer the part of the return page that changes."""
    actor.must(Permission.BILLING_READ)
    outcome, _ = await _outcome(runtime, actor, tries)
    return page(request, "portal/checkout_state.html", outcome=outcome, query=_next_try(session_id, tries))


@router.get("/checkout/cancelled")
async def cancelled_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Receive somebody who left the payment page."""
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
    return page(request, "portal/checkout_cancelled.html", viewer=viewer, banners=[])


def _next_try(session_id: str, tries: int) -> str:
    return urlencode({"session_id": session_id, "tries": min(max(tries, 0), 1_000) + 1})


async def _outcome(runtime: Runtime, actor: Actor, tries: int) -> tuple[Outcome, Viewer]:
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        standing = await status(tx, viewer.home.id, created_at=viewer.home.created_at)
        return checkout_outcome(standing, await load_catalogue(tx), tries), viewer
