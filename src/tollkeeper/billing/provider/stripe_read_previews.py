"""Stripe's previews of invoices read into our words."""

from datetime import datetime

from tollkeeper.kit import Money

from .model import Preview
from .stripe_read_invoices import invoice
from .stripe_read_parts import Json


def preview(body: Json, at: datetime) -> Preview:
    """Read an invoice that is not made yet; it was counted as of `at`."""
    state = invoice({"id": "", "created": int(at.timestamp()), **body})
    return Preview(
        at,
        Money(state.amount_due, state.currency),
        Money(body.get("ending_balance") or 0, state.currency),
        state.lines,
        subtotal=state.subtotal,
        discount_total=state.discount_total,
        taxes=state.taxes,
        total=state.total,
    )
