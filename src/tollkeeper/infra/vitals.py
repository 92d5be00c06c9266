"""What the database tells of itself, for people who look after it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Pool, QueuePool, text

from .runtime import Tx

_VITALS = """
select current_setting('server_version') as version, pg_database_size(current_database()) as size_bytes,
    (select count(*) from pg_stat_activity where datname = current_database()) as connections,
    current_setting('max_connections')::int as max_connections, pg_is_in_recovery() as is_replica,
    (select coalesce(extract(epoch from max(clock_timestamp() - xact_start)), 0) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()) as oldest_seconds,
    (select sum(blks_hit)::float8 / nullif(sum(blks_hit + blks_read), 0) from pg_stat_database
        where datname = current_database()) as hits
"""
_REPLICAS = """
select coalesce(nullif(application_name, ''), 'a replica') as name, coalesce(state, '') as state,
    extract(epoch from replay_lag) as seconds
from pg_stat_replication order by 1
"""


@dataclass(frozen=True, slots=True)
class Replica:
    """A server that follows this one. `lag_seconds` None: it is level, or the login may not know."""

    name: str
    state: str
    lag_seconds: float | None


@dataclass(frozen=True, slots=True)
class Vitals:
    """How the database is. `hits` is the share of pages found in memory, None before any was asked for.

    `oldest_seconds`: since when the longest transaction of another connection is open; what other logins do is not
    seen. `held` of `pool_size` connections of this process are in use.
    """

    version: str
    size_bytes: int
    connections: int
    max_connections: int
    is_replica: bool
    oldest_seconds: float
    hits: float | None
    held: int
    pool_size: int
    replicas: Sequence[Replica]


async def database_vitals(tx: Tx) -> Vitals:
    """Return how the database is now, and this process's connections to it."""
    row = (await tx.connection.execute(text(_VITALS))).one()
    replicas = [
        Replica(each.name, each.state, None if each.seconds is None else float(each.seconds))
        for each in await tx.connection.execute(text(_REPLICAS))
    ]
    held, size = _pool(tx.runtime.database.engine.pool)
    return Vitals(
        version=row.version.partition(" ")[0],
        size_bytes=row.size_bytes,
        connections=row.connections,
        max_connections=row.max_connections,
        is_replica=row.is_replica,
        oldest_seconds=float(row.oldest_seconds),
        hits=row.hits,
        held=held,
        pool_size=size,
        replicas=replicas,
    )


def _pool(pool: Pool) -> tuple[int, int]:
    return (pool.checkedout(), pool.size()) if isinstance(pool, QueuePool) else (0, 0)
