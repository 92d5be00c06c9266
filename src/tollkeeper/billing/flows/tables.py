"""Tables of the flows."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from tollkeeper.infra import metadata

PROVIDER_EVENTS = Table(
    "provider_events",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account", Text, nullable=False),
    Column("provider_id", Text, nullable=False, comment="the event's own id; a second delivery changes only counts"),
    Column("type", Text, nullable=False),
    Column("api_version", Text, comment="in which version of the provider's API the body is written"),
    Column("livemode", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, comment="the provider's time, to the second"),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("body", LargeBinary, nullable=False, comment="the bytes that were signed"),
    Column("status", Text, nullable=False),
    Column(
        "deliveries", Integer, nullable=False, server_default="1", comment="how often it came; duplicates are normal"
    ),
    Column("attempts", Integer, nullable=False, server_default="0", comment="how often processing it was tried"),
    Column("error", Text, comment="why the last try failed, or why it is unmatched"),
    Column("processed_at", DateTime(timezone=True)),
    UniqueConstraint("account", "provider_id"),
    CheckConstraint("status in ('received', 'processed', 'ignored', 'unmatched', 'failed')", name="status_known"),
    Index(None, "status", "received_at"),
    comment="Every verified event of the provider, as it came, and what became of it",
)
