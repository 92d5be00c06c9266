"""Stripe's invoices read into our words, in present shapes and in those before 2025."""

from .model import InvoiceLine, InvoiceState
from .stripe_read_parts import Json, ident, mapping, moment, time


def subscription_of(body: Json) -> str | None:
    """Return the subscription of an invoice or checkout; before 2025 it stood at the top of invoices, too."""
    parent = mapping(mapping(body.get("parent")).get("subscription_details"))
    return ident(parent.get("subscription")) or ident(body.get("subscription"))


def invoice(body: Json) -> InvoiceState:
    """Read an invoice with the lines that came with it."""
    lines = mapping(body.get("lines")).get("data") or []
    turned = mapping(body.get("status_transitions"))
    total, without_tax = body.get("total") or 0, body.get("total_excluding_tax")
    return InvoiceState(
        id=body["id"],
        customer_id=ident(body.get("customer")) or "",
        subscription_id=subscription_of(body),
        number=body.get("number"),
        status=str(body.get("status") or "draft"),
        reason=body.get("billing_reason"),
        currency=body["currency"],
        subtotal=body.get("subtotal") or 0,
        tax=total - without_tax if isinstance(without_tax, int) else 0,
        total=total,
        amount_due=body.get("amount_due") or 0,
        amount_paid=body.get("amount_paid") or 0,
        amount_remaining=body.get("amount_remaining") or 0,
        attempt_count=body.get("attempt_count") or 0,
        created_at=moment(body["created"]),
        period_start=time(body.get("period_start")),
        period_end=time(body.get("period_end")),
        due_at=time(body.get("due_date")),
        paid_at=time(turned.get("paid_at")),
        next_attempt_at=time(body.get("next_payment_attempt")),
        page_url=body.get("hosted_invoice_url"),
        pdf_url=body.get("invoice_pdf"),
        lines=tuple(invoice_line(line) for line in lines),
    )


def invoice_line(body: Json) -> InvoiceLine:
    """Read one line of an invoice."""
    period, parent = mapping(body.get("period")), mapping(body.get("parent"))
    details = mapping(parent.get("subscription_item_details") or parent.get("invoice_item_details"))
    return InvoiceLine(
        description=body.get("description") or "",
        amount=body["amount"],
        quantity=body.get("quantity"),
        period_start=time(period.get("start")),
        period_end=time(period.get("end")),
        proration=bool(details.get("proration")),
        provider_price=ident(mapping(mapping(body.get("pricing")).get("price_details")).get("price")),
    )
