"""The addresses of billing."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from tollkeeper.billing.flows import jobs, service
from tollkeeper.billing.flows.model import Buyer, Purchase
from tollkeeper.billing.flows.rules import redirect_url
from tollkeeper.billing.invoices import get_invoice, list_invoices
from tollkeeper.billing.provider import provider_transaction
from tollkeeper.billing.subscriptions import status
from tollkeeper.catalog import list_prices
from tollkeeper.identity import get_user
from tollkeeper.infra import ActorDep, RuntimeDep, Tx, TxDep, runtime_of
from tollkeeper.infra.idempotency import IdempotencyDep
from tollkeeper.kit import Actor, ActorKind, Permission, new_id
from tollkeeper.orgs import Organization, organization_for

from .schemas import (
    CancelIn,
    ChangeIn,
    CheckoutIn,
    CheckoutOut,
    InvoiceDetailOut,
    InvoiceOut,
    InvoicesOut,
    LineOut,
    OverviewOut,
    PortalIn,
    PortalOut,
    PreviewOut,
    ReceivedOut,
    ResumeIn,
    StatusOut,
)

router = APIRouter(tags=["billing"])

RETURN_PAGE = "/checkout/return?session_id={CHECKOUT_SESSION_ID}"
CANCEL_PAGE = "/checkout/cancelled"
BILLING_PAGE = "/billing"

CustomerQuery = Annotated[
    str | None, Query(min_length=1, max_length=200, description="For operators: the organization, by id or external id")
]


async def _provider_tx(request: Request) -> AsyncIterator[Tx]:
    async with provider_transaction(runtime_of(request)) as tx:
        yield tx


ProviderTxDep = Annotated[Tx, Depends(_provider_tx, scope="function")]


@router.post("/stripe/create-checkout", response_model=CheckoutOut)
async def post_checkout(
    request: Request, body: CheckoutIn, actor: ActorDep, tx: ProviderTxDep, once: IdempotencyDep
) -> Response:
    """Open a hosted page on which the organization buys a plan. Asking again for the same returns the same page."""
    actor.must(Permission.BILLING_MANAGE)
    organization = await organization_for(tx, actor, body.customer)
    base, browser = base_of(request), actor.kind is ActorKind.SESSION
    purchase = Purchase(
        success_url=redirect_url(
            body.success_url, field="success_url", default=RETURN_PAGE, base=base, own_site_only=browser
        ),
        cancel_url=redirect_url(
            body.cancel_url, field="cancel_url", default=CANCEL_PAGE, base=base, own_site_only=browser
        ),
        plan=body.plan,
        interval=body.interval,
        price_id=body.price,
    )

    async def work() -> CheckoutOut:
        opened = await service.create_checkout(tx, await _buyer(tx, actor, organization), purchase)
        return CheckoutOut(url=opened.url, session_id=opened.session_id)

    return await once.run_in(tx, work, status=200)


@router.post("/stripe/portal", response_model=PortalOut)
async def post_portal(
    request: Request, actor: ActorDep, tx: ProviderTxDep, once: IdempotencyDep, *, body: PortalIn | None = None
) -> Response:
    """Open the hosted page where payment methods, invoices and cancellation are handled."""
    actor.must(Permission.BILLING_MANAGE)
    wish = body or PortalIn()
    organization = await organization_for(tx, actor, wish.customer)
    return_url = redirect_url(
        wish.return_url,
        field="return_url",
        default=BILLING_PAGE,
        base=base_of(request),
        own_site_only=actor.kind is ActorKind.SESSION,
    )

    async def work() -> PortalOut:
        return PortalOut(url=await service.open_portal(tx, organization.id, return_url=return_url))

    return await once.run_in(tx, work, status=200)


@router.post("/webhooks/stripe")
async def post_webhook(request: Request, runtime: RuntimeDep) -> ReceivedOut:
    """Take an event of the payment provider: signed, at most five minutes old, stored before the answer."""
    body = await request.body()
    event = service.read_delivery(runtime, body, request.headers.get("stripe-signature"))
    async with runtime.transaction() as tx:
        await jobs.enqueue(tx, event, body)
    return ReceivedOut()


@router.get("/subscription/status")
async def get_status(actor: ActorDep, tx: TxDep, customer: CustomerQuery = None) -> StatusOut:
    """Tell the plan that may be used now and the state of the subscription."""
    return await _status(tx, await reader(tx, actor, customer))


@router.post("/subscription/preview")
async def post_preview(body: ChangeIn, actor: ActorDep, tx: ProviderTxDep) -> PreviewOut:
    """Tell what a change of plan, interval or seats would cost, line by line, and when it is. Changes nothing."""
    actor.must(Permission.BILLING_READ)
    organization = await organization_for(tx, actor, body.customer)
    return PreviewOut.of(await service.preview_change(tx, organization.id, body.change()))


@router.post("/subscription/change", response_model=StatusOut)
async def post_change(body: ChangeIn, actor: ActorDep, tx: ProviderTxDep, once: IdempotencyDep) -> Response:
    """Change plan, interval or seats: a step up at once, charged by the second; a step down when the period ends."""
    organization = await manager(tx, actor, body.customer)

    async def work() -> StatusOut:
        key = f"change-{new_id()}"
        await service.change_plan(tx, organization.id, body.change(), idempotency_key=key)
        return await _status(tx, organization)

    return await once.run_in(tx, work, status=200)


@router.post("/subscription/change/cancel")
async def post_cancel_change(actor: ActorDep, tx: ProviderTxDep, body: ResumeIn | None = None) -> StatusOut:
    """Take back a change that was to come when the period ends."""
    organization = await manager(tx, actor, body.customer if body else None)
    await service.cancel_change(tx, organization.id)
    return await _status(tx, organization)


@router.post("/subscription/cancel")
async def post_cancel(actor: ActorDep, tx: ProviderTxDep, body: CancelIn | None = None) -> StatusOut:
    """End the subscription, when the paid period is over or now."""
    wish = body or CancelIn()
    organization = await manager(tx, actor, wish.customer)
    await service.cancel(tx, organization.id, wish.at)
    return await _status(tx, organization)


@router.post("/subscription/resume")
async def post_resume(actor: ActorDep, tx: ProviderTxDep, body: ResumeIn | None = None) -> StatusOut:
    """Take back a cancellation that has not happened yet."""
    organization = await manager(tx, actor, body.customer if body else None)
    await service.resume(tx, organization.id)
    return await _status(tx, organization)


@router.get("/billing/overview")
async def get_overview(actor: ActorDep, tx: TxDep, customer: CustomerQuery = None) -> OverviewOut:
    """Tell plan, next charge, balance, payment method and usage."""
    organization = await reader(tx, actor, customer)
    found = await service.overview(tx, organization.id, created_at=organization.created_at)
    return OverviewOut.of(found, await _intervals(tx))


@router.get("/billing/invoices")
async def get_invoices(
    actor: ActorDep,
    tx: TxDep,
    customer: CustomerQuery = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> InvoicesOut:
    """List invoices, newest first."""
    organization = await reader(tx, actor, customer)
    page = await list_invoices(tx, organization.id, cursor=cursor, limit=limit)
    data = [InvoiceOut(**InvoiceOut.values(invoice)) for invoice in page.data]
    return InvoicesOut(data=data, next_cursor=page.next_cursor)


@router.get("/billing/invoices/{invoice_id}")
async def get_one_invoice(
    invoice_id: UUID, actor: ActorDep, tx: TxDep, customer: CustomerQuery = None
) -> InvoiceDetailOut:
    """Read one invoice with its lines."""
    organization = await reader(tx, actor, customer)
    invoice = await get_invoice(tx, organization.id, invoice_id)
    lines = [LineOut.of(line, invoice.total.currency) for line in invoice.lines]
    return InvoiceDetailOut(**InvoiceOut.values(invoice), lines=lines)


async def _status(tx: Tx, organization: Organization) -> StatusOut:
    return StatusOut.of(await status(tx, organization.id, created_at=organization.created_at), await _intervals(tx))


async def _intervals(tx: Tx) -> dict[UUID, str]:
    return {price.id: price.interval.value for price in await list_prices(tx)}


async def reader(tx: Tx, actor: Actor, customer: str | None) -> Organization:
    """Return the organization that the caller may read the billing of."""
    actor.must(Permission.BILLING_READ)
    return await organization_for(tx, actor, customer)


async def manager(tx: Tx, actor: Actor, customer: str | None) -> Organization:
    """Return the organization that the caller may manage the billing of."""
    actor.must(Permission.BILLING_MANAGE)
    return await organization_for(tx, actor, customer)


async def _buyer(tx: Tx, actor: Actor, organization: Organization) -> Buyer:
    email = (await get_user(tx, actor.user_id)).email if actor.user_id and not actor.is_operator else None
    return Buyer(organization.id, organization.name, email)


def base_of(request: Request) -> str:
    """Return our own origin, as customers reach it."""
    configured: str = request.app.state.runtime.settings.public_url
    return configured or str(request.base_url).rstrip("/")
