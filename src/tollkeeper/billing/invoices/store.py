"""Every statement about invoices."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert

from tollkeeper.billing.customers import Customer
from tollkeeper.billing.provider import InvoiceLine, InvoiceState
from tollkeeper.infra import Tx
from tollkeeper.kit import Money, new_id

from .model import Invoice
from .tables import INVOICES

_AMOUNTS = ("subtotal", "tax", "total", "amount_due", "amount_paid", "amount_remaining")


async def save(tx: Tx, customer: Customer, state: InvoiceState) -> None:
    """Make our copy equal to the provider's."""
    values = asdict(state)
    for name in ("id", "customer_id"):
        del values[name]
    values["subscription"] = values.pop("subscription_id")
    values["issued_at"] = values.pop("created_at")
    values["lines"] = [_line_as_json(line) for line in state.lines]
    values["synced_at"] = tx.now
    fresh = insert(INVOICES).values(id=new_id(), customer_id=customer.id, provider_id=state.id, **values)
    await tx.connection.execute(fresh.on_conflict_do_update(index_elements=["customer_id", "provider_id"], set_=values))


async def list_of(
    tx: Tx, customers: Sequence[Customer], *, before: tuple[datetime, UUID] | None, limit: int
) -> list[Invoice]:
    """Return these customers' invoices, newest first, after the one that `before` names by its time and id."""
    owners = {customer.id: customer.organization_id for customer in customers}
    table = INVOICES.c
    query = select(INVOICES).where(table.customer_id.in_(owners))
    if before is not None:
        query = query.where(tuple_(table.issued_at, table.id) < tuple_(*before))
    ordered = query.order_by(table.issued_at.desc(), table.id.desc()).limit(limit)
    rows = (await tx.connection.execute(ordered)).mappings()
    return [_invoice(row, owners[row["customer_id"]]) for row in rows]


async def find(tx: Tx, customers: Sequence[Customer], invoice_id: UUID) -> Invoice | None:
    """Return the invoice of this id; None when there is none, or it belongs to another customer."""
    owners = {customer.id: customer.organization_id for customer in customers}
    query = select(INVOICES).where(INVOICES.c.customer_id.in_(owners), INVOICES.c.id == invoice_id)
    row = (await tx.connection.execute(query)).mappings().one_or_none()
    return None if row is None else _invoice(row, owners[row["customer_id"]])


def _line_as_json(line: InvoiceLine) -> dict[str, Any]:
    values = asdict(line)
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def _line(values: dict[str, Any]) -> InvoiceLine:
    times = {name: _moment(values[name]) for name in ("period_start", "period_end")}
    return InvoiceLine(**{**values, **times})


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _invoice(row: Mapping[Any, Any], organization_id: UUID) -> Invoice:
    values = {field.name: row[field.name] for field in fields(Invoice) if field.name != "organization_id"}
    values |= {name: Money(row[name], row["currency"]) for name in _AMOUNTS}
    values["lines"] = tuple(_line(line) for line in row["lines"])
    return Invoice(**values, organization_id=organization_id)
