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

from .model import NOBODY

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
    Column("member_id", Uuid, primary_key=True, server_default=str(NOBODY), comment="nil: the organization as a whole"),
    Column("used", BigInteger, nullable=False, server_default="0", comment="what the period's events come to"),
    Column("reserved", BigInteger, nullable=False, server_default="0", comment="held by open reservations"),
    Column("told", SmallInteger, nullable=False, server_default="0", comment="highest threshold told, in percent"),
    Column("told_limit", BigInteger, comment="of which limit"),
    Column("latest_at", DateTime(timezone=True), comment="gauges: when the event happened that is shown"),
    Column("since", DateTime(timezone=True), comment="rolling windows: what happened until then has left it"),
    Column("carried", BigInteger, nullable=False, server_default="0", comment="unused quota of the period before"),
    Column("credited", BigInteger, nullable=False, server_default="0", comment="how much of `used` credits paid for"),
    Column("topped", BigInteger, nullable=False, server_default="0", comment="credits as last looked at, used or not"),
    Column("by_member", Boolean, nullable=False, server_default="false", comment="members' counters are kept with it"),
    Column("rolled", Boolean, nullable=False, server_default="false", comment="a rolling window holds its events, too"),
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
    Column("member_id", Uuid, comment="who used it; null: not told"),
    Column("credits", BigInteger, comment="how much of the quantity credits paid for; null: nothing"),
    Column("corrects", Uuid, comment="the event as first recorded that this row is a later version of; null: itself"),
    Column("revision", SmallInteger, comment="the how-manieth correction it is, from 1; the newest one counts"),
    Column("voided", Boolean, comment="of a correction: whether the event counts nothing from then on"),
    Column("reason", Text, comment="of a correction: why"),
    # A number, because no BRIN index takes an xid8; as text between, because there is no cast.
    Column(
        "tx",
        BigInteger,
        server_default=text("((pg_current_xact_id())::text)::bigint"),
        comment="the transaction that recorded it; null: recorded before this was kept",
    ),
    CheckConstraint("num_nulls(corrects, revision, voided, reason) in (0, 4)", name="correction_is_whole"),
    Index(None, "organization_id", "meter_id", "at"),
    Index("ix_usage_events_corrects", "corrects", postgresql_where=text("corrects is not null")),
    Index(None, "tx", postgresql_using="brin", postgresql_with={"autosummarize": "on", "pages_per_range": 32}),
    postgresql_partition_by="RANGE (id)",
    comment="Immutable facts; counters and charts replay from here",
)

USAGE_VALUES = Table(
    "usage_values",
    metadata,
    Column("organization_id", Uuid, primary_key=True),
    Column("meter_id", SmallInteger, primary_key=True),
    Column("period_start", DateTime(timezone=True), primary_key=True),
    Column("member_id", Uuid, primary_key=True, server_default=str(NOBODY), comment="nil: the organization as a whole"),
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
    Column("member_id", Uuid, comment="who asked for it; null: not told"),
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

USAGE_GRANTS = Table(
    "usage_grants",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization_id", Uuid, nullable=False),
    Column("meter_id", SmallInteger, ForeignKey("meters.id"), nullable=False),
    Column("amount", BigInteger, nullable=False, comment="how much may be used beyond a hard limit"),
    Column("used", BigInteger, nullable=False, server_default="0", comment="how much of it was"),
    Column("reason", Text, nullable=False, comment="why it was granted, for people"),
    Column("external_id", Text, comment="the granter's own name for it: granted once"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("created_by", Uuid, comment="the key that granted it"),
    Column("expires_at", DateTime(timezone=True), comment="of no use from then on; null: never"),
    Column("voided_at", DateTime(timezone=True), comment="since when the rest of it was taken back; null: it was not"),
    CheckConstraint("amount > 0 and used between 0 and amount", name="amounts_sound"),
    UniqueConstraint("organization_id", "external_id"),
    Index("ix_usage_grants_meter", "organization_id", "meter_id", "expires_at", postgresql_where=text("used < amount")),
    comment="Credits: what may be used once a hard limit is reached, soonest expiring first",
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

USAGE_CURSORS = Table(
    "usage_cursors",
    metadata,
    Column("name", Text, primary_key=True),
    Column("tx", BigInteger, nullable=False, comment="up to the event of this transaction"),
    Column("event_id", Uuid, nullable=False, comment="and, within the transaction, of this id; inclusive"),
    comment="How far each reader of events in commit order has come",
)

USAGE_HOURS = Table(
    "usage_hours",
    metadata,
    Column("organization_id", Uuid, primary_key=True),
    Column("meter_id", SmallInteger, primary_key=True),
    Column("hour", DateTime(timezone=True), primary_key=True, comment="its start, in UTC"),
    Column("dimensions_key", Uuid, primary_key=True, comment="MD5 of the dimensions, which may be long"),
    Column("dimensions", JSONB, nullable=False, comment="what the events have where the meter's history is split"),
    Column("events", BigInteger, nullable=False, comment="how many there are that count"),
    Column("used", BigInteger, nullable=False, comment="what they come to; of unique values see usage_hour_values"),
    Column("latest_at", DateTime(timezone=True), comment="gauges: when the event happened that is shown"),
    Column("latest_id", Uuid, comment="gauges: which event that is, as first recorded"),
    # Room on each page lets the hours that are still filled be updated beside the rows they replace.
    postgresql_with={"fillfactor": 70},
    comment="Usage by the hour, kept up in the order of commits: answers history without counting events",
)

USAGE_HOUR_VALUES = Table(
    "usage_hour_values",
    metadata,
    Column("organization_id", Uuid, primary_key=True),
    Column("meter_id", SmallInteger, primary_key=True),
    Column("hour", DateTime(timezone=True), primary_key=True),
    Column("dimensions_key", Uuid, primary_key=True),
    Column("value", Text, primary_key=True),
    comment="Which values an hour of a meter of unique values has seen",
)

USAGE_DROPPED = Table(
    "usage_dropped",
    metadata,
    Column("until", DateTime(timezone=True), primary_key=True, comment="events recorded before it are gone"),
    Column("dropped_at", DateTime(timezone=True), nullable=False),
    comment="Months of events that were dropped after the time they are kept for",
)
