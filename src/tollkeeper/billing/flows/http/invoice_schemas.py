"""What the addresses of invoices answer."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel

from tollkeeper.billing.invoices import CreditNote, Invoice, InvoiceDocument
from tollkeeper.billing.provider import BilledTo
from tollkeeper.kit import Money

from .amounts import MoneyOut
from .schemas import DiscountOut, LineOut, TaxOut
from .tax_schemas import AddressOut


class InvoiceOut(BaseModel):
    """An invoice without its lines.

    `subtotal` less `discount_total` plus taxes that come on top is `total`. A negative balance is credit;
    `ending_balance` is null until it was applied.
    """

    id: UUID
    number: str | None
    status: str
    reason: str | None
    subtotal: MoneyOut
    discount_total: MoneyOut
    tax: MoneyOut
    total: MoneyOut
    starting_balance: MoneyOut
    ending_balance: MoneyOut | None
    credited_before_payment: MoneyOut
    credited_after_payment: MoneyOut
    amount_due: MoneyOut
    amount_paid: MoneyOut
    amount_remaining: MoneyOut
    issued_at: datetime
    period_start: datetime | None
    period_end: datetime | None
    due_at: datetime | None
    paid_at: datetime | None
    next_attempt_at: datetime | None
    finalized_at: datetime | None
    voided_at: datetime | None
    page_url: str | None
    pdf_url: str | None

    @classmethod
    def values(cls, invoice: Invoice) -> dict[str, Any]:
        """Return the values of an invoice under the names shown."""
        same = {name: getattr(invoice, name) for name in InvoiceOut.model_fields}
        return {name: MoneyOut.of(value) if isinstance(value, Money) else value for name, value in same.items()}


class CreditNoteLineOut(BaseModel):
    """One line of a credit note."""

    description: str
    amount: MoneyOut
    quantity: int | None


class CreditNoteOut(BaseModel):
    """A credit note. What it gave back went to the card, to the balance, or outside the provider."""

    id: UUID
    number: str
    status: str
    reason: str | None
    memo: str | None
    subtotal: MoneyOut
    tax: MoneyOut
    total: MoneyOut
    before_payment: MoneyOut
    after_payment: MoneyOut
    refunded: MoneyOut
    credited: MoneyOut
    outside: MoneyOut
    issued_at: datetime
    voided_at: datetime | None
    pdf_url: str | None
    lines: list[CreditNoteLineOut]

    @classmethod
    def of(cls, note: CreditNote) -> Self:
        """Show a credit note."""
        same = {name: getattr(note, name) for name in cls.model_fields if name != "lines"}
        shown = {name: MoneyOut.of(value) if isinstance(value, Money) else value for name, value in same.items()}
        currency = note.total.currency
        lines = [
            CreditNoteLineOut(
                description=line.description,
                amount=MoneyOut(amount=line.amount, currency=currency),
                quantity=line.quantity,
            )
            for line in note.lines
        ]
        return cls(**shown, lines=lines)


class PrintedTaxIdOut(BaseModel):
    """A tax id as printed; `type` is the provider's word, such as `eu_vat`."""

    type: str
    value: str


class BilledToOut(BaseModel):
    """Whom the invoice is made out to, as printed on it."""

    name: str | None
    email: str | None
    address: AddressOut | None
    tax_ids: list[PrintedTaxIdOut]
    tax_exempt: str | None

    @classmethod
    def of(cls, who: BilledTo) -> Self:
        """Show whom."""
        return cls(
            name=who.name,
            email=who.email,
            address=AddressOut.model_validate(who.address, from_attributes=True) if who.address else None,
            tax_ids=[PrintedTaxIdOut(type=each.kind, value=each.value) for each in who.tax_ids],
            tax_exempt=who.tax_exempt,
        )


class InvoiceDetailOut(InvoiceOut):
    """An invoice with all it says."""

    lines: list[LineOut]
    discounts: list[DiscountOut]
    taxes: list[TaxOut]
    reverse_charge: bool
    billed_to: BilledToOut
    memo: str | None
    credit_notes: list[CreditNoteOut]

    @classmethod
    def of(cls, document: InvoiceDocument) -> Self:
        """Show an invoice."""
        invoice, terms = document.invoice, document.terms
        currency = invoice.total.currency
        return cls(
            **cls.values(invoice),
            lines=[LineOut.of(line, currency, terms) for line in invoice.lines],
            discounts=[DiscountOut.of(each, currency, terms) for each in invoice.discounts],
            taxes=[TaxOut.of(each, currency, terms) for each in invoice.taxes],
            reverse_charge=invoice.reverse_charge,
            billed_to=BilledToOut.of(invoice.billed_to),
            memo=invoice.memo,
            credit_notes=[CreditNoteOut.of(each) for each in document.credit_notes],
        )


class InvoicesOut(BaseModel):
    """Invoices, newest first."""

    data: list[InvoiceOut]
    next_cursor: str | None
