"""Payments, refunds and disputes as we mirror them, and what is told of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from tollkeeper.billing.provider import CreditReason, CreditTo, PaymentMethod, RefundReason
from tollkeeper.infra import Event
from tollkeeper.kit import ConflictError, Money, NotFoundError


class Stage(StrEnum):
    """How far a dispute has come."""

    INQUIRY = "inquiry"
    """The bank asks; no money was taken."""
    OPEN = "open"
    """The bank took the money back, and has not decided."""
    CLOSED = "closed"
    """Decided."""


class Outcome(StrEnum):
    """How a dispute ended."""

    WON = "won"
    LOST = "lost"
    CLOSED = "closed"
    """Without the bank taking anything: an inquiry that came to nothing, or a dispute that was prevented."""


class Effect(StrEnum):
    """What a dispute does to the subscription whose payment it disputes."""

    KEEP = "keep"
    RESTRICT = "restrict"
    END = "end"


class PaymentOrder(StrEnum):
    """What payments, refunds and disputes are sorted by."""

    CREATED = "created"
    AMOUNT = "amount"
    """Each currency apart, since amounts of two are not comparable."""
    DUE = "due_at"
    """Disputes alone: by when the bank waits for an answer, those it waits for none of after them all."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What disputes do: while open, when lost, and how many days before its deadline one is reminded of."""

    open: Effect
    lost: Effect
    remind_days: int


@dataclass(frozen=True, slots=True)
class Charge:
    """One attempt to collect a payment, as last mirrored.

    `status` is `succeeded`, `pending`, `failed` or a word invented later. `refunded` counts refunds under way, and no
    longer those that failed. `invoice` is the provider's id of what it pays; None: it paid for none.
    """

    id: UUID
    organization_id: UUID
    provider_id: str
    intent: str | None
    invoice: str | None
    status: str
    amount: Money
    refunded: Money
    disputed: bool
    method: PaymentMethod | None
    failure_code: str | None
    failure_message: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund as last mirrored. `status` is the provider's word; `note` our own text; `invoice` the provider's id."""

    id: UUID
    organization_id: UUID
    payment_id: UUID
    provider_id: str
    invoice: str | None
    status: str
    amount: Money
    reason: str | None
    note: str | None
    request: str | None
    failure_reason: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute as last mirrored. `status` is the provider's word, `stage` and `outcome` what it means.

    `customer` and `charge` are the provider's ids. `due_at` is when evidence has to be with the bank. `withdrawn` is
    what the bank has taken from us for now, `fee` what the dispute cost. `closed_at` None: it is not decided.
    `released_at`: it no longer withholds the plan.
    """

    id: UUID
    organization_id: UUID
    payment_id: UUID
    provider_id: str
    customer: str
    charge: str
    invoice: str | None
    subscription: str | None
    status: str
    stage: Stage
    outcome: Outcome | None
    reason: str
    amount: Money
    due_at: datetime | None
    has_evidence: bool
    submissions: int
    past_due: bool
    refundable: bool
    withdrawn: Money
    fee: Money
    evidence: Mapping[str, str]
    created_at: datetime
    closed_at: datetime | None
    reminded_at: datetime | None
    released_at: datetime | None


@dataclass(frozen=True, slots=True)
class PaymentsOfInvoice:
    """What was paid for an invoice, given back and disputed; each newest first."""

    charges: Sequence[Charge]
    refunds: Sequence[Refund]
    disputes: Sequence[Dispute]


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """So much of what an invoice brought is to be given back; `amount` None: all that is left, in minor units.

    `note` is kept and shown to the operator only. `credit_note`: the books say so, too.
    """

    amount: int | None
    reason: RefundReason
    note: str | None = None
    credit_note: bool = False
    end_subscription: bool = False


@dataclass(frozen=True, slots=True)
class CreditOrder:
    """An invoice asked so much too much, in minor units; `memo` is printed on the credit note.

    `to` None: an unpaid invoice asks for less, what a paid one asked too much goes to the balance.
    """

    amount: int
    reason: CreditReason | None = None
    memo: str | None = None
    to: CreditTo | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundMade(Event):
    """Money goes back to the customer, in minor units; a bank may still send it back (`billing.refund_failed`)."""

    name: ClassVar[str] = "billing.refund_made"
    organization_id: UUID
    refund_id: UUID
    amount: int
    currency: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFailed(Event):
    """A refund did not reach the customer, and its amount can be given back again, by other means perhaps."""

    name: ClassVar[str] = "billing.refund_failed"
    organization_id: UUID
    refund_id: UUID
    amount: int
    currency: str
    failure: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeOpened(Event):
    """A customer's bank asks about a payment (`inquiry`) or has taken it back. `deadline` is when evidence is due."""

    name: ClassVar[str] = "billing.dispute_opened"
    organization_id: UUID
    dispute_id: UUID
    amount: int
    currency: str
    reason: str
    inquiry: bool
    deadline: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeEvidenceDue(Event):
    """The deadline of a dispute is near and nothing was sent to the bank; told once."""

    name: ClassVar[str] = "billing.dispute_evidence_due"
    organization_id: UUID
    dispute_id: UUID
    deadline: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeClosed(Event):
    """A dispute is decided: `won`, `lost`, or `closed` without the bank taking anything."""

    name: ClassVar[str] = "billing.dispute_closed"
    organization_id: UUID
    dispute_id: UUID
    outcome: str
    amount: int
    currency: str


class DisputeNotFoundError(NotFoundError):
    """There is no such dispute, or it is somebody else's."""

    code = "dispute_not_found"
    title = "There is no such dispute"
    hint = "GET /api/billing/disputes lists those there are."


class NothingToRefundError(ConflictError):
    """Of this invoice nothing is left to give back."""

    code = "nothing_to_refund"
    title = "Nothing of this invoice is left to give back"
    hint = "GET /api/billing/refunds shows what was given back. What is not paid yet is lowered: POST .../credit."


class PaymentDisputedError(ConflictError):
    """The customer's bank has taken the payment back: a refund would give it back twice."""

    code = "payment_disputed"
    title = "The payment is disputed"
    hint = "Answer or accept the dispute: GET /api/billing/disputes."


class InvoiceNotCreditableError(ConflictError):
    """Only invoices that are open or paid can be credited, and only by what they still ask or brought."""

    code = "invoice_not_creditable"
    title = "This invoice cannot be credited"
    hint = "Drafts can be changed at the provider; void and uncollectible invoices ask for nothing."


class DisputeDecidedError(ConflictError):
    """The dispute waits for nothing from us: it is decided, or evidence is with the bank already."""

    code = "dispute_not_answerable"
    title = "The dispute takes no answer any more"
    hint = "GET /api/billing/disputes/{id} tells how it stands."
