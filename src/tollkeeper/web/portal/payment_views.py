"""What the page of an invoice shows of the money that came for it and went back. Pure."""

from dataclasses import dataclass
from datetime import datetime

from tollkeeper.billing import Charge, Dispute, PaymentMethod, PaymentsOfInvoice, Refund
from tollkeeper.web.ui import exact

CHARGE_STATES = {
    "succeeded": ("Paid", "good"),
    "pending": ("On its way", "neutral"),
    "failed": ("Declined", "bad"),
}
REFUND_STATES = {
    "succeeded": ("Given back", "good"),
    "pending": ("On its way", "neutral"),
    "requires_action": ("On its way", "neutral"),
    "failed": ("Came back", "bad"),
    "canceled": ("Taken back", "neutral"),
}
DISPUTE_STATES = {
    "inquiry": ("Being asked about", "neutral"),
    "open": ("Not decided", "bad"),
    "won": ("Payment stands", "good"),
    "lost": ("Taken by the bank", "bad"),
    "closed": ("Settled", "neutral"),
}


@dataclass(frozen=True, slots=True)
class PaymentView:
    """A payment, a refund or a dispute as a row. Amounts that go back to the customer are negative."""

    at: datetime
    what: str
    words: str
    state: str
    tone: str
    amount: str


def payment_rows(found: PaymentsOfInvoice) -> tuple[PaymentView, ...]:
    """Return everything that happened with the money of an invoice, oldest first."""
    rows = [
        *map(_charge, found.charges),
        *map(_refund, found.refunds),
        *map(_dispute, found.disputes),
    ]
    return tuple(sorted(rows, key=lambda row: row.at))


def _charge(charge: Charge) -> PaymentView:
    state, tone = CHARGE_STATES.get(charge.status, (charge.status.capitalize(), "neutral"))
    words = charge.failure_message or "" if charge.status == "failed" else ""
    return PaymentView(charge.created_at, way_words(charge.method), words, state, tone, exact(charge.amount))


def _refund(refund: Refund) -> PaymentView:
    state, tone = REFUND_STATES.get(refund.status, (refund.status.capitalize(), "neutral"))
    words = (refund.reason or "").replace("_", " ").capitalize()
    return PaymentView(refund.created_at, "Refund", words, state, tone, exact(-refund.amount))


def _dispute(dispute: Dispute) -> PaymentView:
    state, tone = DISPUTE_STATES[(dispute.outcome or dispute.stage).value]
    words = dispute.reason.replace("_", " ").capitalize()
    return PaymentView(dispute.created_at, "Disputed at the bank", words, state, tone, exact(dispute.amount))


def way_words(method: PaymentMethod | None) -> str:
    """Name a way to pay: `Visa ending in 4242`; None: it is not known."""
    return method.words if method else "Payment"
