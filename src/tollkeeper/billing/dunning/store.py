"""Every statement about dunning."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from tollkeeper.infra import Tx

from .model import Case, State
from .tables import CARD_WARNINGS, DUNNING_CASES


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


async def due_cases(tx: Tx, *, limit: int = 1000) -> list[Case]:
    """Return open cases whose next step is due, the longest overdue first."""
    table = DUNNING_CASES.c
    query = select(DUNNING_CASES).where(table.closed_at.is_(None), table.next_at <= tx.now)
    rows = await tx.connection.execute(query.order_by(table.next_at).limit(limit))
    return [_case(row) for row in rows.mappings()]


async def save(tx: Tx, case: Case) -> None:
    """Write a case, new or known."""
    values = {name: getattr(case, name) for name in Case.__dataclass_fields__} | {"state": case.state.value}
    fresh = insert(DUNNING_CASES).values(**values, opened_at=tx.now)
    await tx.connection.execute(fresh.on_conflict_do_update(index_elements=["id"], set_=values))


async def note_warning(tx: Tx, subscription_id: UUID, card: str) -> bool:
    """Note that the customer is told of this card; False when that was done before."""
    fresh = insert(CARD_WARNINGS).values(subscription_id=subscription_id, card=card, warned_at=tx.now)
    statement = fresh.on_conflict_do_nothing().returning(CARD_WARNINGS.c.card)
    return (await tx.connection.execute(statement)).scalar_one_or_none() is not None


def _case(row: Mapping[Any, Any]) -> Case:
    values = {name: row[name] for name in Case.__dataclass_fields__}
    return Case(**{**values, "state": State(row["state"])})
