"""Reading many events for a file: one snapshot, a cursor on the server, so many rows at a time.

On a connection of its own and without asyncio: whoever reads a file may take long, in a thread.
"""

from collections.abc import Generator
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from sqlalchemy import Select, Text, case, cast, func, select
from sqlalchemy.dialects import postgresql

from tollkeeper.infra import Database, Tenant
from tollkeeper.metering.tables import METERS, USAGE_EVENTS

from .versions import counting

ROWS = 5000
"""How many rows are in memory at a time."""


class Wanted(NamedTuple):
    """Which events: those that happened within `[start, end)`; of one organization or all, of one meter or all."""

    start: datetime
    end: datetime
    organization_id: UUID | None = None
    meter_id: int | None = None


def read_events(database: Database, wanted: Wanted) -> Generator[list[tuple[Any, ...]]]:
    """Yield what counts of these events, in the order of `COLUMNS`, in lists of up to `ROWS`.

    Those of one organization come by when they happened, those of all by when they were recorded.
    """
    tenant = Tenant(wanted.organization_id) if wanted.organization_id else None
    with database.connect_blocking(application="tollkeeper-export", tenant=tenant) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with connection.cursor("export") as cursor:
            compiled = _query(wanted).compile(dialect=postgresql.psycopg.dialect())  # type: ignore[no-untyped-call]
            cursor.execute(str(compiled).encode(), compiled.params)
            while rows := cursor.fetchmany(ROWS):
                yield rows


def _query(wanted: Wanted) -> Select[Any]:
    event = USAGE_EVENTS.c
    subject = func.coalesce(event.corrects, event.id)
    recorded = USAGE_EVENTS.alias("recorded").c
    first = select(recorded.idempotency_key).where(recorded.id == event.corrects).scalar_subquery()
    found = (
        select(
            subject,
            event.organization_id,
            METERS.c.key,
            event.at,
            event.quantity,
            event.value,
            event.period_start,
            event.member_id,
            event.credential_id,
            case((event.corrects.is_(None), event.idempotency_key), else_=first),
            func.coalesce(event.revision, 0),
            cast(event.properties, Text),
        )
        .join_from(USAGE_EVENTS, METERS, METERS.c.id == event.meter_id)
        .where(event.at >= wanted.start, event.at < wanted.end, counting())
    )
    if wanted.meter_id is not None:
        found = found.where(event.meter_id == wanted.meter_id)
    if wanted.organization_id is None:
        return found.order_by(event.id)
    return found.where(event.organization_id == wanted.organization_id).order_by(event.at, event.id)
