"""Every statement of comparing and of what is due."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Table, Text, cast, delete, func, null, select, text, true, union_all
from sqlalchemy.dialects.postgresql import insert

from tollkeeper.infra import Tx, metadata

from .model import Progress, Stage
from .tables import RECONCILE_CURSORS

# The mirror as a whole is looked at from here, and written by those who own it.
CUSTOMERS = metadata.tables["billing_customers"]
ADDONS = metadata.tables["subscription_addons"]
SUBSCRIPTIONS = metadata.tables["subscriptions"]
INVOICES = metadata.tables["invoices"]
CASES = metadata.tables["dunning_cases"]
CREDIT_NOTES = metadata.tables["credit_notes"]
PAYMENTS = metadata.tables["payments"]
REFUNDS = metadata.tables["refunds"]
DISPUTES = metadata.tables["disputes"]
_TABLES = {
    "customer": CUSTOMERS,
    "subscription": SUBSCRIPTIONS,
    "invoice": INVOICES,
    "credit note": CREDIT_NOTES,
    "payment": PAYMENTS,
    "refund": REFUNDS,
    "dispute": DISPUTES,
}
# What things are parts of, and by which column they say so.
_WHOLES = {
    CREDIT_NOTES: (INVOICES, CREDIT_NOTES.c.invoice_id),
    REFUNDS: (PAYMENTS, REFUNDS.c.payment_id),
    DISPUTES: (PAYMENTS, DISPUTES.c.payment_id),
}

# Each with what must hold besides for anything to come of it.
_DUE = (
    (SUBSCRIPTIONS.c.current_period_end, true()),
    (SUBSCRIPTIONS.c.trial_end, true()),
    (SUBSCRIPTIONS.c.cancel_at, true()),
    (INVOICES.c.next_attempt_at, true()),
    (INVOICES.c.due_at, true()),
    (CASES.c.next_at, CASES.c.closed_at.is_(None)),
)


# How many units of each add-on at each price a subscription has, by words for both.
_UNITS = func.jsonb_object_agg(ADDONS.c.addon + " at " + cast(ADDONS.c.price_id, Text), ADDONS.c.quantity)
_BESIDE = (
    select(func.coalesce(_UNITS, text("'{}'::jsonb")))
    .where(ADDONS.c.subscription_id == SUBSCRIPTIONS.c.id, ADDONS.c.quantity > 0)
    .scalar_subquery()
    .label("addons")
)


async def next_due(tx: Tx, after: datetime) -> datetime | None:
    """Return the first moment later than `after` at which something mirrored, or a step of dunning, comes due."""
    first = [select(func.min(column).label("at")).where(column > after, holds) for column, holds in _DUE]
    moments = union_all(*first).subquery()
    found: datetime | None = (await tx.connection.execute(select(func.min(moments.c.at)))).scalar_one()
    return found


async def mirrored(tx: Tx, account: str, stage: Stage, after: str, *, limit: int) -> list[str]:
    """Return the provider's ids of what we mirror of this kind, in order, those after `after`."""
    table = _TABLES[stage.kind]
    query = _of_account(select(table.c.provider_id), table, account)
    if table is CUSTOMERS:
        query = query.where(CUSTOMERS.c.deleted_at.is_(None))
    ordered = query.where(table.c.provider_id > after).order_by(table.c.provider_id).limit(limit)
    return list((await tx.connection.execute(ordered)).scalars())


