"""Invoices and credit notes as the payment provider has them, in our own words."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class LineKind(StrEnum):
    """What a line is for."""

    PLAN = "plan"
    """A period of what is subscribed to, paid ahead."""
    PRORATION = "proration"
    """A part of a period, charged or credited because something changed within it."""
    USAGE = "usage"
    """What was used in a period that is over."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Tax:
    """Tax on a line or an invoice, in minor units.

    `taxable` is what it was worked out from, None when the provider did not tell. `inclusive` tax is part of the
    amount, other tax comes on top. `rate` is the provider's id of the rate; `reason` its word for why so much, such
    as `standard_rated` or `reverse_charge`.
    """

    amount: int
    taxable: int | None
    inclusive: bool
    rate: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Discount:
    """What a discount took off, in minor units, never negative; `discount` is the provider's id of it."""

    amount: int
    discount: str


@dataclass(frozen=True, slots=True)
class Term:
    """What a tax rate or a discount on invoices is called. `percentage` is exact, as text, and None where unknown.

    `code` is the promotion code a customer typed; `place` the jurisdiction of a tax, `country` its ISO code.
    """

    id: str
    name: str
    percentage: str | None = None
    place: str | None = None
    country: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; None and empty parts are not known. `country` is two ISO letters."""

    line1: str | None = None
    line2: str | None = None
    postal_code: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class PrintedTaxId:
    """A tax id as printed: its kind in the provider's words, such as `eu_vat`, and its value."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class BilledTo:
    """Whom an invoice is made out to, as printed on it. `tax_exempt` is `none`, `exempt` or `reverse`."""

    name: str | None = None
    email: str | None = None
    address: Address | None = None
    tax_ids: tuple[PrintedTaxId, ...] = ()
    tax_exempt: str | None = None


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line of an invoice, for `[period_start, period_end)`. `amount` is in minor units and may be negative.

    `amount` is before discounts and before tax that comes on top. `unit_amount` is the price of one in minor units,
    exact, as text; None when it has none, as parts of a period have not. `provider_item` is the provider's id of the
    invoice item that the line was made from, if it was.
    """

    description: str
    amount: int
    quantity: int | None
    period_start: datetime | None
    period_end: datetime | None
    proration: bool
    provider_price: str | None
    kind: LineKind = LineKind.OTHER
    unit_amount: str | None = None
    discounts: tuple[Discount, ...] = ()
    taxes: tuple[Tax, ...] = ()
    provider_id: str | None = None
    provider_item: str | None = None


@dataclass(frozen=True, slots=True)
class InvoiceState:
    """An invoice as the provider has it now; amounts in minor units of `currency`.

    `status` is `draft`, `open`, `paid`, `uncollectible`, `void`, or a word invented later. What adds up:
    `subtotal - discount_total + exclusive taxes = total`, and the lines to `subtotal`. A negative `starting_balance` is
    credit that was used; `ending_balance` None: not applied yet. `credited_before_payment` lowered what is due,
    `credited_after_payment` was given back. `whole` is false when the provider showed only the first of the lines.
    """

    id: str
    customer_id: str
    subscription_id: str | None
    number: str | None
    status: str
    reason: str | None
    currency: str
    subtotal: int
    tax: int
    total: int
    amount_due: int
    amount_paid: int
    amount_remaining: int
    attempt_count: int
    created_at: datetime
    period_start: datetime | None
    period_end: datetime | None
    due_at: datetime | None
    paid_at: datetime | None
    next_attempt_at: datetime | None
    page_url: str | None
    pdf_url: str | None
    lines: tuple[InvoiceLine, ...]
    discount_total: int = 0
    discounts: tuple[Discount, ...] = ()
    taxes: tuple[Tax, ...] = ()
    starting_balance: int = 0
    ending_balance: int | None = None
    credited_before_payment: int = 0
    credited_after_payment: int = 0
    billed_to: BilledTo = BilledTo()
    memo: str | None = None
    finalized_at: datetime | None = None
    voided_at: datetime | None = None
    whole: bool = True


@dataclass(frozen=True, slots=True)
class CreditNoteLine:
    """One line of a credit note; `amount` is what it takes off, in minor units, before its discount and tax."""

    description: str
    amount: int
    quantity: int | None


@dataclass(frozen=True, slots=True)
class CreditNoteState:
    """A credit note as the provider has it now; amounts in minor units of `currency`, and never negative.

    `total` is `before_payment` (the invoice asks for so much less) and `after_payment` (given back: `refunded` to the
    card, `credited` to the balance, `outside` of the provider). `status` is `issued` or `void`.
    """

    id: str
    invoice_id: str
    customer_id: str
    number: str
    status: str
    reason: str | None
    memo: str | None
    currency: str
    subtotal: int
    tax: int
    total: int
    before_payment: int
    after_payment: int
    refunded: int
    credited: int
    outside: int
    issued_at: datetime
    voided_at: datetime | None
    pdf_url: str | None
    lines: tuple[CreditNoteLine, ...]
