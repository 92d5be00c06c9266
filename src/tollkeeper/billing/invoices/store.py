"""Every statement about invoices."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Select, exists, select
from sqlalchemy.dialects.postgresql import insert

from tollkeeper.billing.customers import CUSTOMERS, Customer
from tollkeeper.billing.provider import (
    BilledTo,
    CreditNoteLine,
    CreditNoteState,
    Discount,
    InvoiceLine,
    InvoiceState,
    Tax,
    Term,
)
from tollkeeper.infra import Tx, in_order
from tollkeeper.kit import Money, new_id

from .model import CreditNote, Invoice, InvoiceOrder
from .tables import CREDIT_NOTES, INVOICE_TERMS, INVOICES

_AMOUNTS: tuple[str, ...] = (
    "subtotal",
    "tax",
    "total",
    "amount_due",
    "amount_paid",
    "amount_remaining",
    "discount_total",
    "starting_balance",
    "ending_balance",
    "credited_before_payment",
    "credited_after_payment",
)
_OF_NOTE = ("subtotal", "tax", "total", "before_payment", "after_payment", "refunded", "credited", "outside")
# What is kept as JSON, and what it is read back as.
_PARTS: Mapping[str, TypeAdapter[Any]] = {
    "lines": TypeAdapter(tuple[InvoiceLine, ...]),
    "discounts": TypeAdapter(tuple[Discount, ...]),
    "taxes": TypeAdapter(tuple[Tax, ...]),
    "billed_to": TypeAdapter(BilledTo),
}
_COLUMNS: Mapping[InvoiceOrder, tuple[ColumnElement[Any], ...]] = {
    InvoiceOrder.ISSUED: (INVOICES.c.issued_at, INVOICES.c.id),
    InvoiceOrder.TOTAL: (INVOICES.c.currency, INVOICES.c.total, INVOICES.c.id),
}
_NOTE_LINES = TypeAdapter(tuple[CreditNoteLine, ...])


@dataclass(frozen=True, slots=True)
class Way:
    """A page of a list: its order and direction, the place after which it begins (None: at the first), how long."""

    order: InvoiceOrder
    descending: bool
    after: tuple[Any, ...] | None
    limit: int


async def save(tx: Tx, customer: Customer, state: InvoiceState) -> UUID:
    """Make our copy equal to the provider's; returns our id of it."""
    values = _json(asdict(state), state)
    for name in ("id", "customer_id", "whole"):
        del values[name]
    values["subscription"] = values.pop("subscription_id")
    values["issued_at"] = values.pop("created_at")
    values["synced_at"] = tx.now
    fresh = insert(INVOICES).values(id=new_id(), customer_id=customer.id, provider_id=state.id, **values)
    statement = fresh.on_conflict_do_update(index_elements=["customer_id", "provider_id"], set_=values)
    found: UUID = (await tx.connection.execute(statement.returning(INVOICES.c.id))).scalar_one()
    return found


async def status_of(tx: Tx, customer: Customer, provider_id: str) -> str | None:
    """Return what the status of the invoice was when it was mirrored last; None: it never was."""
    mine = (INVOICES.c.customer_id == customer.id) & (INVOICES.c.provider_id == provider_id)
    found: str | None = (await tx.connection.execute(select(INVOICES.c.status).where(mine))).scalar_one_or_none()
    return found


async def list_of(tx: Tx, account: str, organization_id: UUID, way: Way) -> list[Invoice]:
    """Return a page of an organization's invoices."""
    return await _page(tx, _everybodys(account).where(CUSTOMERS.c.organization_id == organization_id), way)


async def list_all(tx: Tx, account: str, way: Way, *, status: str | None) -> list[Invoice]:
    """Return a page of everybody's invoices."""
    query = _everybodys(account)
    return await _page(tx, query.where(INVOICES.c.status == status) if status is not None else query, way)


def _everybodys(account: str) -> Select[Any]:
    whose = select(INVOICES, CUSTOMERS.c.organization_id)
    return whose.join(CUSTOMERS, CUSTOMERS.c.id == INVOICES.c.customer_id).where(CUSTOMERS.c.account == account)


async def _page(tx: Tx, query: Select[Any], way: Way) -> list[Invoice]:
    ordered = in_order(query, _COLUMNS[way.order], way.after, descending=way.descending)
    rows = (await tx.connection.execute(ordered.limit(way.limit))).mappings()
    return [_invoice(row, row["organization_id"]) for row in rows]


