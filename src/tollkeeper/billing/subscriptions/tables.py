"""Tables of subscriptions."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from tollkeeper.infra import metadata

NEXT = """coalesce(ended_at,
case
    when pause_behavior = 'void' then paused_until
    else current_period_end
end, 'infinity'::timestamptz)"""
"""When the next thing happens to a subscription, as `rules.next_at` has it; infinity: never.

Its lines are as the database prints them, so that tables and migrations can be compared.
"""

SUBSCRIPTIONS = Table(
    "subscriptions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, ForeignKey("billing_customers.id"), nullable=False, index=True),
    Column("provider_id", Text, nullable=False),
    Column("status", Text, nullable=False, comment="the provider's word; words invented later are kept"),
    Column("plan", Text, ForeignKey("plans.key"), comment="null: sold at a price that is none of ours"),
    Column("price_id", Uuid, ForeignKey("prices.id")),
    Column("quantity", Integer, nullable=False),
    Column("current_period_start", DateTime(timezone=True)),
    Column("current_period_end", DateTime(timezone=True)),
    Column("cancel_at_period_end", Boolean, nullable=False),
    Column("cancel_at", DateTime(timezone=True)),
    Column("canceled_at", DateTime(timezone=True), comment="when it was asked for, not when it takes effect"),
    Column("ended_at", DateTime(timezone=True)),
    Column("trial_end", DateTime(timezone=True)),
    Column(
        "extended_until",
        DateTime(timezone=True),
        comment="the end of a paid period that was made longer for nothing; null: no such period runs",
    ),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("payment_method", JSONB(none_as_null=True)),
    Column("pending_plan", Text, ForeignKey("plans.key"), comment="what it becomes at pending_at"),
    Column("pending_price_id", Uuid, ForeignKey("prices.id")),
    Column("pending_quantity", Integer),
    Column("pending_at", DateTime(timezone=True), comment="null: nothing is to change"),
    Column(
        "pending_code_id",
        Uuid,
        ForeignKey("promotion_codes.id"),
        comment="what lowers its invoices from pending_at on; null: what does now, or a code that is none of ours",
    ),
    Column("pause_behavior", Text, comment="what becomes of invoices while collecting rests; null: it does not"),
    Column("paused_until", DateTime(timezone=True), comment="null: until it is taken back, or not paused"),
    Column("unpaid", Boolean, nullable=False, server_default=false(), comment="ours: the running period is not paid"),
    Column("processing_since", DateTime(timezone=True), comment="since when a payment is on its way; null: none is"),
    Column("withheld", Text, comment="ours: why the plan may not be used although the status gives it; null: it may"),
    Column("discount", JSONB(none_as_null=True), comment="what lowers its invoices; null: nothing"),
    Column(
        "trial_end_told",
        DateTime(timezone=True),
        comment="ours: the end of the trial that was announced; null: none was",
    ),
    Column("synced_at", DateTime(timezone=True), nullable=False, comment="when the provider was last asked"),
    UniqueConstraint("customer_id", "provider_id"),
    Index(None, "provider_id"),
    Index(None, "started_at", "id"),
    Index(None, "status", "started_at", "id"),
    Index(None, "plan", "started_at", "id"),
    Index("ix_subscriptions_by_plan", text("coalesce(plan, '')"), "started_at", "id"),
    Index("ix_subscriptions_next", text(NEXT), "id"),
    Index("ix_subscriptions_status_next", "status", text(NEXT), "id"),
    comment="Mirror of the provider's subscriptions: always its last whole answer, never a part of an event",
)

SUBSCRIPTION_ADDONS = Table(
    "subscription_addons",
    metadata,
    Column("subscription_id", Uuid, ForeignKey("subscriptions.id"), primary_key=True),
    Column("price_id", Uuid, ForeignKey("addon_prices.id"), primary_key=True),
    Column("addon", Text, ForeignKey("addons.key"), nullable=False),
    Column("quantity", Integer, nullable=False, comment="0: it only comes with the change to come"),
    Column("pending_quantity", Integer, comment="how many there are after the change to come; null: none is to come"),
    CheckConstraint("quantity >= 0", name="quantity_not_negative"),
    comment="Mirror of the provider's items beside the plan's: how many units of which add-on",
)

SUBSCRIPTION_HISTORY = Table(
    "subscription_history",
    metadata,
    Column("id", Uuid, primary_key=True, comment="UUIDv7: sorts by when it was written"),
    Column("subscription_id", Uuid, ForeignKey("subscriptions.id"), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, comment="when we learnt of it"),
    Column("cause", Text, nullable=False, comment="the event's id and type, or the call that asked"),
    Column("from_status", Text, comment="null: it was new to us"),
    Column("to_status", Text, nullable=False),
    Column("from_plan", Text),
    Column("to_plan", Text),
    Column("period_end", DateTime(timezone=True)),
    Column("cancel_at_period_end", Boolean, nullable=False),
    Column("addons", JSONB, nullable=False, server_default="{}", comment="units of each add-on by key, after the step"),
    Index(None, "subscription_id", "id"),
    comment="Every transition of every subscription",
)

BILLING_STANDINGS = Table(
    "billing_standings",
    metadata,
    Column("organization_id", Uuid, ForeignKey("organizations.id"), primary_key=True),
    Column("plan", Text, ForeignKey("plans.key"), comment="null: no plan by subscription"),
    Column("period_start", DateTime(timezone=True)),
    Column("period_end", DateTime(timezone=True)),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column(
        "addons", JSONB, nullable=False, server_default="{}", comment="units of each add-on by key that may be used"
    ),
    comment="What each organization was last told it may use by its subscriptions",
)
