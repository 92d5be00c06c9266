"""The addresses of billing."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

from tollkeeper.billing.invoices import Invoice, get_invoice, list_invoices
from tollkeeper.billing.provider import CancelAt, InvoiceLine, Preview
from tollkeeper.billing.subscriptions import Status, status
from tollkeeper.identity import get_user
from tollkeeper.infra import ActorDep, RuntimeDep, Tx, TxDep
from tollkeeper.kit import Actor, ActorKind, Money, Permission, new_id
from tollkeeper.orgs import Organization, organization_for
from tollkeeper.rating import Interval

from . import jobs, service
from .model import Buyer, Overview, Purchase
from .rules import MAX_URL, redirect_url

router = APIRouter(tags=["billing"])

Reference = Annotated[str, Field(min_length=1, max_length=200)]
CustomerQuery = Annotated[
    str | None, Query(min_length=1, max_length=200, description="For operators: the organization, by id or external id")
]
RETURN_PAGE = "/checkout/return?session_id={CHECKOUT_SESSION_ID}"
CANCEL_PAGE = "/checkout/cancelled"
BILLING_PAGE = "/billing"


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")
    customer: Reference | None = None


class CheckoutIn(_In):
    """What to buy, and where to send the buyer afterwards. One of plan and price is needed."""

    plan: Reference | None = Field(None, validation_alias=AliasChoices("plan", "planId"))
    price: Reference | None = Field(None, validation_alias=AliasChoices("stripePriceId", "price"))
    interval: Literal["month", "year"] | None = None
    success_url: Annotated[str, Field(max_length=MAX_URL)] | None = None
    cancel_url: Annotated[str, Field(max_length=MAX_URL)] | None = None

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.plan is None and self.price is None:
            raise ValueError("name the `plan` to buy")
        return self


class CheckoutOut(BaseModel):
    """The hosted page to send the buyer to."""

    url: str
    session_id: str


class PortalIn(_In):
    """Where to send the customer after the self-service page."""

    return_url: Annotated[str, Field(max_length=MAX_URL)] | None = None


class PortalOut(BaseModel):
    """The hosted self-service page."""

    url: str


class ReceivedOut(BaseModel):
    """The event is stored; work on it happens later."""

    received: bool = True


class StatusOut(BaseModel):
    """The plan that may be used now, and the subscription behind it. Times are null where they do not apply."""

    plan: str
    status: str
    current_period_start: datetime | None
    current_period_end: datetime | None
    cancel_at_period_end: bool
    trial_end: datetime | None
    pending_change: None = None

    @classmethod
    def of(cls, found: Status) -> Self:
        """Show a status."""
        return cls(
            plan=found.plan,
            status=found.status,
            current_period_start=found.current_period_start,
            current_period_end=found.current_period_end,
            cancel_at_period_end=found.cancel_at_period_end,
            trial_end=found.trial_end,
        )


class ChangeIn(_In):
    """The plan to move to."""

    plan: Reference
    interval: Literal["month", "year"] | None = None


class CancelIn(_In):
    """When the subscription is to end."""

    at: CancelAt = CancelAt.PERIOD_END


class ResumeIn(_In):
    """Nothing but, for operators, the customer."""


class MoneyOut(BaseModel):
    """An exact amount in minor units of a currency."""

    amount: int
    currency: str

    @classmethod
    def of(cls, money: Money) -> Self:
        """Show an amount."""
        return cls(amount=money.amount, currency=money.currency)


class LineOut(BaseModel):
    """One line of an invoice, for `[period_start, period_end)`; `amount` may be negative (a credit)."""

    description: str
    amount: MoneyOut
    quantity: int | None
    period_start: datetime | None
    period_end: datetime | None
    proration: bool

    @classmethod
    def of(cls, line: InvoiceLine, currency: str) -> Self:
        """Show a line."""
        return cls(
            description=line.description,
            amount=MoneyOut(amount=line.amount, currency=currency),
            quantity=line.quantity,
            period_start=line.period_start,
            period_end=line.period_end,
            proration=line.proration,
        )


class PreviewOut(BaseModel):
    """What a change would cost now; `balance` is what the customer then has (negative: credit)."""

    due_now: MoneyOut
    balance: MoneyOut
    lines: list[LineOut]

    @classmethod
    def of(cls, preview: Preview) -> Self:
        """Show a preview."""
        return cls(
            due_now=MoneyOut.of(preview.due_now),
            balance=MoneyOut.of(preview.balance_after),
            lines=[LineOut.of(line, preview.due_now.currency) for line in preview.lines],
        )


class InvoiceOut(BaseModel):
    """An invoice without its lines."""

    id: UUID
    number: str | None
    status: str
    reason: str | None
    subtotal: MoneyOut
    tax: MoneyOut
    total: MoneyOut
    amount_due: MoneyOut
    amount_paid: MoneyOut
    amount_remaining: MoneyOut
    issued_at: datetime
    period_start: datetime | None
    period_end: datetime | None
    due_at: datetime | None
    paid_at: datetime | None
    next_attempt_at: datetime | None
    page_url: str | None
    pdf_url: str | None

    @classmethod
    def values(cls, invoice: Invoice) -> dict[str, Any]:
        """Return the values of an invoice under the names shown."""
        same = {name: getattr(invoice, name) for name in InvoiceOut.model_fields}
        return {name: MoneyOut.of(value) if isinstance(value, Money) else value for name, value in same.items()}


class InvoiceDetailOut(InvoiceOut):
    """An invoice with its lines."""

    lines: list[LineOut]


class InvoicesOut(BaseModel):
    """Invoices, newest first."""

    data: list[InvoiceOut]
    next_cursor: str | None


class PaymentMethodOut(BaseModel):
    """What may be shown of a way to pay."""

    kind: str
    brand: str | None
    last4: str | None
    exp_month: int | None
    exp_year: int | None


class NextInvoiceOut(BaseModel):
    """What will be charged next, before taxes and credit."""

    at: datetime
    amount: MoneyOut


class OverviewOut(BaseModel):
    """Everything of billing at a glance; `balance` negative is credit."""

    plan: str
    plan_name: str
    subscription: StatusOut
    next_invoice: NextInvoiceOut | None
    balance: MoneyOut | None
    payment_method: PaymentMethodOut | None
    usage: list[Any]

    @classmethod
    def of(cls, found: Overview) -> Self:
        """Show an overview."""
        subscription, customer, coming = found.status.subscription, found.customer, found.next_invoice
        method = (subscription.payment_method if subscription else None) or (
            customer.payment_method if customer else None
        )
        shown = PaymentMethodOut.model_validate(method, from_attributes=True) if method else None
        return cls(
            plan=found.status.plan,
            plan_name=found.plan_name,
            subscription=StatusOut.of(found.status),
            next_invoice=NextInvoiceOut(at=coming.at, amount=MoneyOut.of(coming.amount)) if coming else None,
            balance=MoneyOut.of(customer.balance) if customer and customer.balance else None,
            payment_method=shown,
            usage=found.usage,
        )


@router.post("/stripe/create-checkout")
async def post_checkout(request: Request, body: CheckoutIn, actor: ActorDep, tx: TxDep) -> CheckoutOut:
    """Open a hosted page on which the organization buys a plan. Asking again for the same returns the same page."""
    actor.must(Permission.BILLING_MANAGE)
    organization = await organization_for(tx, actor, body.customer)
    base, browser = _base(request), actor.kind is ActorKind.SESSION
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
    opened = await service.create_checkout(tx, await _buyer(tx, actor, organization), purchase)
    return CheckoutOut(url=opened.url, session_id=opened.session_id)


@router.post("/stripe/portal")
async def post_portal(request: Request, actor: ActorDep, tx: TxDep, body: PortalIn | None = None) -> PortalOut:
    """Open the hosted page where payment methods, invoices and cancellation are handled."""
    actor.must(Permission.BILLING_MANAGE)
    wish = body or PortalIn()
    organization = await organization_for(tx, actor, wish.customer)
    return_url = redirect_url(
        wish.return_url,
        field="return_url",
        default=BILLING_PAGE,
        base=_base(request),
        own_site_only=actor.kind is ActorKind.SESSION,
    )
    return PortalOut(url=await service.open_portal(tx, organization.id, return_url=return_url))


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
    return await _status(tx, await _reader(tx, actor, customer))


@router.post("/subscription/preview")
async def post_preview(body: ChangeIn, actor: ActorDep, tx: TxDep) -> PreviewOut:
    """Tell what moving to another plan now would cost, line by line. Changes nothing."""
    actor.must(Permission.BILLING_READ)
    organization = await organization_for(tx, actor, body.customer)
    return PreviewOut.of(await service.preview_change(tx, organization.id, body.plan, _interval(body.interval)))


@router.post("/subscription/change")
async def post_change(body: ChangeIn, actor: ActorDep, tx: TxDep) -> StatusOut:
    """Move to another plan at once; the difference is charged or credited by the second."""
    organization = await _manager(tx, actor, body.customer)
    key = f"change-{new_id()}"
    await service.change_plan(tx, organization.id, body.plan, _interval(body.interval), idempotency_key=key)
    return await _status(tx, organization)


@router.post("/subscription/cancel")
async def post_cancel(actor: ActorDep, tx: TxDep, body: CancelIn | None = None) -> StatusOut:
    """End the subscription, when the paid period is over or now."""
    wish = body or CancelIn()
    organization = await _manager(tx, actor, wish.customer)
    await service.cancel(tx, organization.id, wish.at)
    return await _status(tx, organization)


@router.post("/subscription/resume")
async def post_resume(actor: ActorDep, tx: TxDep, body: ResumeIn | None = None) -> StatusOut:
    """Take back a cancellation that has not happened yet."""
    organization = await _manager(tx, actor, body.customer if body else None)
    await service.resume(tx, organization.id)
    return await _status(tx, organization)


@router.get("/billing/overview")
async def get_overview(actor: ActorDep, tx: TxDep, customer: CustomerQuery = None) -> OverviewOut:
    """Tell plan, next charge, balance, payment method and usage."""
    organization = await _reader(tx, actor, customer)
    return OverviewOut.of(await service.overview(tx, organization.id, created_at=organization.created_at))


@router.get("/billing/invoices")
async def get_invoices(
    actor: ActorDep,
    tx: TxDep,
    customer: CustomerQuery = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> InvoicesOut:
    """List invoices, newest first."""
    organization = await _reader(tx, actor, customer)
    page = await list_invoices(tx, organization.id, cursor=cursor, limit=limit)
    data = [InvoiceOut(**InvoiceOut.values(invoice)) for invoice in page.data]
    return InvoicesOut(data=data, next_cursor=page.next_cursor)


@router.get("/billing/invoices/{invoice_id}")
async def get_one_invoice(
    invoice_id: UUID, actor: ActorDep, tx: TxDep, customer: CustomerQuery = None
) -> InvoiceDetailOut:
    """Read one invoice with its lines."""
    organization = await _reader(tx, actor, customer)
    invoice = await get_invoice(tx, organization.id, invoice_id)
    lines = [LineOut.of(line, invoice.total.currency) for line in invoice.lines]
    return InvoiceDetailOut(**InvoiceOut.values(invoice), lines=lines)


async def _status(tx: Tx, organization: Organization) -> StatusOut:
    return StatusOut.of(await status(tx, organization.id, created_at=organization.created_at))


async def _reader(tx: Tx, actor: Actor, customer: str | None) -> Organization:
    actor.must(Permission.BILLING_READ)
    return await organization_for(tx, actor, customer)


async def _manager(tx: Tx, actor: Actor, customer: str | None) -> Organization:
    actor.must(Permission.BILLING_MANAGE)
    return await organization_for(tx, actor, customer)


async def _buyer(tx: Tx, actor: Actor, organization: Organization) -> Buyer:
    email = (await get_user(tx, actor.user_id)).email if actor.user_id and not actor.is_operator else None
    return Buyer(organization.id, organization.name, email)


def _interval(text: str | None) -> Interval | None:
    return Interval(text) if text else None


def _base(request: Request) -> str:
    configured: str = request.app.state.runtime.settings.public_url
    return configured or str(request.base_url).rstrip("/")
