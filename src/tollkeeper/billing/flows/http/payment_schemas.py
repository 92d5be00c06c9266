"""What the addresses of payments, refunds and disputes take and answer."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, EmailStr, Field, model_validator

from tollkeeper.billing.payments import Charge, CreditOrder, Dispute, Outcome, Refund, RefundOrder, Stage
from tollkeeper.billing.provider import CreditReason, CreditTo, IssuedNote, RefundReason
from tollkeeper.kit import Money

from .amounts import MoneyOut
from .methods_schemas import PaymentMethodOut
from .schemas import ResumeIn

Amount = Annotated[int, Field(strict=True, ge=1, le=99_999_999_999, description="In minor units.")]
# Text that the database refuses must be refused before money moves.
STORABLE = r"^[^\x00]*$"
Words = Annotated[str, Field(min_length=1, max_length=20_000, pattern=STORABLE)]
Short = Annotated[str, Field(min_length=1, max_length=200, pattern=STORABLE)]
Note = Annotated[
    str, Field(min_length=1, max_length=500, pattern=STORABLE, description="Kept; shown to operators only.")
]
Memo = Annotated[str, Field(min_length=1, max_length=500, pattern=STORABLE, description="Printed on the credit note.")]


class RefundIn(ResumeIn):
    """What to give back; without `amount` all that is left."""

    amount: Amount | None = None
    reason: RefundReason = RefundReason.REQUESTED
    note: Note | None = None
    credit_note: Annotated[bool, Field(strict=True, description="Issue a credit note over it.")] = False
    end_subscription: Annotated[bool, Field(strict=True, description="End the subscription now.")] = False

    def order(self) -> RefundOrder:
        """Return what is asked for."""
        return RefundOrder(self.amount, self.reason, self.note, self.credit_note, self.end_subscription)


class CreditIn(ResumeIn):
    """By how much an invoice asked too much, and where that goes; one that is not paid yet just asks for less."""

    amount: Amount
    reason: CreditReason | None = None
    memo: Memo | None = None
    to: CreditTo | None = None

    def order(self) -> CreditOrder:
        """Return what is asked for."""
        return CreditOrder(self.amount, self.reason, self.memo, self.to)


class EvidenceIn(ResumeIn):
    """Evidence for the bank, field by field in its own words; `submit` sends it, once and for all."""

    product_description: Words | None = None
    customer_name: Short | None = None
    customer_email_address: EmailStr | None = None
    customer_purchase_ip: Short | None = None
    billing_address: Short | None = None
    service_date: Short | None = None
    access_activity_log: Words | None = None
    refund_policy_disclosure: Words | None = None
    refund_refusal_explanation: Words | None = None
    cancellation_policy_disclosure: Words | None = None
    cancellation_rebuttal: Words | None = None
    duplicate_charge_id: Short | None = None
    duplicate_charge_explanation: Words | None = None
    uncategorized_text: Words | None = None
    usage_log: Annotated[
        bool, Field(strict=True, description="Write `access_activity_log` from what the customer used.")
    ] = False
    submit: Annotated[bool, Field(strict=True)] = False

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.usage_log and self.access_activity_log is not None:
            raise ValueError("write the `access_activity_log` yourself, or have it made by `usage_log`")
        if not (self.fields() or self.usage_log or self.submit):
            raise ValueError("write some evidence, or `submit` what is written")
        return self

    def fields(self) -> dict[str, str]:
        """Return what is written anew."""
        return self.model_dump(exclude_none=True, exclude={"customer", "usage_log", "submit"})


class PaymentOut(BaseModel):
    """One attempt to collect; `invoice` is the provider's id. `refunded` does not count refunds that failed."""

    id: UUID
    invoice: str | None
    status: str
    amount: MoneyOut
    refunded: MoneyOut
    disputed: bool
    payment_method: PaymentMethodOut | None
    failure_code: str | None
    failure_message: str | None
    created_at: datetime

    @classmethod
    def of(cls, charge: Charge) -> Self:
        """Show a payment."""
        shown = PaymentMethodOut.model_validate(charge.method, from_attributes=True) if charge.method else None
        return cls(**_same(cls, charge, "payment_method"), payment_method=shown)


class PaymentsOut(BaseModel):
    """Payments, newest first."""

    data: list[PaymentOut]
    next_cursor: str | None


class RefundOut(BaseModel):
    """A refund. `status` may become `failed` days later; `note` is for operators, null for others."""

    id: UUID
    payment: UUID
    invoice: str | None
    status: str
    amount: MoneyOut
    reason: str | None
    note: str | None
    failure_reason: str | None
    created_at: datetime

    @classmethod
    def of(cls, refund: Refund, *, operator: bool) -> Self:
        """Show a refund."""
        note = refund.note if operator else None
        return cls(**_same(cls, refund, "payment", "note"), payment=refund.payment_id, note=note)


class RefundsOut(BaseModel):
    """Refunds, newest first."""

    data: list[RefundOut]
    next_cursor: str | None = None


class CreditOut(BaseModel):
    """The credit note that was issued; `id` is the provider's."""

    id: str
    number: str
    status: str
    total: MoneyOut
    pdf_url: str | None

    @classmethod
    def of(cls, note: IssuedNote) -> Self:
        """Show a credit note."""
        total = MoneyOut.of(Money(note.total, note.currency))
        return cls(id=note.id, number=note.number, status=note.status, total=total, pdf_url=note.pdf_url)


class DisputeOut(BaseModel):
    """A dispute. `due_at` is when evidence has to be with the bank; `withdrawn` what the bank holds of ours for now.

    `evidence` is what was written so far; for operators, null for others.
    """

    id: UUID
    organization_id: UUID
    payment: UUID
    invoice: str | None
    status: str
    stage: Stage
    outcome: Outcome | None
    reason: str
    amount: MoneyOut
    due_at: datetime | None
    has_evidence: bool
    submitted: bool
    past_due: bool
    withdrawn: MoneyOut
    fee: MoneyOut
    evidence: dict[str, str] | None
    created_at: datetime
    closed_at: datetime | None
    released_at: datetime | None

    @classmethod
    def of(cls, dispute: Dispute, *, operator: bool) -> Self:
        """Show a dispute."""
        evidence = dict(dispute.evidence) if operator else None
        same = _same(cls, dispute, "payment", "submitted", "evidence")
        return cls(**same, payment=dispute.payment_id, submitted=dispute.submissions > 0, evidence=evidence)


class DisputesOut(BaseModel):
    """Disputes, newest first."""

    data: list[DisputeOut]
    next_cursor: str | None


def _same(shown: type[BaseModel], value: Charge | Refund | Dispute, *apart: str) -> dict[str, object]:
    """Return what is shown under the name it has, money as money is shown."""
    found = {name: getattr(value, name) for name in shown.model_fields if name not in apart}
    return {name: MoneyOut.of(each) if isinstance(each, Money) else each for name, each in found.items()}
