"""Every SQL statement of figures."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, cast, func, select

from tollkeeper.billing.customers import CUSTOMERS
from tollkeeper.billing.invoices import INVOICES
from tollkeeper.billing.payments import DISPUTES, PAYMENTS
from tollkeeper.infra import Tx, metadata

from .model import Disputes

# The inbox of deliveries lies above, in the flows; only how many failed is asked.
PROVIDER_EVENTS = "provider_events"


async def paid_by_day(tx: Tx, account: str, since: datetime) -> Sequence[tuple[str, date, int, int]]:
    """Return currency, day, what was paid in minor units, and of how many invoices."""
    table, day = INVOICES.c, _day(INVOICES.c.issued_at)
    query = (
        select(table.currency, day, func.sum(table.amount_paid), func.count())
        .join_from(INVOICES, CUSTOMERS, CUSTOMERS.c.id == table.customer_id)
        .where(table.status == "paid", table.issued_at >= since, CUSTOMERS.c.account == account)
        .group_by(table.currency, day)
    )
    return [(row[0], row[1], int(row[2]), row[3]) for row in await tx.connection.execute(query)]


async def failed_by_day(tx: Tx, account: str, since: datetime) -> dict[date, int]:
    """Return how many payments failed, by day."""
    table, day = PAYMENTS.c, _day(PAYMENTS.c.created_at)
    query = (
        select(day, func.count())
        .join_from(PAYMENTS, CUSTOMERS, CUSTOMERS.c.id == table.customer_id)
        .where(table.status == "failed", table.created_at >= since, CUSTOMERS.c.account == account)
        .group_by(day)
    )
    return {row[0]: row[1] for row in await tx.connection.execute(query)}


async def disputes_waiting(tx: Tx, account: str) -> Disputes:
    """Return how many open disputes have had no evidence sent, and when the first is due."""
    table = DISPUTES.c
    query = (
        select(func.count(), func.min(table.due_at))
        .join_from(DISPUTES, CUSTOMERS, CUSTOMERS.c.id == table.customer_id)
        .where(table.closed_at.is_(None), table.submissions == 0, table.due_at > tx.now)
        .where(CUSTOMERS.c.account == account)
    )
    row = (await tx.connection.execute(query)).one()
    return Disputes(row[0], row[1])


async def failed_deliveries(tx: Tx, account: str, since: datetime) -> int:
    """Return how many events failed at their last try."""
    table = metadata.tables[PROVIDER_EVENTS].c
    query = select(func.count()).where(table.status == "failed", table.received_at >= since, table.account == account)
    return int((await tx.connection.execute(query)).scalar_one())


def _day(column: Any) -> Any:
    return cast(func.timezone("UTC", column), Date)
