"""Payments: what was collected, what was given back, what a bank took back.

Owns: the mirror of payments, refunds and disputes, the events that tell of them, whether a dispute withholds a plan.
Does not own: asking the provider for any of it (flows), invoices and credit notes (invoices).
Invariants: a row is always one whole answer of the provider; each event is told once, when the mirror first shows what
it tells of, whatever order the provider's events come in; a dispute withholds only the plan of the subscription whose
payment it disputes.
What each time means: `created_at` and `due_at` are the provider's; `closed_at`, `reminded_at` and `released_at` are
when we learnt of it, told of it, and let go; `synced_at` is when we last asked.
"""

from .model import (
    Charge,
    CreditOrder,
    Dispute,
    DisputeClosed,
    DisputeDecidedError,
    DisputeEvidenceDue,
    DisputeNotFoundError,
    DisputeOpened,
    Effect,
    InvoiceNotCreditableError,
    NothingToRefundError,
    Outcome,
    PaymentDisputedError,
    PaymentOrder,
    PaymentsOfInvoice,
    Policy,
    Refund,
    RefundFailed,
    RefundMade,
    RefundOrder,
    Stage,
)
from .rules import (
    ANSWERABLE,
    STAGES,
    is_blocked,
    read_policy,
    refundable,
    stage_of,
)
from .service import (
    forget,
    get_dispute,
    known_payer,
    list_charges,
    list_disputes,
    list_refunds,
    mirror_payment,
    next_due,
    payments_of_invoice,
    release_dispute,
    remind_of_evidence,
    way_paid,
)
from .tables import DISPUTES, PAYMENTS, REFUNDS

__all__ = [
    "ANSWERABLE",
    "DISPUTES",
    "PAYMENTS",
    "REFUNDS",
    "STAGES",
    "Charge",
    "CreditOrder",
    "Dispute",
    "DisputeClosed",
    "DisputeDecidedError",
    "DisputeEvidenceDue",
    "DisputeNotFoundError",
    "DisputeOpened",
    "Effect",
    "InvoiceNotCreditableError",
    "NothingToRefundError",
    "Outcome",
    "PaymentDisputedError",
    "PaymentOrder",
    "PaymentsOfInvoice",
    "Policy",
    "Refund",
    "RefundFailed",
    "RefundMade",
    "RefundOrder",
    "Stage",
    "forget",
    "get_dispute",
    "is_blocked",
    "known_payer",
    "list_charges",
    "list_disputes",
    "list_refunds",
    "mirror_payment",
    "next_due",
    "payments_of_invoice",
    "read_policy",
    "refundable",
    "release_dispute",
    "remind_of_evidence",
    "stage_of",
    "way_paid",
]
