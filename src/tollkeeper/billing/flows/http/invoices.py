"""The addresses of invoices."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from tollkeeper.billing.flows import service
from tollkeeper.billing.invoices import InvoiceDocument, get_document, list_invoices
from tollkeeper.infra import ActorDep, RuntimeDep, TxDep

from .access import CustomerQuery, reader
from .invoice_schemas import InvoiceDetailOut, InvoiceOut, InvoicesOut

router = APIRouter(prefix="/billing/invoices", tags=["billing"])


@router.get("")
async def get_invoices(
    actor: ActorDep,
    tx: TxDep,
    customer: CustomerQuery = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> InvoicesOut:
    """List invoices, newest first."""
    organization = await reader(tx, actor, customer)
    page = await list_invoices(tx, organization.id, cursor=cursor, limit=limit)
    data = [InvoiceOut(**InvoiceOut.values(invoice)) for invoice in page.data]
    return InvoicesOut(data=data, next_cursor=page.next_cursor)


@router.get("/{invoice_id}")
async def get_one_invoice(
    invoice_id: UUID, actor: ActorDep, tx: TxDep, customer: CustomerQuery = None
) -> InvoiceDetailOut:
    """Read one invoice with lines, discounts, taxes, whom it is made out to, and its credit notes."""
    organization = await reader(tx, actor, customer)
    return InvoiceDetailOut.of(await get_document(tx, organization.id, invoice_id))


@router.get("/{invoice_id}/pdf", response_class=Response, responses={200: {"content": {"application/pdf": {}}}})
async def get_invoice_pdf(
    invoice_id: UUID, runtime: RuntimeDep, actor: ActorDep, customer: CustomerQuery = None
) -> Response:
    """Print one invoice. Drafts and void ones are marked as such."""
    async with runtime.transaction() as tx:
        organization = await reader(tx, actor, customer)
        document = await service.document_to_print(tx, organization.id, invoice_id)
    return pdf_response(await service.invoice_pdf(runtime, document), document)


def pdf_response(content: bytes, document: InvoiceDocument) -> Response:
    """Answer with a printed invoice for the browser to save."""
    disposition = f'attachment; filename="{service.file_name(document)}"'
    return Response(content, media_type="application/pdf", headers={"Content-Disposition": disposition})
