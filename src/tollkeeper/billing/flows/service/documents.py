"""Invoices on paper, by the settings of who sells."""

import asyncio

from tollkeeper.billing.invoices import InvoiceDocument, Seller, print_invoice
from tollkeeper.infra import Runtime, Settings


def seller_of(settings: Settings) -> Seller:
    """Return who sells, as printed."""
    return Seller(
        name=settings.seller_name,
        address=tuple(line.strip() for line in settings.seller_address.split("|") if line.strip()),
        tax_id=settings.seller_tax_id,
        email=settings.seller_email,
    )


async def invoice_pdf(runtime: Runtime, document: InvoiceDocument) -> bytes:
    """Return the invoice as a PDF; made in a thread, since it takes milliseconds that other requests need."""
    settings = runtime.settings
    return await asyncio.to_thread(print_invoice, document, seller_of(settings), font=settings.invoice_font)


def file_name(document: InvoiceDocument) -> str:
    """Return what the file is called when it is saved: letters, digits and dashes only."""
    number = document.invoice.number or "draft"
    return "invoice-" + "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in number) + ".pdf"
