"""Every statement of the gate."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from tollkeeper.infra import Tx
from tollkeeper.rating import Period

from .model import Standing
from .tables import GATE_STANDINGS


async def find_standing(tx: Tx, organization_id: UUID) -> Standing | None:
    """Return where the organization stands; None when there is no such organization."""
    statement = select(GATE_STANDINGS).where(GATE_STANDINGS.c.organization_id == organization_id)
    row = (await tx.connection.execute(statement)).one_or_none()
    return None if row is None else _standing(row)


def _standing(row: Any) -> Standing:
    bought = None if row.plan is None else Period(row.period_start, row.period_end)
    return Standing(row.organization_id, row.anchor, row.plan, bought, row.addons)


async def insert_standing(tx: Tx, standing: Standing) -> None:
    """Add a new organization; one that is there already stays as it is."""
    values = {"organization_id": standing.organization_id, "anchor": standing.anchor}
    await tx.connection.execute(insert(GATE_STANDINGS).values(values).on_conflict_do_nothing())


async def set_bought(
    tx: Tx, organization_id: UUID, plan: str | None, period: Period | None, addons: Mapping[str, int]
) -> None:
    """Set what an organization bought and its billing period; None and no add-ons when it has nothing."""
    await tx.connection.execute(
        update(GATE_STANDINGS)
        .where(GATE_STANDINGS.c.organization_id == organization_id)
        .values(plan=plan, period_start=period and period.start, period_end=period and period.end, addons=dict(addons))
    )
