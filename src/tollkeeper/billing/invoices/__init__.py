"""Invoices: the mirror of the provider's.

Owns: what was billed, line by line, and what became of it. Does not own: collecting it (the provider does).
Invariants: a row is always one whole answer of the provider; amounts are minor units of one currency per invoice.
What each time means: `issued_at`, `due_at`, `paid_at` and the period are the provider's; `synced_at` is when we asked.
"""

from .model import Invoice, InvoiceNotFoundError
from .service import get_invoice, list_invoices, mirror_invoice

__all__ = ["Invoice", "InvoiceNotFoundError", "get_invoice", "list_invoices", "mirror_invoice"]