async def rows(tx: Tx, account: str, stage: Stage, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Return what we mirror under these ids of the provider, as it is written.

    `owner` is the customer's id there, `part_of` that of the invoice of a credit note, and of the payment it is or
    belongs to; None of all others.
    """
    table = _TABLES[stage.kind]
    whole = _WHOLES[table][0] if table in _WHOLES else table
    part_of = null() if table in (CUSTOMERS, SUBSCRIPTIONS, INVOICES) else whole.c.provider_id
    wanted = select(table, CUSTOMERS.c.provider_id.label("owner"), part_of.label("part_of"))
    if table is SUBSCRIPTIONS:
        wanted = wanted.add_columns(_BESIDE)
    query = _of_account(wanted, table, account).where(table.c.provider_id.in_(ids))
    return {row["provider_id"]: dict(row) for row in (await tx.connection.execute(query)).mappings()}


async def payers(tx: Tx, account: str, charges: Sequence[str]) -> dict[str, str]:
    """Return who made these payments, by the provider's ids of both; payments we do not mirror are left out."""
    query = select(PAYMENTS.c.provider_id, CUSTOMERS.c.provider_id.label("owner"))
    found = _of_account(query, PAYMENTS, account).where(PAYMENTS.c.provider_id.in_(charges))
    return {row.provider_id: row.owner for row in await tx.connection.execute(found)}


async def known_customers(tx: Tx, account: str, ids: Sequence[str]) -> set[str]:
    """Return which of these customers of the provider are ours."""
    query = select(CUSTOMERS.c.provider_id).where(CUSTOMERS.c.account == account, CUSTOMERS.c.provider_id.in_(ids))
    return set((await tx.connection.execute(query)).scalars())


async def known_events(tx: Tx, account: str, ids: Sequence[str]) -> set[str]:
    """Return which of these events of the provider are stored already."""
    table = metadata.tables["provider_events"].c
    query = select(table.provider_id).where(table.account == account, table.provider_id.in_(ids))
    return set((await tx.connection.execute(query)).scalars())


async def forget_invoice(tx: Tx, account: str, provider_id: str) -> None:
    """Drop an invoice that the provider does not know any more: a draft that was deleted."""
    owners = select(CUSTOMERS.c.id).where(CUSTOMERS.c.account == account)
    found = delete(INVOICES).where(INVOICES.c.provider_id == provider_id, INVOICES.c.customer_id.in_(owners))
    await tx.connection.execute(found)


async def forget_credit_note(tx: Tx, account: str, provider_id: str) -> None:
    """Drop a credit note that the provider does not know."""
    mine = _of_account(select(INVOICES.c.id), INVOICES, account)
    found = delete(CREDIT_NOTES).where(CREDIT_NOTES.c.provider_id == provider_id, CREDIT_NOTES.c.invoice_id.in_(mine))
    await tx.connection.execute(found)


def _of_account(query: Select[Any], table: Table, account: str) -> Select[Any]:
    if table is CREDIT_NOTES:  # which alone does not say whose it is
        query = query.join(INVOICES, INVOICES.c.id == CREDIT_NOTES.c.invoice_id)
        query = query.join(CUSTOMERS, CUSTOMERS.c.id == INVOICES.c.customer_id)
    elif table is not CUSTOMERS:
        if table in _WHOLES:
            whole, column = _WHOLES[table]
            query = query.join(whole, whole.c.id == column)
        query = query.join(CUSTOMERS, CUSTOMERS.c.id == table.c.customer_id)
    return query.where(CUSTOMERS.c.account == account)


async def load_progress(tx: Tx, account: str, run: str) -> Progress | None:
    """Return how far a run had come when it was stopped; None: begin anew."""
    table = RECONCILE_CURSORS.c
    query = select(RECONCILE_CURSORS).where(table.account == account, table.run == run)
    row = (await tx.connection.execute(query)).one_or_none()
    return Progress(Stage(row.kind), row.after, row.compared, row.differing) if row else None


async def save_progress(tx: Tx, account: str, run: str, progress: Progress) -> None:
    """Note how far a run has come."""
    values = {
        "kind": progress.stage.value,
        "after": progress.after,
        "compared": progress.compared,
        "differing": progress.differing,
        "saved_at": tx.now,
    }
    fresh = insert(RECONCILE_CURSORS).values(account=account, run=run, **values)
    await tx.connection.execute(fresh.on_conflict_do_update(index_elements=["account", "run"], set_=values))


async def forget_progress(tx: Tx, account: str, run: str) -> None:
    """Note that a run is done: the next one begins anew."""
    table = RECONCILE_CURSORS.c
    await tx.connection.execute(delete(RECONCILE_CURSORS).where(table.account == account, table.run == run))
