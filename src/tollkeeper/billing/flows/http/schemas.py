"""What the addresses of billing take and answer."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AliasChoices,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from tollkeeper.billing.flows.model import Change, ChangeAt, NextInvoice, Overview, PreviewedChange
from tollkeeper.billing.provider import CancelAt, Discount, InvoiceLine, LineKind, Preview, Tax, Term
from tollkeeper.kit import MAX_URL
from tollkeeper.rating import Interval

from .addons_schemas import AddonIn
from .amounts import MoneyOut
from .methods_schemas import PaymentMethodOut
from .status_schemas import StatusOut
from .usage_schemas import UsageSoFarOut

_NO_TERMS: Mapping[str, Term] = MappingProxyType({})


def _without_nul(text: str) -> str:
    if "\x00" in text:  # the database knows no NUL: nothing can be called that
        raise ValueError("must not hold a NUL character")
    return text


Reference = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_without_nul)]
Currency = Annotated[str, Field(pattern=r"^[a-z]{3}$")]
PromotionText = Annotated[str, Field(min_length=1, max_length=100)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")
    customer: Reference | None = None


class CheckoutIn(_In):
    """What to buy, and where to send the buyer afterwards. One of plan and price is needed.

    `currency`: left out, the one the customer pays in, else the plan's first. `promotion_code` is what the customer
    typed; left out, the page has a field for one when there are any. `addons` are bought together with the plan.
    """

    plan: Reference | None = Field(None, validation_alias=AliasChoices("plan", "planId"))
    price: Reference | None = Field(None, validation_alias=AliasChoices("stripePriceId", "price"))
    interval: Literal["month", "year"] | None = None
    success_url: Annotated[str, Field(max_length=MAX_URL)] | None = None
    cancel_url: Annotated[str, Field(max_length=MAX_URL)] | None = None
    addons: Annotated[list[AddonIn], Field(max_length=10)] = []
    currency: Currency | None = None
    promotion_code: PromotionText | None = None

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.plan is None and self.price is None:
            raise ValueError("name the `plan` to buy")
        return self

    @field_validator("addons")
    @classmethod
    def _names_each_once(cls, addons: list[AddonIn]) -> list[AddonIn]:
        if len({each.addon for each in addons}) < len(addons):
            raise ValueError("name each add-on once")
        return addons

    def units(self) -> dict[str, int]:
        """Return how many units of which add-on are bought with the plan."""
        return {each.addon: each.quantity for each in self.addons}


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


class ChangeIn(_In):
    """What the subscription is to become; what is left out stays. At least one thing is needed.

    `at`: `now` or `period_end`; left out, a step up is made now and a step down when the period ends. `as_of`: that of
    a preview at most an hour old, so that the change costs exactly what it said. `promotion_code` lowers the invoices
    from the change on, in place of what lowers them now.
    """

    plan: Reference | None = None
    interval: Literal["month", "year"] | None = None
    quantity: Annotated[int, Field(ge=1, le=1_000_000, strict=True)] | None = None
    at: ChangeAt | None = None
    as_of: AwareDatetime | None = None
    promotion_code: PromotionText | None = None

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if (self.plan, self.interval, self.quantity, self.promotion_code) == (None, None, None, None):
            raise ValueError("name a `plan`, an `interval`, a `quantity` or a `promotion_code`")
        return self

    def change(self) -> Change:
        """Return the change asked for."""
        interval = Interval(self.interval) if self.interval else None
        return Change(self.plan, interval, self.quantity, self.at, self.as_of, self.promotion_code)


class CancelIn(_In):
    """When the subscription is to end."""

    at: CancelAt = CancelAt.PERIOD_END


class ResumeIn(_In):
    """Nothing but, for operators, the customer."""


class TaxOut(BaseModel):
    """A tax: what it was worked out from, its rate and why. `inclusive` tax is part of the amounts, other comes on top.

    `name`, `percentage`, `place` and `country` are null where the provider did not tell.
    """

    amount: MoneyOut
    taxable: MoneyOut | None
    inclusive: bool
    reason: str | None
    name: str | None
    percentage: str | None
    place: str | None
    country: str | None

    @classmethod
    def of(cls, tax: Tax, currency: str, terms: Mapping[str, Term]) -> Self:
        """Show a tax; `terms` names its rate."""
        term = terms.get(tax.rate or "")
        return cls(
            amount=MoneyOut(amount=tax.amount, currency=currency),
            taxable=None if tax.taxable is None else MoneyOut(amount=tax.taxable, currency=currency),
            inclusive=tax.inclusive,
            reason=tax.reason,
            name=term.name if term else None,
            percentage=term.percentage if term else None,
            place=term.place if term else None,
            country=term.country if term else None,
        )


class DiscountOut(BaseModel):
    """What a discount took off. `name` is the coupon's, `code` the promotion code; null where not known."""

    amount: MoneyOut
    name: str | None
    code: str | None
    percentage: str | None

    @classmethod
    def of(cls, discount: Discount, currency: str, terms: Mapping[str, Term]) -> Self:
        """Show a discount; `terms` names it."""
        term = terms.get(discount.discount)
        return cls(
            amount=MoneyOut(amount=discount.amount, currency=currency),
            name=term.name if term else None,
            code=term.code if term else None,
            percentage=term.percentage if term else None,
        )