async def owner(tx: Tx, account: str, invoice_id: UUID) -> UUID | None:
    """Return whose invoice this is; None when there is none of this id."""
    query = select(CUSTOMERS.c.organization_id).join(INVOICES, INVOICES.c.customer_id == CUSTOMERS.c.id)
    mine = query.where(CUSTOMERS.c.account == account, INVOICES.c.id == invoice_id)
    found: UUID | None = (await tx.connection.execute(mine)).scalar_one_or_none()
    return found


async def ids_of(tx: Tx, account: str, provider_ids: Collection[str]) -> dict[str, UUID]:
    """Return our ids of invoices by theirs at the provider; those that are not mirrored are left out."""
    if not provider_ids:
        return {}
    mine = (CUSTOMERS.c.account == account) & INVOICES.c.provider_id.in_(provider_ids)
    query = select(INVOICES.c.provider_id, INVOICES.c.id).join(CUSTOMERS, CUSTOMERS.c.id == INVOICES.c.customer_id)
    rows = (await tx.connection.execute(query.where(mine))).all()
    return {row[0]: row[1] for row in rows}


async def find(tx: Tx, account: str, organization_id: UUID, invoice_id: UUID) -> Invoice | None:
    """Return the invoice of this id; None when there is none, or it is another organization's."""
    theirs = _everybodys(account).where(CUSTOMERS.c.organization_id == organization_id)
    row = (await tx.connection.execute(theirs.where(INVOICES.c.id == invoice_id))).mappings().one_or_none()
    return None if row is None else _invoice(row, organization_id)


async def save_credit_note(tx: Tx, invoice_id: UUID, state: CreditNoteState) -> None:
    """Make our copy of an invoice's credit note equal to the provider's."""
    values = _json(asdict(state), state)
    for name in ("id", "invoice_id", "customer_id"):
        del values[name]
    values["synced_at"] = tx.now
    fresh = insert(CREDIT_NOTES).values(id=new_id(), invoice_id=invoice_id, provider_id=state.id, **values)
    await tx.connection.execute(fresh.on_conflict_do_update(index_elements=["invoice_id", "provider_id"], set_=values))


async def has_credit_notes(tx: Tx, invoice_id: UUID) -> bool:
    """Whether any credit note of the invoice is mirrored."""
    query = select(exists().where(CREDIT_NOTES.c.invoice_id == invoice_id))
    return bool((await tx.connection.execute(query)).scalar_one())


async def credit_notes_of(tx: Tx, invoice_id: UUID) -> list[CreditNote]:
    """Return the credit notes of an invoice, oldest first."""
    table = CREDIT_NOTES.c
    query = select(CREDIT_NOTES).where(table.invoice_id == invoice_id).order_by(table.issued_at, table.number)
    return [_credit_note(row) for row in (await tx.connection.execute(query)).mappings()]


async def save_terms(tx: Tx, account: str, terms: Sequence[Term]) -> None:
    """Note what tax rates and discounts are called."""
    for term in terms:
        values = asdict(term)
        del values["id"]
        fresh = insert(INVOICE_TERMS).values(account=account, provider_id=term.id, **values)
        await tx.connection.execute(fresh.on_conflict_do_update(index_elements=["account", "provider_id"], set_=values))


async def terms_of(tx: Tx, account: str, ids: Collection[str]) -> dict[str, Term]:
    """Return what these tax rates and discounts are called, those that are known."""
    table = INVOICE_TERMS.c
    query = select(INVOICE_TERMS).where(table.account == account, table.provider_id.in_(ids))
    rows = (await tx.connection.execute(query)).mappings()
    return {
        row["provider_id"]: Term(row["provider_id"], **{name: row[name] for name in Term.__slots__ if name != "id"})
        for row in rows
    }


def _json(values: dict[str, Any], state: InvoiceState | CreditNoteState) -> dict[str, Any]:
    """Return the values with everything that is no column of its own turned into JSON."""
    nested = {field.name for field in fields(state) if field.name in {*_PARTS}}
    return {name: _plain(value) if name in nested else value for name, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, datetime) else value


def _money(amount: int | None, currency: str) -> Money | None:
    return None if amount is None else Money(amount, currency)


def _invoice(row: Mapping[Any, Any], organization_id: UUID) -> Invoice:
    values = {field.name: row[field.name] for field in fields(Invoice) if field.name != "organization_id"}
    values |= {name: _money(row[name], row["currency"]) for name in _AMOUNTS}
    values |= {name: adapter.validate_python(row[name]) for name, adapter in _PARTS.items()}
    return Invoice(**values, organization_id=organization_id)


def _credit_note(row: Mapping[Any, Any]) -> CreditNote:
    values = {field.name: row[field.name] for field in fields(CreditNote)}
    values |= {name: _money(row[name], row["currency"]) for name in _OF_NOTE}
    return CreditNote(**{**values, "lines": _NOTE_LINES.validate_python(row["lines"])})
