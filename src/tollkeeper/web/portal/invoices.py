"""The page of one invoice, and its printed form."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import (
    InvoiceNotFoundError,
    document_to_print,
    explain_invoice,
    get_document,
    invoice_pdf,
    payments_of_invoice,
    pdf_response,
)
from tollkeeper.infra import RuntimeDep
from tollkeeper.kit import Permission, id_or
from tollkeeper.web.ui import page

from .explain_views import explanation_view
from .invoice_views import invoice_view
from .payment_views import (
    payment_rows,
)
from .person import PersonDep, load_viewer

router = APIRouter()


@router.get("/billing/invoices/{invoice_id}")
async def invoice_page(request: Request, runtime: RuntimeDep, actor: PersonDep, invoice_id: str) -> Response:
    """Show one invoice with everything it says."""
    actor.must(Permission.BILLING_READ)
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        document = await get_document(tx, actor.own_organization(), id_or(invoice_id, InvoiceNotFoundError))
        paid = await payments_of_invoice(tx, actor.own_organization(), document.invoice.provider_id)
        explained = await explain_invoice(tx, actor.own_organization(), document.invoice.id)
    return page(
        request,
        "portal/invoice.html",
        viewer=viewer,
        banners=[],
        invoice=invoice_view(document),
        payments=payment_rows(paid),
        explanation=explanation_view(explained),
        is_receipt=document.is_receipt,
        pdf=f"/billing/invoices/{document.invoice.id}/pdf",
    )


@router.get("/billing/invoices/{invoice_id}/pdf")
async def invoice_file(runtime: RuntimeDep, actor: PersonDep, invoice_id: str) -> Response:
    """Print one invoice."""
    actor.must(Permission.BILLING_READ)
    async with runtime.transaction() as tx:
        document = await document_to_print(tx, actor.own_organization(), id_or(invoice_id, InvoiceNotFoundError))
    return pdf_response(await invoice_pdf(runtime, document), document)