class LineOut(BaseModel):
    """One line of an invoice, for `[period_start, period_end)`; `amount` may be negative (a credit).

    `amount` is before discounts and before tax that comes on top; `unit_amount` is exact, in minor units.
    """

    description: str
    kind: LineKind
    amount: MoneyOut
    unit_amount: str | None
    quantity: int | None
    period_start: datetime | None
    period_end: datetime | None
    proration: bool
    discounts: list[DiscountOut]
    taxes: list[TaxOut]

    @classmethod
    def of(cls, line: InvoiceLine, currency: str, terms: Mapping[str, Term] = _NO_TERMS) -> Self:
        """Show a line; `terms` names its taxes and discounts."""
        return cls(
            description=line.description,
            kind=line.kind,
            amount=MoneyOut(amount=line.amount, currency=currency),
            unit_amount=line.unit_amount,
            quantity=line.quantity,
            period_start=line.period_start,
            period_end=line.period_end,
            proration=line.proration,
            discounts=[DiscountOut.of(each, currency, terms) for each in line.discounts],
            taxes=[TaxOut.of(each, currency, terms) for each in line.taxes],
        )


class ComingInvoiceOut(BaseModel):
    """What the next invoice would be, where nothing is charged before."""

    due: MoneyOut
    discount_total: MoneyOut
    total: MoneyOut
    lines: list[LineOut]

    @classmethod
    def of(cls, found: Preview) -> Self:
        """Show an invoice to come."""
        currency = found.due_now.currency
        return cls(
            due=MoneyOut.of(found.due_now),
            discount_total=MoneyOut(amount=found.discount_total, currency=currency),
            total=MoneyOut(amount=found.total, currency=currency),
            lines=[LineOut.of(line, currency) for line in found.lines],
        )


class PreviewOut(BaseModel):
    """What a change would cost now; `balance` is what the customer then has (negative: credit).

    `as_of` is the moment the lines count from; sent with the change, it costs exactly this. `subtotal` less
    `discount_total` plus taxes that come on top is `total`; what the balance takes off that is not due.
    `next_invoice` is set where nothing is charged before it: a promotion code alone, a change during a trial.
    """

    at: ChangeAt
    effective_at: datetime
    as_of: datetime
    due_now: MoneyOut
    balance: MoneyOut
    lines: list[LineOut]
    subtotal: MoneyOut
    discount_total: MoneyOut
    taxes: list[TaxOut]
    total: MoneyOut
    next_invoice: ComingInvoiceOut | None

    @classmethod
    def of(cls, found: PreviewedChange) -> Self:
        """Show a preview."""
        preview = found.cost
        currency = preview.due_now.currency
        return cls(
            at=found.at,
            effective_at=found.effective_at,
            as_of=preview.at,
            due_now=MoneyOut.of(preview.due_now),
            balance=MoneyOut.of(preview.balance_after),
            lines=[LineOut.of(line, currency) for line in preview.lines],
            subtotal=MoneyOut(amount=preview.subtotal, currency=currency),
            discount_total=MoneyOut(amount=preview.discount_total, currency=currency),
            taxes=[TaxOut.of(each, currency, _NO_TERMS) for each in preview.taxes],
            total=MoneyOut(amount=preview.total, currency=currency),
            next_invoice=ComingInvoiceOut.of(found.coming) if found.coming else None,
        )


class NextInvoiceOut(BaseModel):
    """What will be charged next, before taxes and credit.

    `usage` is what was used beyond limits so far, and in the amount; it grows until then. `discount_total` is what the
    running discount takes off; the amount is less that.
    """

    at: datetime
    amount: MoneyOut
    discount_total: MoneyOut
    usage: list[UsageSoFarOut]

    @classmethod
    def of(cls, coming: NextInvoice) -> Self:
        """Show what is to come."""
        usage = [UsageSoFarOut.of(each) for each in coming.usage]
        amount, discount = MoneyOut.of(coming.amount), MoneyOut.of(coming.discount)
        return cls(at=coming.at, amount=amount, discount_total=discount, usage=usage)


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
    def of(cls, found: Overview, intervals: Mapping[UUID, str]) -> Self:
        """Show an overview."""
        subscription, customer, coming = found.status.subscription, found.customer, found.next_invoice
        method = (subscription.payment_method if subscription else None) or (
            customer.payment_method if customer else None
        )
        shown = PaymentMethodOut.model_validate(method, from_attributes=True) if method else None
        return cls(
            plan=found.status.plan,
            plan_name=found.plan_name,
            subscription=StatusOut.of(found.status, found.payment, intervals),
            next_invoice=NextInvoiceOut.of(coming) if coming else None,
            balance=MoneyOut.of(customer.balance) if customer and customer.balance else None,
            payment_method=shown,
            usage=found.usage,
        )
