"""Payments, refunds and disputes as the payment provider has them, in our own words. Amounts are minor units."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from .values import PaymentMethod


class RefundReason(StrEnum):
    """Why a payment is given back, as the provider has it; it acts upon `fraudulent`."""

    DUPLICATE = "duplicate"
    FRAUDULENT = "fraudulent"
    REQUESTED = "requested_by_customer"


class CreditReason(StrEnum):
    """Why an invoice asked too much, as printed on the credit note."""

    DUPLICATE = "duplicate"
    FRAUDULENT = "fraudulent"
    ORDER_CHANGE = "order_change"
    UNSATISFACTORY = "product_unsatisfactory"


class CreditTo(StrEnum):
    """Where what a paid invoice asked too much goes."""

    BALANCE = "balance"
    """Taken off the next invoices."""
    REFUND = "refund"
    """Back to where it was paid from."""
    OUTSIDE = "outside"
    """Given back by other means, such as a bank transfer."""


@dataclass(frozen=True, slots=True)
class ChargeState:
    """One attempt to collect a payment, as the provider has it now.

    `status` is `succeeded`, `pending`, `failed` or a word invented later. `amount_refunded` counts refunds under way,
    and no longer those that failed. `failure_code` is the provider's word, `failure_message` may be shown.
    """

    id: str
    intent_id: str | None
    invoice_id: str | None
    status: str
    amount: int
    amount_refunded: int
    currency: str
    disputed: bool
    method: PaymentMethod | None
    failure_code: str | None
    failure_message: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RefundState:
    """A refund as the provider has it now.

    `status` is `pending`, `requires_action`, `succeeded`, `failed`, `canceled` or a word invented later. `note` is our
    own text; `request` names the call that asked for it, None when nobody of ours did.
    """

    id: str
    charge_id: str
    status: str
    amount: int
    currency: str
    reason: str | None
    note: str | None
    request: str | None
    failure_reason: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DisputeState:
    """A dispute as the provider has it now.

    `status` is the provider's word (see `payments`). `due_at` None: there is nothing to answer. `submissions` counts
    how often evidence went to the bank; `evidence` is what was written so far. `withdrawn` is what the bank has taken
    back from us for now, `fee` what the dispute cost. `refundable`: no money was taken, a refund would settle it.
    """

    id: str
    charge_id: str
    status: str
    reason: str
    amount: int
    currency: str
    due_at: datetime | None
    has_evidence: bool
    past_due: bool
    submissions: int
    refundable: bool
    withdrawn: int
    fee: int
    created_at: datetime
    evidence: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PaymentState:
    """Everything of one payment: each attempt to collect it, what was given back and what is disputed.

    `subscription_id` is that of the invoice paid; None: it paid for none.
    """

    customer_id: str | None
    subscription_id: str | None
    charges: tuple[ChargeState, ...]
    refunds: tuple[RefundState, ...]
    disputes: tuple[DisputeState, ...]


@dataclass(frozen=True, slots=True)
class RefundWish:
    """So much of a charge is to be given back. The same `request` is done once."""

    charge_id: str
    amount: int
    reason: RefundReason
    note: str | None
    request: str
    organization_id: UUID


@dataclass(frozen=True, slots=True)
class CreditWish:
    """An invoice asked so much too much. `to` None: it is not paid yet, and asks for less from now on.

    The same `request` is done once.
    """

    invoice_id: str
    amount: int
    reason: CreditReason | None
    memo: str | None
    to: CreditTo | None
    request: str


@dataclass(frozen=True, slots=True)
class IssuedNote:
    """A credit note that was issued. `refund_id` None: it gave nothing back."""

    id: str
    number: str
    status: str
    total: int
    currency: str
    pdf_url: str | None
    refund_id: str | None
