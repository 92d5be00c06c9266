"""What the page of one invoice shows, made from what billing says. Pure."""

from dataclasses import dataclass
from datetime import datetime

from tollkeeper.billing import (
    CreditNote,
    InvoiceDocument,
    InvoiceLine,
    address_lines,
    notes,
    rates_of,
    sums,
    tax_id_words,
    unit_price,
)
from tollkeeper.kit import Money
from tollkeeper.web.ui import exact

from .billing_views import INVOICE_STATES

LINE_KINDS = {"plan": "Plan", "proration": "Part of a period", "usage": "Usage", "other": ""}


@dataclass(frozen=True, slots=True)
class LineView:
    """One line. `kind` and `tax` are empty where there is nothing to say; `off` is what discounts took, or empty."""

    description: str
    kind: str
    start: datetime | None
    end: datetime | None
    quantity: str
    unit: str
    tax: str
    amount: str
    off: str


@dataclass(frozen=True, slots=True)
class CreditView:
    """One credit note."""

    number: str
    at: datetime
    words: str
    amount: str
    void: bool


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """An invoice as its page shows it. `sums` are label, amount and whether it is a result; `pay` is where to pay."""

    title: str
    state: str
    tone: str
    at: datetime
    due_at: datetime | None
    paid_at: datetime | None
    start: datetime | None
    end: datetime | None
    billed_to: tuple[str, ...]
    lines: tuple[LineView, ...]
    sums: tuple[tuple[str, str, bool], ...]
    notes: tuple[str, ...]
    credits: tuple[CreditView, ...]
    pay: str | None
    hosted: str | None


def invoice_view(document: InvoiceDocument) -> InvoiceView:
    """Return the page of an invoice."""
    invoice = document.invoice
    state, tone = INVOICE_STATES.get(invoice.status, (invoice.status.capitalize(), "neutral"))
    spans = invoice.period_start and invoice.period_end and invoice.period_start < invoice.period_end
    who = invoice.billed_to
    ids = [f"{tax_id_words(each.kind)} {each.value}" for each in who.tax_ids]
    return InvoiceView(
        title=f"Invoice {invoice.number}" if invoice.number else "Draft invoice",
        state=state,
        tone=tone,
        at=invoice.finalized_at or invoice.issued_at,
        due_at=invoice.due_at,
        paid_at=invoice.paid_at,
        start=invoice.period_start if spans else None,
        end=invoice.period_end if spans else None,
        billed_to=tuple(part for part in (who.name, *address_lines(who.address), who.email, *ids) if part),
        lines=tuple(_line(line, document) for line in invoice.lines),
        sums=tuple((row.label, exact(row.amount), row.strong) for row in sums(document)),
        notes=notes(invoice),
        credits=tuple(map(_credit, document.credit_notes)),
        pay=invoice.page_url if invoice.status == "open" and invoice.amount_remaining.amount > 0 else None,
        hosted=invoice.page_url,
    )


def _line(line: InvoiceLine, document: InvoiceDocument) -> LineView:
    currency = document.invoice.total.currency
    spans = line.period_start and line.period_end and line.period_start < line.period_end
    off = sum(each.amount for each in line.discounts)
    return LineView(
        description=line.description,
        kind=LINE_KINDS[line.kind],
        start=line.period_start if spans else None,
        end=line.period_end if spans else None,
        quantity="" if line.quantity is None else f"{line.quantity:,}",
        unit=unit_price(line, currency),
        tax=rates_of(line, document.terms),
        amount=exact(Money(line.amount, currency)),
        off=exact(Money(-off, currency)) if off else "",
    )


def _credit(note: CreditNote) -> CreditView:
    parts = [(note.reason or "").replace("_", " "), note.memo or ""]
    ways = {"to the card or bank": note.refunded, "to your balance": note.credited, "otherwise": note.outside}
    parts += [f"{exact(money)} {way}" for way, money in ways.items() if money.amount]
    words = ", ".join(part for part in parts if part)
    return CreditView(note.number, note.issued_at, words, exact(-note.total), void=note.status == "void")
