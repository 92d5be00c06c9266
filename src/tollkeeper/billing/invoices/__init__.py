"""Invoices: the mirror of the provider's.

Owns: what was billed, line by line, with discounts, taxes and credit notes, and what became of it; the printed form.
Does not own: collecting it (the provider does).
Invariants: a row is always one whole answer of the provider; amounts are minor units of one currency per invoice, and
add up: lines to the subtotal, less discounts, plus tax on top, to the total.
What each time means: `issued_at`, `due_at`, `paid_at` and the period are the provider's; `synced_at` is when we asked.
"""

from .model import CreditNote, Invoice, InvoiceDocument, InvoiceNotFoundError, InvoiceOrder
from .paper import Seller, UnusableFontError, check_font, print_invoice
from .rules import SumRow, address_lines, discount_words, notes, rates_of, sums, tax_id_words, tax_words, unit_price
from .service import (
    get_document,
    get_invoice,
    invoice_ids,
    list_all_invoices,
    list_invoices,
    mirror_invoice,
    named_terms,
    whose_invoice,
)
from .tables import INVOICES

__all__ = [
    "INVOICES",
    "CreditNote",
    "Invoice",
    "InvoiceDocument",
    "InvoiceNotFoundError",
    "InvoiceOrder",
    "Seller",
    "SumRow",
    "UnusableFontError",
    "address_lines",
    "check_font",
    "discount_words",
    "get_document",
    "get_invoice",
    "invoice_ids",
    "list_all_invoices",
    "list_invoices",
    "mirror_invoice",
    "named_terms",
    "notes",
    "print_invoice",
    "rates_of",
    "sums",
    "tax_id_words",
    "tax_words",
    "unit_price",
    "whose_invoice",
]
