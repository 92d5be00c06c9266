"""Every statement about dunning."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Text, cast, column, func, literal_column, select, true, values
from sqlalchemy.dialects.postgresql import insert

from tollkeeper.billing.customers import CUSTOMERS
from tollkeeper.billing.invoices import INVOICES
from tollkeeper.billing.subscriptions import SUBSCRIPTIONS
from tollkeeper.infra import Tx
from tollkeeper.kit import Money

from .model import Case, Owed, State, Total
from .tables import CARD_WARNINGS, DUNNING_CASES

_WITH_INVOICE = (
    DUNNING_CASES.join(SUBSCRIPTIONS, SUBSCRIPTIONS.c.id == DUNNING_CASES.c.subscription_id)
    .join(CUSTOMERS, CUSTOMERS.c.id == SUBSCRIPTIONS.c.customer_id)
    .outerjoin(
        INVOICES,
        (INVOICES.c.customer_id == SUBSCRIPTIONS.c.customer_id) & (INVOICES.c.provider_id == DUNNING_CASES.c.invoice),
    )
)
# When a case was closed, and after all others where it is open: one range of the board's index holds what is shown.
_over: ColumnElement[datetime] = func.coalesce(DUNNING_CASES.c.closed_at, literal_column("'infinity'::timestamptz"))


async def find_open(tx: Tx, subscription_id: UUID) -> Case | None:
    """Return the subscription's open case."""
    table = DUNNING_CASES.c
    query = select(DUNNING_CASES).where(table.subscription_id == subscription_id, table.closed_at.is_(None))
    row = (await tx.connection.execute(query)).mappings().one_or_none()
    return None if row is None else _case(row)


async def get_case(tx: Tx, case_id: UUID) -> Case | None:
    """Return a case."""
    query = select(DUNNING_CASES).where(DUNNING_CASES.c.id == case_id)
    row = (await tx.connection.execute(query)).mappings().one_or_none()
    return None if row is None else _case(row)


async def totals(tx: Tx, account: str, closed_since: datetime) -> list[Total]:
    """Return how many cases are in which state and what they owe, those closed before then left out."""
    query = (
        select(DUNNING_CASES.c.state, INVOICES.c.currency, func.count(), _sum(INVOICES.c.amount_due))
        .select_from(_WITH_INVOICE)
        .where(CUSTOMERS.c.account == account, _shown(closed_since))
        .group_by(DUNNING_CASES.c.state, INVOICES.c.currency)
        .order_by(DUNNING_CASES.c.state, INVOICES.c.currency)
    )
    return [Total(State(state), currency, *rest) for state, currency, *rest in await tx.connection.execute(query)]


async def owed(tx: Tx, account: str, states: Sequence[State], closed_since: datetime, *, limit: int) -> list[Owed]:
    """Return cases with what they owe, so many of each state: open ones by their next step, closed ones the last
    first.
    """
    cases, invoices = DUNNING_CASES.c, INVOICES.c
    asked = values(column("state", Text), name="asked").data([(each.value,) for each in states])
    of_state = (
        select(
            DUNNING_CASES,
            SUBSCRIPTIONS.c.plan,
            invoices.amount_due,
            invoices.currency,
            invoices.id.label("invoice_id"),
            invoices.number,
            invoices.next_attempt_at,
        )
        .select_from(_WITH_INVOICE)
        .where(CUSTOMERS.c.account == account, cases.state == asked.c.state, _shown(closed_since))
        .order_by(_over.desc(), cases.next_at.asc().nulls_last(), cases.id)
        .limit(limit)
        .lateral("found")
    )
    query = select(of_state).select_from(asked.join(of_state, true()))
    return [_owed(row) for row in (await tx.connection.execute(query)).mappings()]


def _shown(closed_since: datetime) -> ColumnElement[bool]:
    return _over > closed_since


def _sum(column: ColumnElement[int]) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


def _owed(row: Mapping[Any, Any]) -> Owed:
    amount = None if row["currency"] is None else Money(row["amount_due"], row["currency"])
    return Owed(_case(row), row["plan"], amount, row["invoice_id"], row["number"], row["next_attempt_at"])


async def due_cases(tx: Tx, *, limit: int = 1000) -> list[Case]:
    """Return open cases whose next step is due, the longest overdue first."""
    table = DUNNING_CASES.c
    query = select(DUNNING_CASES).where(table.closed_at.is_(None), table.next_at <= tx.now)
    rows = await tx.connection.execute(query.order_by(table.next_at).limit(limit))
    return [_case(row) for row in rows.mappings()]


async def save(tx: Tx, case: Case) -> None:
    """Write a case, new or known."""
    written = {name: getattr(case, name) for name in Case.__dataclass_fields__} | {"state": case.state.value}
    fresh = insert(DUNNING_CASES).values(**written, opened_at=tx.now)
    await tx.connection.execute(fresh.on_conflict_do_update(index_elements=["id"], set_=written))


async def note_warning(tx: Tx, subscription_id: UUID, card: str) -> bool:
    """Note that the customer is told of this card; False when that was done before."""
    fresh = insert(CARD_WARNINGS).values(subscription_id=subscription_id, card=card, warned_at=tx.now)
    statement = fresh.on_conflict_do_nothing().returning(CARD_WARNINGS.c.card)
    return (await tx.connection.execute(statement)).scalar_one_or_none() is not None


def _case(row: Mapping[Any, Any]) -> Case:
    found = {name: row[name] for name in Case.__dataclass_fields__}
    return Case(**{**found, "state": State(row["state"])})
