"""How Alembic reaches the database: over the connection it is handed, each migration in one transaction."""

from alembic import context

import tollkeeper.wiring  # noqa: F401 - importing the doors puts every table on the metadata
from tollkeeper.infra import metadata


def include_name(name: str | None, kind: str, _parents: object) -> bool:
    """Leave out what other owners keep in the same database: the job queue, and the monthly partitions."""
    foreign = ("procrastinate_", "usage_events_2")
    return not (kind == "table" and name is not None and name.startswith(foreign))


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    include_name=include_name,
    compare_type=True,
    compare_server_default=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
