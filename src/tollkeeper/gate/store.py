"""Every statement of the gate."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, any_, case, exists, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from tollkeeper.infra import Tx
from tollkeeper.rating import Period

from .model import NO_ADDONS, Standing
from .tables import GATE_PAST, GATE_STANDINGS


async def find_standing(tx: Tx, organization_id: UUID) -> Standing | None:
    """Return where the organization stands; None when there is no such organization."""
    return (await find_standings(tx, [organization_id])).get(organization_id)


async def find_standings(tx: Tx, organization_ids: Collection[UUID]) -> dict[UUID, Standing]:
    """Return where organizations stand; those that do not exist are left out."""
    wanted = any_(literal(list(organization_ids), ARRAY(Uuid)))
    rows = await tx.connection.execute(select(GATE_STANDINGS).where(GATE_STANDINGS.c.organization_id == wanted))
    found = {row.organization_id: row for row in rows}
    # With the caller's own ids: what is kept for a hundred thousand of them keeps one id each, not two.
    return {
        each: _standing(each, row, row.since, suspended=row.suspended_at is not None)
        for each in organization_ids
        if (row := found.get(each)) is not None
    }


def _standing(organization_id: UUID, row: Any, since: datetime | None = None, *, suspended: bool = False) -> Standing:
    bought = None if row.plan is None else Period(row.period_start, row.period_end)
    return Standing(organization_id, row.anchor, row.plan, bought, row.addons or NO_ADDONS, since, suspended)


async def organizations_on(tx: Tx, plan: str, *, before: UUID | None, limit: int) -> list[UUID]:
    """Return organizations that bought a plan, newest first, at most `limit`, older than `before`."""
    table = GATE_STANDINGS.c
    query = select(table.organization_id).where(table.plan == plan).order_by(table.organization_id.desc()).limit(limit)
    if before is not None:
        query = query.where(table.organization_id < before)
    return list((await tx.connection.execute(query)).scalars())


async def insert_standing(tx: Tx, standing: Standing) -> None:
    """Add a new organization; one that is there already stays as it is."""
    values = {"organization_id": standing.organization_id, "anchor": standing.anchor}
    await tx.connection.execute(insert(GATE_STANDINGS).values(values).on_conflict_do_nothing())


async def set_bought(
    tx: Tx, organization_id: UUID, plan: str | None, period: Period | None, addons: Mapping[str, int]
) -> None:
    """Set what an organization bought and its billing period; None and no add-ons when it has nothing."""
    table = GATE_STANDINGS.c
    await tx.connection.execute(
        update(GATE_STANDINGS)
        .where(GATE_STANDINGS.c.organization_id == organization_id)
        .values(
            plan=plan,
            period_start=period and period.start,
            period_end=period and period.end,
            addons=dict(addons),
            since=case((table.plan.is_distinct_from(plan), tx.now), else_=table.since),
        )
    )


async def set_suspended(tx: Tx, organization_id: UUID, since: datetime | None) -> None:
    """Note since when an organization may use nothing; None: it may."""
    statement = update(GATE_STANDINGS).where(GATE_STANDINGS.c.organization_id == organization_id)
    await tx.connection.execute(statement.values(suspended_at=since))


async def note_past(tx: Tx, organization_id: UUID) -> None:
    """Keep how the organization stands now: a period bought holds from its start, whatever else changes from now on."""
    now = await find_standing(tx, organization_id)
    if now is None:
        return
    bought, since = now.bought, tx.now
    if bought is not None and bought.start < since and not await _is_known(tx, organization_id, bought.start):
        since = bought.start
    values = {
        "plan": now.plan,
        "period_start": bought and bought.start,
        "period_end": bought and bought.end,
        "addons": dict(now.addons),
    }
    fresh = insert(GATE_PAST).values(organization_id=organization_id, since=since, **values)
    await tx.connection.execute(fresh.on_conflict_do_update(index_elements=["organization_id", "since"], set_=values))


async def _is_known(tx: Tx, organization_id: UUID, period_start: datetime) -> bool:
    table = GATE_PAST.c
    known = exists().where(table.organization_id == organization_id, table.period_start == period_start)
    return bool((await tx.connection.execute(select(known))).scalar_one())


async def list_past(tx: Tx, organization_id: UUID, *, most: int) -> list[tuple[datetime, Standing]]:
    """Return how the organization stood since when, newest first. Before the oldest it had bought nothing."""
    table = GATE_PAST.c
    anchor = GATE_STANDINGS.c.anchor
    query = (
        select(GATE_PAST, anchor)
        .join(GATE_STANDINGS, GATE_STANDINGS.c.organization_id == table.organization_id)
        .where(table.organization_id == organization_id)
        .order_by(table.since.desc())
        .limit(most)
    )
    return [(row.since, _standing(organization_id, row)) for row in await tx.connection.execute(query)]
