"""The addresses of billing."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing.flows import jobs, service
from tollkeeper.billing.flows.model import Purchase
from tollkeeper.billing.provider import WebhookSignatureError
from tollkeeper.infra import ActorDep, RuntimeDep, Sparingly, TxDep
from tollkeeper.infra.idempotency import IdempotencyDep
from tollkeeper.kit import Permission, new_id
from tollkeeper.orgs import organization_for

from .access import BILLING_PAGE, CustomerQuery, ProviderTxDep, buyer_of, intervals, manager, page_after, reader
from .schemas import (
    CancelIn,
    ChangeIn,
    CheckoutIn,
    CheckoutOut,
    OverviewOut,
    PortalIn,
    PortalOut,
    PreviewOut,
    ReceivedOut,
    ResumeIn,
)
from .standing import shown_status
from .status_schemas import StatusOut

router = APIRouter(tags=["billing"])

RETURN_PAGE = "/checkout/return?session_id={CHECKOUT_SESSION_ID}"
CANCEL_PAGE = "/checkout/cancelled"


@router.post("/stripe/create-checkout", response_model=CheckoutOut)
async def post_checkout(
    request: Request, body: CheckoutIn, actor: ActorDep, tx: ProviderTxDep, once: IdempotencyDep
) -> Response:
    """Open a hosted page on which the organization buys a plan. Asking again for the same returns the same page."""
    actor.must(Permission.BILLING_MANAGE)
    organization = await organization_for(tx, actor, body.customer)
    purchase = Purchase(
        success_url=page_after(request, actor, body.success_url, field="success_url", default=RETURN_PAGE),
        cancel_url=page_after(request, actor, body.cancel_url, field="cancel_url", default=CANCEL_PAGE),
        plan=body.plan,
        interval=body.interval,
        price_id=body.price,
        addons=body.units(),
        currency=body.currency,
        promotion_code=body.promotion_code,
    )

    async def work() -> CheckoutOut:
        opened = await service.create_checkout(tx, await buyer_of(tx, actor, organization), purchase)
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
    return_url = page_after(request, actor, wish.return_url, field="return_url", default=BILLING_PAGE)

    async def work() -> PortalOut:
        return PortalOut(url=await service.open_portal(tx, organization.id, return_url=return_url))

    return await once.run_in(tx, work, status=200)


@router.post("/webhooks/stripe", responses={400: {"description": "Not signed, not by the provider, or too old."}})
async def post_webhook(request: Request, runtime: RuntimeDep) -> ReceivedOut:
    """Take an event of the payment provider: signed, at most five minutes old, stored before the answer."""
    body = await request.body()
    try:
        event = service.read_delivery(runtime, body, request.headers.get("stripe-signature"))
    except WebhookSignatureError as refusal:
        if runtime.parts.setdefault(Sparingly, Sparingly()).allows(refusal.code, runtime.clock.now()):
            async with runtime.transaction() as tx:
                await tx.record("webhook.refused", target=("webhook", ""), after={"reason": refusal.code})
        raise
    async with runtime.transaction() as tx:
        await jobs.enqueue(tx, event, body)
    return ReceivedOut()


@router.get("/subscription/status")
async def get_status(actor: ActorDep, tx: TxDep, customer: CustomerQuery = None) -> StatusOut:
    """Tell the plan that may be used now and the state of the subscription."""
    return await shown_status(tx, await reader(tx, actor, customer))


@router.post("/subscription/preview")
async def post_preview(body: ChangeIn, actor: ActorDep, tx: ProviderTxDep) -> PreviewOut:
    """Tell what a change of plan, interval or seats would cost, line by line, and when it is. Changes nothing."""
    actor.must(Permission.BILLING_READ)
    organization = await organization_for(tx, actor, body.customer)
    change = body.change()
    if change.only_promotion and change.promotion_code:
        return PreviewOut.of(await service.preview_promotion(tx, organization.id, change.promotion_code))
    return PreviewOut.of(await service.preview_change(tx, organization.id, change))


@router.post("/subscription/change", response_model=StatusOut)
async def post_change(body: ChangeIn, actor: ActorDep, tx: ProviderTxDep, once: IdempotencyDep) -> Response:
    """Change plan, interval or seats: a step up at once, charged by the second; a step down when the period ends."""
    organization = await manager(tx, actor, body.customer)

    async def work() -> StatusOut:
        key = f"change-{new_id()}"
        change = body.change()
        if change.only_promotion and change.promotion_code:
            await service.apply_promotion(tx, organization.id, change.promotion_code, idempotency_key=key)
        else:
            await service.change_plan(tx, organization.id, change, idempotency_key=key)
        return await shown_status(tx, organization)

    return await once.run_in(tx, work, status=200)


@router.post("/subscription/change/cancel")
async def post_cancel_change(actor: ActorDep, tx: ProviderTxDep, body: ResumeIn | None = None) -> StatusOut:
    """Take back a change that was to come when the period ends."""
    organization = await manager(tx, actor, body.customer if body else None)
    await service.cancel_change(tx, organization.id)
    return await shown_status(tx, organization)


@router.post("/subscription/cancel")
async def post_cancel(actor: ActorDep, tx: ProviderTxDep, body: CancelIn | None = None) -> StatusOut:
    """End the subscription, when the paid period is over or now."""
    wish = body or CancelIn()
    organization = await manager(tx, actor, wish.customer)
    await service.cancel(tx, organization.id, wish.at)
    return await shown_status(tx, organization)


@router.post("/subscription/resume")
async def post_resume(actor: ActorDep, tx: ProviderTxDep, body: ResumeIn | None = None) -> StatusOut:
    """Take back a cancellation that has not happened yet."""
    organization = await manager(tx, actor, body.customer if body else None)
    await service.resume(tx, organization.id)
    return await shown_status(tx, organization)


@router.get("/billing/overview")
async def get_overview(actor: ActorDep, tx: TxDep, customer: CustomerQuery = None) -> OverviewOut:
    """Tell plan, next charge, balance, payment method and usage."""
    organization = await reader(tx, actor, customer)
    found = await service.overview(tx, organization.id, created_at=organization.created_at)
    return OverviewOut.of(found, await intervals(tx))
