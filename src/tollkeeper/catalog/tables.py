"""Tables of the catalogue. Nothing is ever deleted: subscriptions and invoices of years ago still point here."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from tollkeeper.infra import metadata

FEATURES = Table(
    "features",
    metadata,
    Column("key", Text, primary_key=True, comment="also the key of a metered feature's meter"),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("archived_at", DateTime(timezone=True), comment="when it vanished from the catalogue file"),
    CheckConstraint("kind in ('switch', 'setting', 'metered')", name="kind_known"),
    comment="What entitlements are about",
)

PLANS = Table(
    "plans",
    metadata,
    Column("key", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("is_public", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("archived_at", DateTime(timezone=True), comment="since when nobody can buy it; subscribers keep it"),
    Column("trial_days", Integer, comment="what a new customer has it for nothing; null: no trial"),
    Column("trial_needs_card", Boolean, comment="null: no trial"),
    Column("trial_without_card", Text, comment="what becomes of a trial that ends without a card; null: no trial"),
    CheckConstraint("trial_days between 1 and 730", name="trial_days_bounded"),
    CheckConstraint("trial_without_card in ('cancel', 'pause')", name="trial_without_card_known"),
    CheckConstraint("num_nulls(trial_days, trial_needs_card, trial_without_card) in (0, 3)", name="trial_whole"),
    CheckConstraint("not (is_default and archived_at is not null)", name="default_not_archived"),
    Index("uq_plans_default", "is_default", unique=True, postgresql_where=text("is_default")),
    comment="Sellable tiers",
)

PRICES = Table(
    "prices",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("plan", Text, ForeignKey("plans.key"), nullable=False),
    Column("interval", Text, nullable=False),
    Column("amount", BigInteger, nullable=False, comment="minor units"),
    Column("currency", Text, nullable=False, comment="lower-case ISO 4217"),
    Column("position", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("archived_at", DateTime(timezone=True), comment="since when it is not on sale"),
    CheckConstraint("interval in ('month', 'year')", name="interval_known"),
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint("currency ~ '^[a-z]{3}$'", name="currency_iso"),
    Index(
        "uq_prices_on_sale", "plan", "interval", "currency", unique=True, postgresql_where=text("archived_at is null")
    ),
    comment="Immutable but for archived_at: a changed amount is a new row",
)

PLAN_ENTITLEMENTS = Table(
    "plan_entitlements",
    metadata,
    Column("plan", Text, ForeignKey("plans.key"), primary_key=True),
    Column("feature", Text, ForeignKey("features.key"), primary_key=True),
    Column("amount", BigInteger, comment="of a metered feature a period; null is unlimited"),
    Column("value", JSONB(none_as_null=True), comment="of a switch or setting; null for metered features"),
    Column("hard", Boolean, nullable=False),
    Column("period", Text, nullable=False),
    Column("window_seconds", Integer, comment="of a rolling period: how far it looks back"),
    Column("grace", BigInteger, nullable=False, server_default="0", comment="how far beyond a hard limit still passes"),
    Column("thresholds", JSONB(none_as_null=True), comment="percentages that are told, ascending; null: the usual"),
    Column("rollover", BigInteger, comment="the most that is carried into the next period; null: nothing"),
    Column("per_member", BigInteger, comment="how much each member may use a period; null: as much as all together"),
    CheckConstraint("amount >= 0", name="amount_not_negative"),
    CheckConstraint("amount is null or value is null", name="amount_or_value"),
    CheckConstraint(
        "period in ('billing', 'calendar_day', 'calendar_week', 'calendar_month', 'calendar_year', 'never', 'rolling')",
        name="period_known",
    ),
    CheckConstraint("(period = 'rolling') = (window_seconds is not null)", name="window_of_rolling"),
    CheckConstraint("window_seconds between 60 and 31622400", name="window_bounded"),
    CheckConstraint("rollover is null or period not in ('never', 'rolling')", name="rollover_of_fixed"),
    CheckConstraint("grace >= 0 and rollover >= 0 and per_member >= 0", name="further_not_negative"),
    comment="What each plan allows of each feature",
)

OVERAGE_PRICES = Table(
    "overage_prices",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("plan", Text, ForeignKey("plans.key"), nullable=False),
    Column("feature", Text, ForeignKey("features.key"), nullable=False),
    Column("currency", Text, nullable=False, comment="lower-case ISO 4217"),
    Column("charge", JSONB, nullable=False, comment="model and amounts in minor units, numbers as strings"),
    Column("created_at", DateTime(timezone=True), nullable=False, comment="since when this version holds"),
    Column("archived_at", DateTime(timezone=True), comment="since when the next version holds, or none"),
    CheckConstraint("currency ~ '^[a-z]{3}$'", name="currency_iso"),
    CheckConstraint("archived_at >= created_at", name="archived_after_created"),
    Index(
        "uq_overage_prices_current",
        "plan",
        "feature",
        "currency",
        unique=True,
        postgresql_where=text("archived_at is null"),
    ),
    Index("ix_overage_prices_plan_feature", "plan", "feature", "created_at"),
    comment="What usage beyond a soft limit costs. Immutable but for archived_at: a changed charge is a new row",
)

PLAN_RATES = Table(
    "plan_rates",
    metadata,
    Column("plan", Text, ForeignKey("plans.key"), primary_key=True),
    Column("route_group", Text, primary_key=True),
    Column("per_minute", Integer, comment="null: agreed by contract, not limited"),
    CheckConstraint("per_minute > 0", name="per_minute_positive"),
    comment="Request rates of each plan",
)

PLAN_CONCURRENCY = Table(
    "plan_concurrency",
    metadata,
    Column("plan", Text, ForeignKey("plans.key"), primary_key=True),
    Column("name", Text, primary_key=True, comment="what kind of work"),
    Column("at_once", Integer, comment="null: not limited"),
    CheckConstraint("at_once > 0", name="at_once_positive"),
    comment="How much long work of each kind a plan allows at once",
)

ADDONS = Table(
    "addons",
    metadata,
    Column("key", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("max_quantity", Integer, nullable=False, comment="how many units one subscription can have"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("archived_at", DateTime(timezone=True), comment="since when nobody can buy more; those who have it keep it"),
    CheckConstraint("max_quantity > 0", name="max_quantity_positive"),
    comment="What can be bought beside a plan",
)

ADDON_PLANS = Table(
    "addon_plans",
    metadata,
    Column("addon", Text, ForeignKey("addons.key"), primary_key=True),
    Column("plan", Text, ForeignKey("plans.key"), primary_key=True),
    comment="Beside which plans an add-on can be bought",
)

ADDON_PRICES = Table(
    "addon_prices",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("addon", Text, ForeignKey("addons.key"), nullable=False),
    Column("interval", Text, nullable=False),
    Column("amount", BigInteger, nullable=False, comment="minor units, of one unit"),
    Column("currency", Text, nullable=False, comment="lower-case ISO 4217"),
    Column("position", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("archived_at", DateTime(timezone=True), comment="since when it is not on sale"),
    CheckConstraint("interval in ('month', 'year')", name="interval_known"),
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint("currency ~ '^[a-z]{3}$'", name="currency_iso"),
    Index(
        "uq_addon_prices_on_sale",
        "addon",
        "interval",
        "currency",
        unique=True,
        postgresql_where=text("archived_at is null"),
    ),
    comment="Immutable but for archived_at: a changed amount is a new row",
)

ADDON_GRANTS = Table(
    "addon_grants",
    metadata,
    Column("addon", Text, ForeignKey("addons.key"), primary_key=True),
    Column("feature", Text, ForeignKey("features.key"), primary_key=True),
    Column("amount", BigInteger, comment="what each unit adds to a metered feature's limit; null: turns a switch on"),
    CheckConstraint("amount > 0", name="amount_positive"),
    comment="What each unit of an add-on gives of each feature",
)
