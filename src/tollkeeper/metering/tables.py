"""Tables of metering. Events are partitioned by month through their ids, which sort by time."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from tollkeeper.infra import metadata

METERS = Table(
    "meters",
    metadata,
    Column("id", SmallInteger, Identity(always=True), primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("event_type", Text, nullable=False, comment="CloudEvents type that feeds this meter"),
    Column("aggregation", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("value", Text, comment="path of the property that holds the number; null: each event says 1"),
    Column("group_by", JSONB, nullable=False, server_default="[]", comment="properties a history can be split by"),
    Column("filters", JSONB, nullable=False, server_default="{}", comment="values by property path that count"),
    CheckConstraint("aggregation in ('sum', 'count', 'max', 'latest', 'unique')", name="aggregation_known"),
)

USAGE_COUNTERS = Table(
    "usage_counters",
    metadata,
    Column("organization_id", Uuid, primary_key=True),
    Column("meter_id", SmallInteger, ForeignKey("meters.id"), primary_key=True),
    Column("period_start", DateTime(timezone=True), primary_key=True),
    Column("used", BigInteger, nullable=False, server_default="0", comment="what the period's events come to"),
    Column("reserved", BigInteger, nullable=False, server_default="0", comment="held by open reservations"),
    Column("told", SmallInteger, nullable=False, server_default="0", comment="highest threshold told, in percent"),
    Column("told_limit", BigInteger, comment="of which limit"),
    Column("latest_at", DateTime(timezone=True), comment="gauges: when the event happened that is shown"),
    CheckConstraint("used >= 0 and reserved >= 0", name="not_negative"),
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
    Column("value", Text, comment="what a meter of unique values tells apart"),
    Column("properties", JSONB, comment="the event's own data, as it was sent"),
    Column("corrects", Uuid, comment="the event as first recorded that this row is a later version of; null: itself"),
    Column("revision", SmallInteger, comment="the how-manieth correction it is, from 1; the newest one counts"),
    Column("voided", Boolean, comment="of a correction: whether the event counts nothing from then on"),
    Column("reason", Text, comment="of a correction: why"),
    CheckConstraint("num_nulls(corrects, revision, voided, reason) in (0, 4)", name="correction_is_whole"),
    Index(None, "organization_id", "meter_id", "at"),
    Index("ix_usage_events_corrects", "corrects", postgresql_where=text("corrects is not null")),
    postgresql_partition_by="RANGE (id)",
    comment="Immutable facts; counters and charts replay from here",
)

USAGE_VALUES = Table(
    "usage_values",
    metadata,
    Column("organization_id", Uuid, primary_key=True),
    Column("meter_id", SmallInteger, primary_key=True),
    Column("period_start", DateTime(timezone=True), primary_key=True),
    Column("value", Text, primary_key=True),
    comment="Which values a counter of unique values has seen",
)

USAGE_RESERVATIONS = Table(
    "usage_reservations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization_id", Uuid, nullable=False),
    Column("meter_id", SmallInteger, ForeignKey("meters.id"), nullable=False),
    Column("period_start", DateTime(timezone=True), nullable=False, comment="the counter that holds it"),
    Column("held", BigInteger, nullable=False, comment="how much was set aside"),
    Column("expires_at", DateTime(timezone=True), nullable=False, comment="given back by itself from then on"),
    Column("state", Text, nullable=False),
    Column("settled", BigInteger, comment="what was counted in the end; null unless settled"),
    Column("idempotency_key", Text),
    Column("credential_id", Uuid, comment="the key or session that asked for it"),
    CheckConstraint("state in ('held', 'settled', 'released', 'expired')", name="state_known"),
    CheckConstraint("held > 0", name="held_positive"),
    UniqueConstraint("organization_id", "meter_id", "idempotency_key"),
    Index(
        "ix_usage_reservations_held",
        "organization_id",
        "meter_id",
        "period_start",
        postgresql_where=text("state = 'held'"),
    ),
    Index("ix_usage_reservations_expiry", "expires_at", postgresql_where=text("state = 'held'")),
    comment="Usage set aside for work whose size is not known yet",
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
