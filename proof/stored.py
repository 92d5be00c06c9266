"""What the database holds when all is over."""

from typing import Any

import psycopg
from psycopg.rows import dict_row

from .history import Event, Held, Stored, Told

WAITING_SECONDS = 30.0
_EVENTS = """
select o.external_id as customer, m.key as feature, extract(epoch from e.period_start)::float8 as period,
    e.quantity as count, e.idempotency_key as key
from usage_events e join organizations o on o.id = e.organization_id join meters m on m.id = e.meter_id
"""
_HOLDS = """
select o.external_id as customer, m.key as feature, extract(epoch from r.period_start)::float8 as period,
    r.idempotency_key as key, r.held, extract(epoch from r.expires_at)::float8 as expires_at, r.state, r.settled
from usage_reservations r join organizations o on o.id = r.organization_id join meters m on m.id = r.meter_id
"""
_COUNTERS = """
select o.external_id as customer, m.key as feature, extract(epoch from c.period_start)::float8 as period,
    c.used, c.reserved
from usage_counters c join organizations o on o.id = c.organization_id join meters m on m.id = c.meter_id
"""
_TOLD = """
select o.external_id as customer, m.key as feature,
    extract(epoch from (t.args->>'period_start')::timestamptz)::float8 as period,
    (t.args->>'percent')::int as percent, (t.args->>'limit')::int as limit, (t.args->>'used')::int as used
from proof_told t join organizations o on o.id = (t.args->>'organization_id')::uuid
join meters m on m.id = (t.args->>'meter_id')::int
"""
UNTOLD = "select count(*) from procrastinate_jobs where task_name = 'metering.announce_threshold'"


def read(database: str) -> Stored:
    """Read everything that bears on the proof, in one snapshot. Jobs that are done are gone."""
    with psycopg.connect(database, row_factory=dict_row) as connection:
        connection.execute("set transaction isolation level repeatable read")

        def rows(statement: str) -> list[dict[str, Any]]:
            return connection.execute(statement.encode()).fetchall()

        counters = {(r["customer"], r["feature"], r["period"]): (r["used"], r["reserved"]) for r in rows(_COUNTERS)}
        return Stored(
            [Event(**row) for row in rows(_EVENTS)],
            [Held(**row) for row in rows(_HOLDS)],
            counters,
            [Told(**row) for row in rows(_TOLD)],
            rows(UNTOLD)[0]["count"],
        )


def untold(database: str) -> int:
    """How many thresholds are noted and not told yet."""
    with psycopg.connect(database) as connection:
        row = connection.execute(UNTOLD.encode()).fetchone()
    return int(row[0]) if row else 0
