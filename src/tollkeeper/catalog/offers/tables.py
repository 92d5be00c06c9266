"""Tables of offers. Nothing is ever deleted: discounts of years ago still point here."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from tollkeeper.infra import metadata

COUPONS = Table(
    "coupons",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False, comment="what the customer reads on the invoice"),
    Column("percent_off", Numeric(5, 2), comment="null: a fixed amount"),
    Column("amounts_off", JSONB, nullable=False, comment="minor units by currency; empty: a share"),
    Column("duration", Text, nullable=False),
    Column("months", Integer, comment="of a repeating one"),
    Column("plans", JSONB, nullable=False, comment="keys of the plans it is for; empty: every plan"),
    Column("max_redemptions", Integer),
    Column("redeem_by", DateTime(timezone=True)),
    Column("position", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("archived_at", DateTime(timezone=True), comment="since when nobody can redeem it; who has it keeps it"),
    CheckConstraint("duration in ('once', 'forever', 'repeating')", name="duration_known"),
    CheckConstraint("(duration = 'repeating') = (months is not null)", name="months_of_repeating"),
    CheckConstraint("percent_off > 0 and percent_off <= 100", name="percent_off_bounded"),
    CheckConstraint("(percent_off is null) = (amounts_off <> '{}')", name="percent_or_amounts"),
    Index("uq_coupons_current", "key", unique=True, postgresql_where=text("archived_at is null")),
    comment="Immutable but for name, position and archived_at: other terms are a new row",
)

PROMOTION_CODES = Table(
    "promotion_codes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("code", Text, nullable=False, comment="as customers type it, in either case"),
    Column("coupon_id", Uuid, ForeignKey("coupons.id"), nullable=False),
    Column("max_redemptions", Integer),
    Column("expires_at", DateTime(timezone=True)),
    Column("first_time_only", Boolean, nullable=False),
    Column("minimum", JSONB, nullable=False, comment="the least price, minor units by currency; empty: any"),
    Column("position", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("archived_at", DateTime(timezone=True), comment="since when nobody can redeem it"),
    Index("uq_promotion_codes_current", text("lower(code)"), unique=True, postgresql_where=text("archived_at is null")),
    comment="What customers type in to get a coupon. Immutable but for position and archived_at",
)
