"""Use cases of invoices."""

from datetime import datetime
from uuid import UUID

from tollkeeper.billing.customers import Customer, list_customers
from tollkeeper.billing.provider import InvoiceState
from tollkeeper.infra import Tx
from tollkeeper.kit import FieldProblem, InvalidInputError, Page, parse_id

from . import store
from .model import Invoice, InvoiceNotFoundError


async def mirror_invoice(tx: Tx, customer: Customer, state: InvoiceState) -> None:
    """Make our copy equal to the provider's. Callers hold the lock of the customer."""
    await store.save(tx, customer, state)


async def list_invoices(tx: Tx, organization_id: UUID, *, cursor: str | None = None, limit: int = 20) -> Page[Invoice]:
    """Return the organization's invoices, newest first.

    Raises:
        InvalidInputError: the cursor is not one of ours.
    """
    before = _read_cursor(cursor) if cursor else None
    customers = await list_customers(tx, organization_id)
    found = await store.list_of(tx, customers, before=before, limit=limit + 1)
    shown = found[:limit]
    more = len(found) > limit
    return Page(shown, f"{shown[-1].issued_at.isoformat()}~{shown[-1].id}" if more else None)


async def get_invoice(tx: Tx, organization_id: UUID, invoice_id: UUID) -> Invoice:
    """Return one of the organization's invoices.

    Raises:
        InvoiceNotFoundError: there is none of this id, or it is somebody else's.
    """
    found = await store.find(tx, await list_customers(tx, organization_id), invoice_id)
    if found is None:
        raise InvoiceNotFoundError
    return found


def _read_cursor(text: str) -> tuple[datetime, UUID]:
    at, _, ident = text.partition("~")
    invoice_id = parse_id(ident)
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        moment = None
    if invoice_id is None or moment is None or moment.tzinfo is None:
        raise InvalidInputError([FieldProblem("cursor", "Use the `next_cursor` of the page before.")])
    return moment, invoice_id
