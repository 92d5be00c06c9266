"""Invoices: the mirror of the provider's.

Owns: what was billed, line by line, with discounts, taxes and credit notes, and what became of it; the printed form.
Does not own: collecting it (the provider does).
Invariants: a row is always one whole answer of the provider; amounts are minor units of one currency per invoice, and
add up: lines to the subtotal, less discounts, plus tax on top, to the total.
What each time means: `issued_at`, `due_at`, `paid_at` and the period are the provider's; `synced_at` is when we asked.
"""

from .model import CreditNote, Invoice, InvoiceDocument, InvoiceNotFoundError
from .printing import Seller, UnusableFontError, load_fonts, print_invoice
from .rules import SumRow, address_lines, discount_words, notes, rates_of, sums, tax_id_words, tax_words, unit_price
from .service import get_document, get_invoice, list_invoices, mirror_invoice

__all__ = [
    "CreditNote",
    "Invoice",
    "InvoiceDocument",
    "InvoiceNotFoundError",
    "Seller",
    "SumRow",
    "UnusableFontError",
    "address_lines",
    "discount_words",
    "get_document",
    "get_invoice",
    "list_invoices",
    "load_fonts",
    "mirror_invoice",
    "notes",
    "print_invoice",
    "rates_of",
    "sums",
    "tax_id_words",
    "tax_words",
    "unit_price",
]
