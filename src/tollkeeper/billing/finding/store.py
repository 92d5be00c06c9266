"""Every SQL statement of finding."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, func, literal, null, or_, select, union_all

from tollkeeper.billing.customers import CUSTOMERS
from tollkeeper.billing.invoices import INVOICES
from tollkeeper.billing.payments import DISPUTES, PAYMENTS, REFUNDS
from tollkeeper.billing.subscriptions import SUBSCRIPTIONS
from tollkeeper.infra import Tx

from .model import Found, Kind


async def find(tx: Tx, account: str, text: str, *, limit: int) -> Sequence[Found]:
    """Return what is called so at this account, at most `limit` of each kind: one statement."""
    kind, called = literal(Kind.CUSTOMER.value).label("kind"), CUSTOMERS.c.provider_id
    customers = select(kind, CUSTOMERS.c.id, CUSTOMERS.c.organization_id, called, null().label("state")).where(
        called == text
    )
    subscriptions = _of(Kind.SUBSCRIPTION, SUBSCRIPTIONS, SUBSCRIPTIONS.c.provider_id).where(
        SUBSCRIPTIONS.c.provider_id == text
    )
    number = func.coalesce(INVOICES.c.number, INVOICES.c.provider_id)
    invoices = _of(Kind.INVOICE, INVOICES, number).where(
        or_(INVOICES.c.provider_id == text, INVOICES.c.number == text.upper())
    )
    payments = _of(Kind.PAYMENT, PAYMENTS, PAYMENTS.c.provider_id).where(
        or_(PAYMENTS.c.provider_id == text, PAYMENTS.c.intent == text)
    )
    given_back = [
        _of(kind, table, table.c.provider_id).where(table.c.provider_id == text)
        for kind, table in ((Kind.REFUND, REFUNDS), (Kind.DISPUTE, DISPUTES))
    ]
    parts = [
        each.where(CUSTOMERS.c.account == account).limit(limit).subquery().select()
        for each in (customers, subscriptions, invoices, payments, *given_back)
    ]
    rows = await tx.connection.execute(union_all(*parts))
    return [Found(Kind(kind), ident, whose, name, state or "") for kind, ident, whose, name, state in rows]


def _of(kind: Kind, table: Table, name: ColumnElement[str]) -> Select[Any]:
    columns = (literal(kind.value).label("kind"), table.c.id, CUSTOMERS.c.organization_id, name, table.c.status)
    return select(*columns).join_from(table, CUSTOMERS, CUSTOMERS.c.id == table.c.customer_id)
