"""What can be asked of the payment provider about amounts of our own reckoning."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from .extra import ExtraCharge, PlacedCharge


class ExtrasAtProvider(Protocol):
    """Lines added to invoices, and invoices of their own for them. Every call may raise the errors of the port."""

    async def add_charge(self, charge: ExtraCharge, *, invoice_id: str | None) -> str | None:
        """Put an amount on a draft, or with `invoice_id` None on the customer's next invoice; returns the item's id.

        The same charge twice is one item. None: the invoice is not a draft any more, or does not exist.
        """
        ...

    async def find_charge(self, customer_id: str, charge_id: UUID, *, since: datetime) -> PlacedCharge | None:
        """Return the item that was made for this charge since then; None when there is none."""
        ...

    async def open_invoice(self, customer_id: str, *, idempotency_key: str) -> str:
        """Make a draft of its own, with everything on it that waits for the customer's next invoice; returns its id."""
        ...

    async def collect_invoice(self, invoice_id: str, *, like_subscription: str | None) -> None:
        """Make the draft final and try to collect it, the way this subscription is or was paid; one that was collected
        before is left as it is.

        A payment that fails leaves the invoice open: the provider goes on trying.
        """
        ...
