"""Invoices and credit notes, in Stripe's words."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from . import stripe_read_invoices as read
from .model import CreditNoteState, InvoiceState, Term
from .stripe_errors import errors, or_none

if TYPE_CHECKING:
    from stripe._v1_services import V1Services  # the SDK exports no public name for it

PAGE = 100
# The coupon of a discount, and the code it came by; four levels are as deep as Stripe opens.
_OF_DISCOUNTS = ["total_discount_amounts.discount.source.coupon", "total_discount_amounts.discount.promotion_code"]


class StripeInvoices:
    """The part of the adapter that reads what invoices say."""

    _api: "V1Services"

    async def fetch_invoice(self, invoice_id: str) -> InvoiceState | None:
        """See InvoicesAtProvider. Stripe shows ten lines of an invoice; the others are asked for."""
        with errors():
            found = await or_none(self._api.invoices.retrieve_async(invoice_id))
            if found is None:
                return None
            state = read.invoice(found)
            if state.whole:
                return state
            listed = await self._api.invoices.line_items.list_async(invoice_id, {"limit": PAGE})
            bodies = [each.to_dict() async for each in listed.auto_paging_iter()]
        lines = tuple(read.invoice_line(each, made_at=found["created"]) for each in bodies)
        return replace(state, lines=lines, whole=True)

    async def list_credit_notes(self, invoice_id: str) -> Sequence[CreditNoteState]:
        """See InvoicesAtProvider."""
        with errors():
            listed = await self._api.credit_notes.list_async({"invoice": invoice_id, "limit": PAGE})
            bodies = [each.to_dict() async for each in listed.auto_paging_iter()]
        return [read.credit_note(each) for each in reversed(bodies)]

    async def describe_tax_rates(self, rate_ids: Sequence[str]) -> Sequence[Term]:
        """See InvoicesAtProvider."""
        with errors():
            found = [await or_none(self._api.tax_rates.retrieve_async(each)) for each in rate_ids]
        return [read.tax_term(each) for each in found if each is not None]

    async def describe_discounts(self, invoice_id: str) -> Sequence[Term]:
        """See InvoicesAtProvider."""
        with errors():
            found = await or_none(self._api.invoices.retrieve_async(invoice_id, {"expand": _OF_DISCOUNTS}))
        return [] if found is None else read.discount_terms(found)
