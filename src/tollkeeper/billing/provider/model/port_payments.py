"""What can be asked of the payment provider about money that came and goes back."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from .payments import CreditWish, IssuedNote, PaymentState, RefundReason, RefundWish


class PaymentsAtProvider(Protocol):
    """Payments, refunds, credit notes, disputes. A payment is named by its intent, or by a charge that has none."""

    async def payer(self, payment_id: str) -> str | None:
        """Return the customer who made the payment; None when there is no such payment, or it is nobody's."""
        ...

    async def fetch_payment(self, payment_id: str) -> PaymentState | None:
        """Return everything of the payment; None when there is none of this id."""
        ...

    async def payments_of(self, invoice_id: str) -> Sequence[str]:
        """Return which payments of the invoice there are, done and tried."""
        ...

    async def refund(self, wish: RefundWish) -> None:
        """Give money back to where it was paid from.

        Raises:
            ProviderStateError: there is no longer so much to give back, or the payment is disputed.
        """
        ...

    async def find_credit_note(self, invoice_id: str, request: str) -> IssuedNote | None:
        """Return the credit note that this request issued; None when it has not."""
        ...

    async def issue_credit_note(self, wish: CreditWish) -> IssuedNote:
        """Issue a credit note and have the provider do what it says.

        Raises:
            ProviderStateError: the invoice cannot be credited by so much any more.
        """
        ...

    async def label_refund(self, refund_id: str, *, reason: RefundReason, note: str | None, request: str) -> None:
        """Write our own words on a refund that a credit note made."""
        ...

    async def give_evidence(self, dispute_id: str, evidence: Mapping[str, str], *, submit: bool) -> None:
        """Write evidence; `submit` sends it to the bank, after which nothing can be added.

        Raises:
            ProviderStateError: the dispute takes no evidence any more.
        """
        ...

    async def accept_dispute(self, dispute_id: str) -> None:
        """Give in: the dispute is lost.

        Raises:
            ProviderStateError: it is decided already.
        """
        ...
