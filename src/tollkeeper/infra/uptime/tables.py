"""How the parts of the service were."""

from sqlalchemy import CheckConstraint, Column, DateTime, Index, Table, Text, Uuid

from tollkeeper.infra.tables import metadata

UPTIME_SPANS = Table(
    "uptime_spans",
    metadata,
    Column("id", Uuid, primary_key=True, comment="UUIDv7: sorts by when it was first seen"),
    Column("part", Text, nullable=False, comment="of the service, by its name on the status page"),
    Column("state", Text, nullable=False, comment="in which it was found"),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False, comment="when it was last seen so"),
    CheckConstraint("since <= until", name="in_order"),
    Index(None, "until"),
    comment="in which state a part of the service was, from when to when; times without a look lie in none",
)
