"""Invoices as we mirror them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tollkeeper.billing.provider import InvoiceLine
from tollkeeper.kit import Money, NotFoundError


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice as last mirrored. `issued_at` is the provider's; `status` its word. Amounts share one currency."""

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


class InvoiceNotFoundError(NotFoundError):
    """There is no such invoice, or it is somebody else's."""

    code = "invoice_not_found"
    title = "There is no such invoice"
    hint = "GET /api/billing/invoices lists yours."
