"""The addresses of invoices."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from tollkeeper.billing.invoices import get_invoice, list_invoices
from tollkeeper.infra import ActorDep, TxDep

from .access import CustomerQuery, reader
from .schemas import InvoiceDetailOut, InvoiceOut, InvoicesOut, LineOut

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
    """Read one invoice with its lines."""
    organization = await reader(tx, actor, customer)
    invoice = await get_invoice(tx, organization.id, invoice_id)
    lines = [LineOut.of(line, invoice.total.currency) for line in invoice.lines]
    return InvoiceDetailOut(**InvoiceOut.values(invoice), lines=lines)
