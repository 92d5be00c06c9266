"""Every statement about payments, refunds and disputes."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, case, delete, func, select, text, union_all, update
from sqlalchemy.dialects.postgresql import insert

from tollkeeper.billing.customers import CUSTOMERS, Customer
from tollkeeper.billing.provider import ChargeState, DisputeState, PaymentMethod, RefundState
from tollkeeper.infra import Tx, in_order
from tollkeeper.kit import Money, new_id

from .model import Charge, Dispute, PaymentOrder, Refund, Stage
from .rules import ANSWERABLE, stage_of
from .tables import DISPUTES, PAYMENTS, REFUNDS

_NEVER = text("'infinity'::timestamptz")
_OWNER = CUSTOMERS.c.organization_id
_CHARGES = select(PAYMENTS, _OWNER).join(CUSTOMERS, CUSTOMERS.c.id == PAYMENTS.c.customer_id)
_REFUNDS = (
    select(REFUNDS, _OWNER, PAYMENTS.c.invoice)
    .join(CUSTOMERS, CUSTOMERS.c.id == REFUNDS.c.customer_id)
    .join(PAYMENTS, PAYMENTS.c.id == REFUNDS.c.payment_id)
)
_DISPUTES = (
    select(
        DISPUTES,
        _OWNER,
        PAYMENTS.c.invoice,
        PAYMENTS.c.provider_id.label("charge"),
        CUSTOMERS.c.provider_id.label("customer"),
    )
    .join(CUSTOMERS, CUSTOMERS.c.id == DISPUTES.c.customer_id)
    .join(PAYMENTS, PAYMENTS.c.id == DISPUTES.c.payment_id)
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A page of an organization's things (None: of everybody's), after the one at this place in their order.

    `statuses` are the provider's words; empty: whichever.
    """

    account: str
    organization_id: UUID | None
    order: PaymentOrder
    descending: bool
    after: tuple[Any, ...] | None
    limit: int
    statuses: Collection[str] = ()


async def save_charge(tx: Tx, customer: Customer, state: ChargeState) -> Charge:
    """Make our copy equal to the provider's."""
    values = _values(state)
    values |= {"intent": values.pop("intent_id"), "invoice": values.pop("invoice_id")}
    made = await _save(tx, PAYMENTS, customer, state.id, values)
    return _charge((await _rows(tx, _CHARGES.where(PAYMENTS.c.id == made)))[0])


async def save_refund(tx: Tx, customer: Customer, payment_id: UUID, state: RefundState) -> Refund:
    """Make our copy equal to the provider's."""
    values = _values(state) | {"payment_id": payment_id}
    del values["charge_id"]
    made = await _save(tx, REFUNDS, customer, state.id, values)
    return _refund((await _rows(tx, _REFUNDS.where(REFUNDS.c.id == made)))[0])


async def save_dispute(
    tx: Tx, customer: Customer, payment_id: UUID, state: DisputeState, subscription: str | None
) -> Dispute:
    """Make our copy equal to the provider's. The moment we first learnt that it is decided stays."""
    values = _values(state) | {"payment_id": payment_id, "subscription": subscription}
    del values["charge_id"]
    known = await find_dispute(tx, customer, state.id)
    closed = stage_of(state.status)[0] is Stage.CLOSED
    values["closed_at"] = ((known.closed_at if known else None) or tx.now) if closed else None
    made = await _save(tx, DISPUTES, customer, state.id, values)
    return _dispute((await _rows(tx, _DISPUTES.where(DISPUTES.c.id == made)))[0])


async def find_charge(tx: Tx, customer: Customer, provider_id: str) -> Charge | None:
    """Return the customer's payment of this id at the provider."""
    return next(map(_charge, await _rows(tx, _CHARGES.where(_this(PAYMENTS, customer, provider_id)))), None)


async def find_refund(tx: Tx, customer: Customer, provider_id: str) -> Refund | None:
    """Return the customer's refund of this id at the provider."""
    query = _REFUNDS.where(REFUNDS.c.customer_id == customer.id, REFUNDS.c.provider_id == provider_id)
    return next(map(_refund, await _rows(tx, query)), None)


async def find_dispute(tx: Tx, customer: Customer, provider_id: str) -> Dispute | None:
    """Return the customer's dispute of this id at the provider."""
    query = _DISPUTES.where(DISPUTES.c.customer_id == customer.id, DISPUTES.c.provider_id == provider_id)
    return next(map(_dispute, await _rows(tx, query)), None)


