"""Invoices on paper, by the settings of who sells."""

import asyncio
from dataclasses import replace
from uuid import UUID

from tollkeeper.billing.invoices import InvoiceDocument, Seller, get_document, print_invoice
from tollkeeper.billing.payments import way_paid
from tollkeeper.infra import Runtime, Settings, Tx


def seller_of(settings: Settings) -> Seller:
    """Return who sells, as printed."""
    return Seller(
        name=settings.seller_name,
        address=tuple(line.strip() for line in settings.seller_address.split("|") if line.strip()),
        tax_id=settings.seller_tax_id,
        email=settings.seller_email,
    )


async def document_to_print(tx: Tx, organization_id: UUID, invoice_id: UUID) -> InvoiceDocument:
    """Return one of the organization's invoices, and when it is a receipt, too, what it was paid with.

    Raises:
        InvoiceNotFoundError: there is none of this id, or it is somebody else's.
    """
    document = await get_document(tx, organization_id, invoice_id)
    if not document.is_receipt:
        return document
    way = await way_paid(tx, organization_id, document.invoice.provider_id)
    return replace(document, paid_with=way.words if way else "")


async def invoice_pdf(runtime: Runtime, document: InvoiceDocument) -> bytes:
    """Return the invoice as a PDF; made in a thread, since it takes milliseconds that other requests need."""
    settings = runtime.settings
    return await asyncio.to_thread(print_invoice, document, seller_of(settings), font=settings.invoice_font)


def file_name(document: InvoiceDocument) -> str:
    """Return what the file is called when it is saved: letters, digits and dashes only."""
    number = document.invoice.number or "draft"
    return "invoice-" + "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in number) + ".pdf"
