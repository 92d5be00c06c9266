"""Tables of metering. Events are partitioned by month through their ids, which sort by time."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from tollkeeper.infra import metadata

METERS = Table(
    "meters",
    metadata,
    Column("id", SmallInteger, Identity(always=True), primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("event_type", Text, nullable=False, unique=True, comment="CloudEvents type that feeds this meter"),
    Column("aggregation", Text, nullable=False),
    Column("unit", Text, nullable=False),
    CheckConstraint("aggregation in ('sum')", name="aggregation_known"),
)

USAGE_COUNTERS = Table(
    "usage_counters",
    metadata,
    Column("organization_id", Uuid, primary_key=True),
    Column("meter_id", SmallInteger, ForeignKey("meters.id"), primary_key=True),
    Column("period_start", DateTime(timezone=True), primary_key=True),
    Column("used", BigInteger, nullable=False, server_default="0", comment="sum of admitted events of the period"),
    CheckConstraint("used >= 0", name="used_not_negative"),
    # Room on each page lets an update stay beside the row it replaces, without touching the index.
    postgresql_with={"fillfactor": 50},
    comment="One row per organization, meter and period: answers quota questions without counting events",
)

USAGE_EVENTS = Table(
    "usage_events",
    metadata,
    Column("id", Uuid, primary_key=True, comment="UUIDv7: its time is when the event was recorded"),
    Column("organization_id", Uuid, nullable=False),
    Column("meter_id", SmallInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, comment="when the usage happened"),
    Column("period_start", DateTime(timezone=True), nullable=False, comment="the counter this event was added to"),
    Column("credential_id", Uuid, comment="the key or session that reported it"),
    Column("idempotency_key", Text),
    Index(None, "organization_id", "meter_id", "at"),
    postgresql_partition_by="RANGE (id)",
    comment="Immutable facts; counters and charts replay from here",
)

USAGE_EVENT_KEYS = Table(
    "usage_event_keys",
    metadata,
    Column("organization_id", Uuid, primary_key=True),
    Column("meter_id", SmallInteger, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("event_id", Uuid, nullable=False),
    comment="Idempotency keys apart from the partitioned events, because they are unique across all months",
)
