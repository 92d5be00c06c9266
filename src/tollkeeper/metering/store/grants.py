"""Statements about grants of credits, as the API reads and writes them. Drawing from them is in `further`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from tollkeeper.infra import Tx
from tollkeeper.metering.model import NOBODY, Grant
from tollkeeper.metering.tables import USAGE_COUNTERS, USAGE_GRANTS

_TABLE = USAGE_GRANTS.c


async def find_grant(tx: Tx, organization_id: UUID, grant_id: UUID) -> Grant | None:
    """Return one of the organization's grants, locked; None when there is none of this id."""
    query = select(USAGE_GRANTS).where(_TABLE.organization_id == organization_id, _TABLE.id == grant_id)
    row = (await tx.connection.execute(query.with_for_update())).mappings().one_or_none()
    return None if row is None else _grant(row)


async def find_granted_as(tx: Tx, organization_id: UUID, external_id: str) -> Grant | None:
    """Return the grant its granter calls so; None when there is none."""
    query = select(USAGE_GRANTS).where(_TABLE.organization_id == organization_id, _TABLE.external_id == external_id)
    row = (await tx.connection.execute(query)).mappings().one_or_none()
    return None if row is None else _grant(row)


async def add_grant(tx: Tx, grant: Grant) -> bool:
    """Record a new grant; False: another of its external id was recorded meanwhile, for which this waits."""
    values = {name: getattr(grant, name) for name in USAGE_GRANTS.columns.keys()}  # noqa: SIM118 - not a dict
    added = insert(USAGE_GRANTS).values(values).on_conflict_do_nothing().returning(_TABLE.id)
    return (await tx.connection.execute(added)).one_or_none() is not None


async def void_grant(tx: Tx, grant_id: UUID, now: datetime) -> None:
    """Take back the rest of a grant."""
    await tx.connection.execute(update(USAGE_GRANTS).where(_TABLE.id == grant_id).values(voided_at=now))


async def top_up(tx: Tx, organization_id: UUID, meter_id: int, more: int) -> None:
    """Have counters know of so much more credits (or less): thresholds are a share of them, too."""
    table = USAGE_COUNTERS.c
    mine = (table.organization_id == organization_id) & (table.meter_id == meter_id) & (table.member_id == NOBODY)
    await tx.connection.execute(update(USAGE_COUNTERS).where(mine).values(topped=table.topped + more))


async def list_grants(
    tx: Tx, organization_id: UUID, *, meter_id: int | None, after: tuple[datetime, UUID] | None, limit: int
) -> list[Grant]:
    """Return the organization's grants, newest first, one more than `limit` if there are."""
    query = select(USAGE_GRANTS).where(_TABLE.organization_id == organization_id)
    if meter_id is not None:
        query = query.where(_TABLE.meter_id == meter_id)
    if after is not None:
        query = query.where(tuple_(_TABLE.created_at, _TABLE.id) < tuple_(*after))
    query = query.order_by(_TABLE.created_at.desc(), _TABLE.id.desc()).limit(limit + 1)
    return [_grant(row) for row in (await tx.connection.execute(query)).mappings()]


def _grant(row: Mapping[Any, Any]) -> Grant:
    return Grant(**row)