async def get_dispute(tx: Tx, account: str, organization_id: UUID | None, dispute_id: UUID) -> Dispute | None:
    """Return a dispute; None when there is none of this id, or it is another organization's (None: whose it is)."""
    query = _of_owner(_DISPUTES, account, organization_id).where(DISPUTES.c.id == dispute_id)
    return next(map(_dispute, await _rows(tx, query)), None)


async def disputes_of(tx: Tx, customer: Customer, subscription: str) -> list[Dispute]:
    """Return the disputes of payments for a subscription."""
    query = _DISPUTES.where(DISPUTES.c.customer_id == customer.id, DISPUTES.c.subscription == subscription)
    return [_dispute(row) for row in await _rows(tx, query)]


async def list_charges(tx: Tx, wanted: Wanted) -> list[Charge]:
    """Return a page of payments."""
    return [_charge(row) for row in await _page(tx, _CHARGES, PAYMENTS, wanted)]


async def list_refunds(tx: Tx, wanted: Wanted) -> list[Refund]:
    """Return a page of refunds."""
    return [_refund(row) for row in await _page(tx, _REFUNDS, REFUNDS, wanted)]


async def list_disputes(tx: Tx, wanted: Wanted) -> list[Dispute]:
    """Return a page of disputes."""
    return [_dispute(row) for row in await _page(tx, _DISPUTES, DISPUTES, wanted)]


async def of_invoice(
    tx: Tx, account: str, organization_id: UUID, invoice: str
) -> tuple[list[Charge], list[Refund], list[Dispute]]:
    """Return what was paid for an invoice, given back and disputed, newest first."""
    this = PAYMENTS.c.invoice == invoice
    found = [
        await _rows(tx, _of_owner(query, account, organization_id).where(this).order_by(table.c.created_at.desc()))
        for query, table in ((_CHARGES, PAYMENTS), (_REFUNDS, REFUNDS), (_DISPUTES, DISPUTES))
    ]
    return [_charge(r) for r in found[0]], [_refund(r) for r in found[1]], [_dispute(r) for r in found[2]]


async def way_paid(tx: Tx, account: str, organization_id: UUID, invoice: str) -> PaymentMethod | None:
    """Return what the latest payment of an invoice was made with; None: there is none, or nobody knows."""
    paid = _of_owner(_CHARGES, account, organization_id).where(
        PAYMENTS.c.invoice == invoice, PAYMENTS.c.status == "succeeded"
    )
    found = await _rows(tx, paid.order_by(PAYMENTS.c.created_at.desc()).limit(1))
    return next((_charge(row).method for row in found), None)


async def payer(tx: Tx, account: str, payment_id: str) -> str | None:
    """Return the provider's id of the customer who made a payment that we mirror."""
    query = select(CUSTOMERS.c.provider_id).join(PAYMENTS, PAYMENTS.c.customer_id == CUSTOMERS.c.id)
    known = (PAYMENTS.c.intent == payment_id) | (PAYMENTS.c.provider_id == payment_id)
    found: str | None = (await tx.connection.execute(query.where(CUSTOMERS.c.account == account, known))).scalar()
    return found


async def due_for_reminder(tx: Tx, account: str, before: datetime) -> list[Dispute]:
    """Return disputes with a deadline before then that wait for evidence and were not reminded of."""
    query = _DISPUTES.where(CUSTOMERS.c.account == account, *_waiting(), DISPUTES.c.due_at.between(tx.now, before))
    return [_dispute(row) for row in await _rows(tx, query.order_by(DISPUTES.c.due_at))]


async def note_reminded(tx: Tx, dispute_id: UUID) -> None:
    """Note that a deadline was told of."""
    await tx.connection.execute(update(DISPUTES).values(reminded_at=tx.now).where(DISPUTES.c.id == dispute_id))


async def delete_unknown(tx: Tx, customer: Customer, provider_id: str) -> tuple[list[Dispute], list[tuple[str, UUID]]]:
    """Drop the customer's payment, refund or dispute of this id, with what was given back or disputed of the payment;
    returns the disputes that were dropped, and all that was, by kind and our id.
    """
    payments = select(PAYMENTS.c.id).where(_this(PAYMENTS, customer, provider_id))
    disputes = _this(DISPUTES, customer, provider_id) | DISPUTES.c.payment_id.in_(payments)
    refunds = _this(REFUNDS, customer, provider_id) | REFUNDS.c.payment_id.in_(payments)
    dropped = [_dispute(row) for row in await _rows(tx, _DISPUTES.where(disputes))]
    gone: list[tuple[str, UUID]] = []
    for kind, table, these in (
        ("dispute", DISPUTES, disputes),
        ("refund", REFUNDS, refunds),
        ("payment", PAYMENTS, _this(PAYMENTS, customer, provider_id)),
    ):
        ids = await tx.connection.execute(delete(table).where(these).returning(table.c.id))
        gone += [(kind, each) for each in ids.scalars()]
    return dropped, gone


