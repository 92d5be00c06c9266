"""Who reported usage, and with which key: said of the newest events alone, since no sums are kept by either."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from tollkeeper.infra import Tx
from tollkeeper.metering.tables import USAGE_EVENTS

from .versions import counting


@dataclass(frozen=True, slots=True)
class Use:
    """What one key or session reported for one member; `credential_id` or `member_id` None: it was not told."""

    credential_id: UUID | None
    member_id: UUID | None
    used: int
    events: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class NewestUse:
    """Who reported the newest events, the most used first. `since` is when the oldest looked at happened.

    `is_all`: there are no older ones within the span that was asked about.
    """

    uses: tuple[Use, ...]
    since: datetime
    is_all: bool


async def newest_use(
    tx: Tx, organization_id: UUID, meter_id: int, *, since: datetime, until: datetime, most: int
) -> NewestUse:
    """Return what the newest `most` events within `[since, until)` say of who reported them, the most used first."""
    event = USAGE_EVENTS.c
    newest = (
        select(event.credential_id, event.member_id, event.quantity, event.at)
        .where(event.organization_id == organization_id, event.meter_id == meter_id)
        .where(event.at >= since, event.at < until, counting())
        .order_by(event.at.desc())
        .limit(most)
        .subquery()
        .c
    )
    used = func.coalesce(func.sum(newest.quantity), 0)
    rows = await tx.connection.execute(
        select(newest.credential_id, newest.member_id, used, func.count(), func.min(newest.at), func.max(newest.at))
        .group_by(newest.credential_id, newest.member_id)
        .order_by(used.desc(), func.max(newest.at).desc())
    )
    found = [(Use(key, who, int(total), int(events), last), first) for key, who, total, events, first, last in rows]
    uses = tuple(use for use, _ in found)
    events = sum(use.events for use in uses)
    return NewestUse(uses, min((first for _, first in found), default=since), is_all=events < most)
