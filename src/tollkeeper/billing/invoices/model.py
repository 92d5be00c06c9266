"""Invoices as we mirror them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tollkeeper.billing.provider import BilledTo, CreditNoteLine, Discount, InvoiceLine, Tax, Term
from tollkeeper.kit import Money, NotFoundError


class InvoiceOrder(StrEnum):
    """What invoices are sorted by."""

    ISSUED = "issued"
    TOTAL = "total"
    """Each currency apart, since amounts of two are not comparable."""


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice as last mirrored. `issued_at` is the provider's; `status` its word. Amounts share one currency.

    `subtotal - discount_total + taxes that come on top = total`, the lines add up to `subtotal`, and
    `total + starting_balance - credited_before_payment = amount_due` unless that is less than nothing. A negative
    balance is credit; `ending_balance` None: not applied yet.
    """

    id: UUID
    organization_id: UUID
    provider_id: str
    subscription: str | None
    number: str | None
    status: str
    reason: str | None
    subtotal: Money
    tax: Money
    total: Money
    amount_due: Money
    amount_paid: Money
    amount_remaining: Money
    attempt_count: int
    issued_at: datetime
    period_start: datetime | None
    period_end: datetime | None
    due_at: datetime | None
    paid_at: datetime | None
    next_attempt_at: datetime | None
    page_url: str | None
    pdf_url: str | None
    lines: tuple[InvoiceLine, ...]
    discount_total: Money
    discounts: tuple[Discount, ...]
    taxes: tuple[Tax, ...]
    starting_balance: Money
    ending_balance: Money | None
    credited_before_payment: Money
    credited_after_payment: Money
    billed_to: BilledTo
    memo: str | None
    finalized_at: datetime | None
    voided_at: datetime | None

    @property
    def applied_balance(self) -> Money:
        """What the customer's balance took off the total (negative: what it added to it)."""
        left = self.ending_balance if self.ending_balance is not None else self.starting_balance
        return left - self.starting_balance

    @property
    def reverse_charge(self) -> bool:
        """Whether the customer accounts for the tax themselves."""
        return self.billed_to.tax_exempt == "reverse" or any(tax.reason == "reverse_charge" for tax in self.taxes)


@dataclass(frozen=True, slots=True)
class CreditNote:
    """A credit note as last mirrored; what it gave back went to the card, to the balance, or outside the provider."""

    id: UUID
    provider_id: str
    number: str
    status: str
    reason: str | None
    memo: str | None
    subtotal: Money
    tax: Money
    total: Money
    before_payment: Money
    after_payment: Money
    refunded: Money
    credited: Money
    outside: Money
    issued_at: datetime
    voided_at: datetime | None
    pdf_url: str | None
    lines: tuple[CreditNoteLine, ...]


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """An invoice with all that is needed to print it: its credit notes, oldest first, and the names of taxes and
    discounts by the provider's ids, as far as they are known. `paid_with` says how it was paid; empty: nobody knows.
    """

    invoice: Invoice
    credit_notes: tuple[CreditNote, ...]
    terms: Mapping[str, Term]
    paid_with: str = ""

    @property
    def is_receipt(self) -> bool:
        """Whether it says that money came for all of it."""
        return (
            self.invoice.status == "paid" and self.invoice.paid_at is not None and self.invoice.amount_paid.amount > 0
        )


class InvoiceNotFoundError(NotFoundError):
    """There is no such invoice, or it is somebody else's."""

    code = "invoice_not_found"
    title = "There is no such invoice"
    hint = "GET /api/billing/invoices lists yours."