def _this(table: Table, customer: Customer, provider_id: str) -> ColumnElement[bool]:
    return (table.c.customer_id == customer.id) & (table.c.provider_id == provider_id)


async def note_released(tx: Tx, dispute_id: UUID) -> None:
    """Note that a dispute no longer withholds the plan."""
    await tx.connection.execute(update(DISPUTES).values(released_at=tx.now).where(DISPUTES.c.id == dispute_id))


async def next_due(tx: Tx, after: datetime, remind_before: timedelta) -> datetime | None:
    """Return the first moment later than `after` at which a reminder or a deadline is due."""
    reminder = DISPUTES.c.due_at - remind_before
    moments = union_all(
        select(func.min(reminder).label("at")).where(reminder > after, *_waiting()),
        select(func.min(DISPUTES.c.due_at)).where(DISPUTES.c.due_at > after, DISPUTES.c.closed_at.is_(None)),
    ).subquery()
    found: datetime | None = (await tx.connection.execute(select(func.min(moments.c.at)))).scalar_one()
    return found


def _waiting() -> tuple[Any, ...]:
    return DISPUTES.c.status.in_(ANSWERABLE), DISPUTES.c.submissions == 0, DISPUTES.c.reminded_at.is_(None)


def _values(state: ChargeState | RefundState | DisputeState) -> dict[str, Any]:
    values = asdict(state)
    del values["id"]
    return values


async def _save(tx: Tx, table: Table, customer: Customer, provider_id: str, values: dict[str, Any]) -> UUID:
    fresh = insert(table).values(
        id=new_id(), customer_id=customer.id, provider_id=provider_id, synced_at=tx.now, **values
    )
    statement = fresh.on_conflict_do_update(
        index_elements=["customer_id", "provider_id"], set_={**values, "synced_at": tx.now}
    )
    made: UUID = (await tx.connection.execute(statement.returning(table.c.id))).scalar_one()
    return made


def _of_owner(query: Select[Any], account: str, organization_id: UUID | None) -> Select[Any]:
    query = query.where(CUSTOMERS.c.account == account)
    return query if organization_id is None else query.where(CUSTOMERS.c.organization_id == organization_id)


async def _page(tx: Tx, query: Select[Any], table: Table, wanted: Wanted) -> list[Mapping[Any, Any]]:
    query = _of_owner(query, wanted.account, wanted.organization_id)
    query = query.where(table.c.status.in_(wanted.statuses)) if wanted.statuses else query
    after = wanted.after
    if wanted.order is PaymentOrder.DUE and after is not None:
        after = (func.coalesce(after[0], _NEVER), *after[1:])
    ordered = in_order(query, (*_sorted_by(table, wanted.order), table.c.id), after, descending=wanted.descending)
    return await _rows(tx, ordered.limit(wanted.limit))


def _sorted_by(table: Table, order: PaymentOrder) -> tuple[ColumnElement[Any], ...]:
    match order:
        case PaymentOrder.CREATED:
            return (table.c.created_at,)
        case PaymentOrder.AMOUNT:
            return table.c.currency, table.c.amount
        case PaymentOrder.DUE:  # without an index: there are few disputes
            waits = table.c.status.in_(ANSWERABLE)
            return (func.coalesce(case((waits, table.c.due_at)), _NEVER),)


async def _rows(tx: Tx, query: Select[Any]) -> list[Mapping[Any, Any]]:
    return list((await tx.connection.execute(query)).mappings())


def _charge(row: Mapping[Any, Any]) -> Charge:
    same = {name: row[name] for name in Charge.__dataclass_fields__ if name not in {"refunded", "method", "amount"}}
    return Charge(
        **same,
        amount=Money(row["amount"], row["currency"]),
        refunded=Money(row["amount_refunded"], row["currency"]),
        method=PaymentMethod(**row["method"]) if row["method"] else None,
    )


def _refund(row: Mapping[Any, Any]) -> Refund:
    same = {name: row[name] for name in Refund.__dataclass_fields__ if name != "amount"}
    return Refund(**same, amount=Money(row["amount"], row["currency"]))


def _dispute(row: Mapping[Any, Any]) -> Dispute:
    stage, outcome = stage_of(row["status"])
    values = {name: row[name] for name in Dispute.__dataclass_fields__ if name not in {"stage", "outcome"}}
    values |= {name: Money(row[name], row["currency"]) for name in ("amount", "withdrawn", "fee")}
    return Dispute(**values, stage=stage, outcome=outcome)
