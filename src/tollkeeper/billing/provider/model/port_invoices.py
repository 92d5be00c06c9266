"""What can be asked of the payment provider about invoices and tax."""

from collections.abc import Sequence
from typing import Protocol

from .invoices import CreditNoteState, InvoiceState, Term
from .tax import BillingDetails, DetailsChange, TaxId


class InvoicesAtProvider(Protocol):
    """Invoices, credit notes, tax ids. Every call may raise the errors of the port."""

    async def fetch_invoice(self, invoice_id: str) -> InvoiceState | None:
        """Return the invoice with all its lines; None when there is none of this id."""
        ...

    async def list_credit_notes(self, invoice_id: str) -> Sequence[CreditNoteState]:
        """Return the credit notes of an invoice, void ones too, oldest first."""
        ...

    async def describe_tax_rates(self, rate_ids: Sequence[str]) -> Sequence[Term]:
        """Return what these tax rates are called and how much they are; those there are."""
        ...

    async def describe_discounts(self, invoice_id: str) -> Sequence[Term]:
        """Return what the discounts of an invoice are called."""
        ...

    async def fetch_details(self, customer_id: str) -> BillingDetails:
        """Return whom the customer's invoices are made out to."""
        ...

    async def save_details(self, customer_id: str, change: DetailsChange) -> BillingDetails:
        """Change whom the customer's coming invoices are made out to."""
        ...

    async def list_tax_ids(self, customer_id: str) -> Sequence[TaxId]:
        """Return the customer's tax ids, newest first."""
        ...

    async def add_tax_id(self, customer_id: str, kind: str, value: str, *, idempotency_key: str) -> TaxId:
        """Add a tax id; raises TaxIdInvalidError when the provider does not take it."""
        ...

    async def remove_tax_id(self, customer_id: str, tax_id: str) -> None:
        """Forget a tax id of the customer."""
        ...
