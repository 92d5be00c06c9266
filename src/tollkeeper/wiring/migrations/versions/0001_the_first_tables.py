"""The first tables."""

from typing import Any

from alembic import op
import sqlalchemy as sa
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    op.create_table(
        "features",
        sa.Column("key", sa.Text(), nullable=False, comment="also the key of a metered feature's meter"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "archived_at", sa.DateTime(timezone=True), nullable=True, comment="when it vanished from the catalogue file"
        ),
        sa.CheckConstraint("kind in ('switch', 'setting', 'metered')", name=op.f("ck_features_kind_known")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_features")),
        comment="What entitlements are about",
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("scope", sa.Text(), nullable=False, comment="whose key it is: organization and person or credential"),
        sa.Column("key", sa.Text(), nullable=False, comment="what the caller sent as Idempotency-Key"),
        sa.Column("claim", sa.Uuid(), nullable=False, comment="the attempt that may write the answer"),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False, comment="SHA-256 of method, address and body"),
        sa.Column(
            "status", sa.SmallInteger(), nullable=True, comment="HTTP status of the answer; null while the work runs"
        ),
        sa.Column("answer", sa.Text(), nullable=True, comment="the answer's body, encrypted"),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name=op.f("pk_idempotency_keys")),
        comment="answers to creating calls, kept for a day so that a repeated call is not done twice",
    )
    op.create_index(op.f("ix_idempotency_keys_expires_at"), "idempotency_keys", ["expires_at"], unique=False)
    op.create_table(
        "meters",
        sa.Column("id", sa.SmallInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False, comment="CloudEvents type that feeds this meter"),
        sa.Column("aggregation", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.CheckConstraint("aggregation in ('sum')", name=op.f("ck_meters_aggregation_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meters")),
        sa.UniqueConstraint("event_type", name=op.f("uq_meters_event_type")),
        sa.UniqueConstraint("key", name=op.f("uq_meters_key")),
    )
    op.create_table(
        "organizations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True, comment="what the operator's product calls this customer"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organizations")),
        sa.UniqueConstraint("external_id", name=op.f("uq_organizations_external_id")),
        comment="customers",
    )
    op.create_table(
        "plans",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "archived_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="since when nobody can buy it; subscribers keep it",
        ),
        sa.CheckConstraint("not (is_default and archived_at is not null)", name=op.f("ck_plans_default_not_archived")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_plans")),
        comment="Sellable tiers",
    )
    op.create_index("uq_plans_default", "plans", ["is_default"], unique=True, postgresql_where=sa.text("is_default"))
    op.create_table(
        "provider_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column(
            "provider_id",
            sa.Text(),
            nullable=False,
            comment="the event's own id; a second delivery changes only counts",
        ),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column(
            "api_version",
            sa.Text(),
            nullable=True,
            comment="in which version of the provider's API the body is written",
        ),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), nullable=False, comment="the provider's time, to the second"
        ),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="the bytes that were signed"),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column(
            "deliveries",
            sa.Integer(),
            server_default="1",
            nullable=False,
            comment="how often it came; duplicates are normal",
        ),
        sa.Column(
            "attempts", sa.Integer(), server_default="0", nullable=False, comment="how often processing it was tried"
        ),
        sa.Column("error", sa.Text(), nullable=True, comment="why the last try failed, or why it is unmatched"),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status in ('received', 'processed', 'ignored', 'unmatched', 'failed')",
            name=op.f("ck_provider_events_status_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_events")),
        sa.UniqueConstraint("account", "provider_id", name=op.f("uq_provider_events_account_provider_id")),
        comment="Every verified event of the provider, as it came, and what became of it",
    )
    op.create_index(
        op.f("ix_provider_events_status_received_at"), "provider_events", ["status", "received_at"], unique=False
    )
    op.create_table(
        "usage_event_keys",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("meter_id", sa.SmallInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "meter_id", "key", name=op.f("pk_usage_event_keys")),
        comment="Idempotency keys apart from the partitioned events, because they are unique across all months",
    )
    op.create_table(
        "usage_events",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7: its time is when the event was recorded"),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("meter_id", sa.SmallInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when the usage happened"),
        sa.Column(
            "period_start", sa.DateTime(timezone=True), nullable=False, comment="the counter this event was added to"
        ),
        sa.Column("credential_id", sa.Uuid(), nullable=True, comment="the key or session that reported it"),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_events")),
        comment="Immutable facts; counters and charts replay from here",
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index(
        op.f("ix_usage_events_organization_id_meter_id_at"),
        "usage_events",
        ["organization_id", "meter_id", "at"],
        unique=False,
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "email", sa.Text(), nullable=False, comment="normalised: NFC, lower case; unique without regard to case"
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False, comment="IANA name"),
        sa.Column(
            "password_hash", sa.Text(), nullable=True, comment="argon2id; null for people who log in another way"
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_users_email_lower")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
        comment="people with a login",
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True, comment="null for operator keys"),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "scopes",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="list of permissions; empty means the kind's default",
        ),
        sa.Column("prefix", sa.Text(), nullable=False, comment="first characters of the current secret"),
        sa.Column("last_four", sa.Text(), nullable=False, comment="last characters of the current secret"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("use_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "(kind = 'operator') = (organization_id is null)", name=op.f("ck_api_keys_operator_has_no_organization")
        ),
        sa.CheckConstraint("kind in ('live', 'test', 'operator')", name=op.f("ck_api_keys_kind")),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_api_keys_created_by_users"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        comment="credentials of programs",
    )
    op.create_index(op.f("ix_api_keys_created_by"), "api_keys", ["created_by"], unique=False)
    op.create_index(op.f("ix_api_keys_organization_id_id"), "api_keys", ["organization_id", "id"], unique=False)
    op.create_table(
        "billing_customers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column(
            "account",
            sa.Text(),
            nullable=False,
            comment="test, live and imitation accounts have customers of their own",
        ),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("balance", sa.BigInteger(), nullable=False, comment="minor units; negative is credit"),
        sa.Column("currency", sa.Text(), nullable=True, comment="null before the first invoice"),
        sa.Column(
            "payment_method",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="kind, brand and last digits; never more",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=False, comment="when the provider was last asked"),
        sa.Column(
            "deleted_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="since when the provider does not know it any more",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_billing_customers_organization_id_organizations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_customers")),
        sa.UniqueConstraint("account", "provider_id", name=op.f("uq_billing_customers_account_provider_id")),
        comment="Organizations at the payment provider: one customer each",
    )
    op.create_index(
        "uq_billing_customers_live",
        "billing_customers",
        ["account", "organization_id"],
        unique=True,
        postgresql_where=sa.text("deleted_at is null"),
    )
    op.create_table(
        "billing_standings",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=True, comment="null: no plan by subscription"),
        sa.Column("period_start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("period_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_billing_standings_organization_id_organizations")
        ),
        sa.ForeignKeyConstraint(["plan"], ["plans.key"], name=op.f("fk_billing_standings_plan_plans")),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_billing_standings")),
        comment="What each organization was last told it may use by its subscriptions",
    )
    op.create_table(
        "gate_standings",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column(
            "anchor", sa.DateTime(timezone=True), nullable=False, comment="the default plan's months count from here"
        ),
        sa.Column("plan", sa.Text(), nullable=True, comment="key of the plan bought; null: the default plan"),
        sa.Column("period_start", sa.DateTime(timezone=True), nullable=True, comment="of the plan bought"),
        sa.Column("period_end", sa.DateTime(timezone=True), nullable=True, comment="of the plan bought; exclusive"),
        sa.CheckConstraint(
            "num_nulls(plan, period_start, period_end) in (0, 3)", name=op.f("ck_gate_standings_bought_is_whole")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_gate_standings_organization_id_organizations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_gate_standings")),
        comment="What the gate was told of each organization; written with the change that caused it",
    )
    op.create_table(
        "members",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role in ('owner', 'admin', 'billing', 'developer', 'viewer')", name=op.f("ck_members_role")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_members_organization_id_organizations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_members_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("organization_id", "user_id", name=op.f("pk_members")),
        comment="who belongs to which customer, and as what",
    )
    op.create_index(op.f("ix_members_user_id"), "members", ["user_id"], unique=False)
    op.create_table(
        "plan_entitlements",
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("feature", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True, comment="of a metered feature a period; null is unlimited"),
        sa.Column(
            "value",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="of a switch or setting; null for metered features",
        ),
        sa.Column("hard", sa.Boolean(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "period in ('billing', 'calendar_month', 'never')", name=op.f("ck_plan_entitlements_period_known")
        ),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_plan_entitlements_amount_not_negative")),
        sa.CheckConstraint("amount is null or value is null", name=op.f("ck_plan_entitlements_amount_or_value")),
        sa.ForeignKeyConstraint(["feature"], ["features.key"], name=op.f("fk_plan_entitlements_feature_features")),
        sa.ForeignKeyConstraint(["plan"], ["plans.key"], name=op.f("fk_plan_entitlements_plan_plans")),
        sa.PrimaryKeyConstraint("plan", "feature", name=op.f("pk_plan_entitlements")),
        comment="What each plan allows of each feature",
    )
    op.create_table(
        "plan_rates",
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("route_group", sa.Text(), nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=True, comment="null: agreed by contract, not limited"),
        sa.CheckConstraint("per_minute > 0", name=op.f("ck_plan_rates_per_minute_positive")),
        sa.ForeignKeyConstraint(["plan"], ["plans.key"], name=op.f("fk_plan_rates_plan_plans")),
        sa.PrimaryKeyConstraint("plan", "route_group", name=op.f("pk_plan_rates")),
        comment="Request rates of each plan",
    )
    op.create_table(
        "prices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("interval", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False, comment="minor units"),
        sa.Column("currency", sa.Text(), nullable=False, comment="lower-case ISO 4217"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True, comment="since when it is not on sale"),
        sa.CheckConstraint("currency ~ '^[a-z]{3}$'", name=op.f("ck_prices_currency_iso")),
        sa.CheckConstraint("interval in ('month', 'year')", name=op.f("ck_prices_interval_known")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_prices_amount_positive")),
        sa.ForeignKeyConstraint(["plan"], ["plans.key"], name=op.f("fk_prices_plan_plans")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prices")),
        comment="Immutable but for archived_at: a changed amount is a new row",
    )
    op.create_index(
        "uq_prices_on_sale",
        "prices",
        ["plan", "interval", "currency"],
        unique=True,
        postgresql_where=sa.text("archived_at is null"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the cookie's token"),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False, comment="the organization the browser acts for"),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False, comment="exact to a minute"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, comment="absolute end"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_sessions_token_digest")),
        comment="browsers that are logged in; closing one deletes its row",
    )
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"], unique=False)
    op.create_index(op.f("ix_sessions_last_seen_at"), "sessions", ["last_seen_at"], unique=False)
    op.create_index(op.f("ix_sessions_organization_id"), "sessions", ["organization_id"], unique=False)
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "usage_counters",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("meter_id", sa.SmallInteger(), nullable=False),
        sa.Column("period_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "used", sa.BigInteger(), server_default="0", nullable=False, comment="sum of admitted events of the period"
        ),
        sa.CheckConstraint("used >= 0", name=op.f("ck_usage_counters_used_not_negative")),
        sa.ForeignKeyConstraint(["meter_id"], ["meters.id"], name=op.f("fk_usage_counters_meter_id_meters")),
        sa.PrimaryKeyConstraint("organization_id", "meter_id", "period_start", name=op.f("pk_usage_counters")),
        comment="One row per organization, meter and period: answers quota questions without counting events",
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "api_key_secrets",
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the secret"),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column(
            "valid_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="null for the current secret; set when rotated out",
        ),
        sa.ForeignKeyConstraint(
            ["key_id"], ["api_keys.id"], name=op.f("fk_api_key_secrets_key_id_api_keys"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_api_key_secrets")),
        comment="what an API key may be presented as: its current secret, and old ones in their grace",
    )
    op.create_index(op.f("ix_api_key_secrets_key_id"), "api_key_secrets", ["key_id"], unique=False)
    op.create_index(op.f("ix_api_key_secrets_valid_until"), "api_key_secrets", ["valid_until"], unique=False)
    op.create_table(
        "invoices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("subscription", sa.Text(), nullable=True, comment="the subscription's id at the provider"),
        sa.Column("number", sa.Text(), nullable=True, comment="null while it is a draft"),
        sa.Column("status", sa.Text(), nullable=False, comment="the provider's word; words invented later are kept"),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False, comment="lower-case ISO 4217, of every amount"),
        sa.Column("subtotal", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("amount_due", sa.BigInteger(), nullable=False),
        sa.Column("amount_paid", sa.BigInteger(), nullable=False),
        sa.Column("amount_remaining", sa.BigInteger(), nullable=False),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("period_start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("period_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("page_url", sa.Text(), nullable=True),
        sa.Column("pdf_url", sa.Text(), nullable=True),
        sa.Column(
            "lines",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="each line with its amount, period and price at the provider",
        ),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=False, comment="when the provider was last asked"),
        sa.CheckConstraint("currency ~ '^[a-z]{3}$'", name=op.f("ck_invoices_currency_iso")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["billing_customers.id"], name=op.f("fk_invoices_customer_id_billing_customers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoices")),
        sa.UniqueConstraint("customer_id", "provider_id", name=op.f("uq_invoices_customer_id_provider_id")),
        comment="Mirror of the provider's invoices, amounts in minor units",
    )
    op.create_index(
        op.f("ix_invoices_customer_id_issued_at_id"), "invoices", ["customer_id", "issued_at", "id"], unique=False
    )
    op.create_table(
        "provider_prices",
        sa.Column(
            "account", sa.Text(), nullable=False, comment="test, live and imitation accounts have prices of their own"
        ),
        sa.Column("price_id", sa.Uuid(), nullable=False),
        sa.Column("provider_price", sa.Text(), nullable=False),
        sa.Column("provider_product", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False, comment="as last told to the provider"),
        sa.Column("pushed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["price_id"], ["prices.id"], name=op.f("fk_provider_prices_price_id_prices")),
        sa.PrimaryKeyConstraint("account", "price_id", name=op.f("pk_provider_prices")),
        comment="Our price ids and the provider's",
    )
    op.create_index("uq_provider_prices_provider_price", "provider_prices", ["account", "provider_price"], unique=True)
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False, comment="the provider's word; words invented later are kept"),
        sa.Column("plan", sa.Text(), nullable=True, comment="null: sold at a price that is none of ours"),
        sa.Column("price_id", sa.Uuid(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("current_period_start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("current_period_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_at_period_end", sa.Boolean(), nullable=False),
        sa.Column("cancel_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "canceled_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it was asked for, not when it takes effect",
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trial_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payment_method", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=False, comment="when the provider was last asked"),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["billing_customers.id"], name=op.f("fk_subscriptions_customer_id_billing_customers")
        ),
        sa.ForeignKeyConstraint(["plan"], ["plans.key"], name=op.f("fk_subscriptions_plan_plans")),
        sa.ForeignKeyConstraint(["price_id"], ["prices.id"], name=op.f("fk_subscriptions_price_id_prices")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint("customer_id", "provider_id", name=op.f("uq_subscriptions_customer_id_provider_id")),
        comment="Mirror of the provider's subscriptions: always its last whole answer, never a part of an event",
    )
    op.create_index(op.f("ix_subscriptions_customer_id"), "subscriptions", ["customer_id"], unique=False)
    op.create_table(
        "token_families",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column(
            "session_id", sa.Uuid(), nullable=True, comment="the session opened by the same login, null when it ended"
        ),
        sa.Column("current_token_id", sa.Uuid(), nullable=False, comment="jti of the one refresh token not yet spent"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, comment="end of the unspent refresh token"),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_token_families_session_id_sessions"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_token_families_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token_families")),
        comment="logins of programs: all refresh tokens that descend from one password check",
    )
    op.create_index(op.f("ix_token_families_expires_at"), "token_families", ["expires_at"], unique=False)
    op.create_index(op.f("ix_token_families_organization_id"), "token_families", ["organization_id"], unique=False)
    op.create_index(op.f("ix_token_families_session_id"), "token_families", ["session_id"], unique=False)
    op.create_index(op.f("ix_token_families_user_id"), "token_families", ["user_id"], unique=False)
    op.create_table(
        "subscription_history",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7: sorts by when it was written"),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when we learnt of it"),
        sa.Column("cause", sa.Text(), nullable=False, comment="the event's id and type, or the call that asked"),
        sa.Column("from_status", sa.Text(), nullable=True, comment="null: it was new to us"),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("from_plan", sa.Text(), nullable=True),
        sa.Column("to_plan", sa.Text(), nullable=True),
        sa.Column("period_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_at_period_end", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
            name=op.f("fk_subscription_history_subscription_id_subscriptions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription_history")),
        comment="Every transition of every subscription",
    )
    op.create_index(
        op.f("ix_subscription_history_subscription_id_id"),
        "subscription_history",
        ["subscription_id", "id"],
        unique=False,
    )
    _create_job_queue()


def downgrade() -> None:
    op.drop_index(op.f("ix_subscription_history_subscription_id_id"), table_name="subscription_history")
    op.drop_table("subscription_history")
    op.drop_index(op.f("ix_token_families_user_id"), table_name="token_families")
    op.drop_index(op.f("ix_token_families_session_id"), table_name="token_families")
    op.drop_index(op.f("ix_token_families_organization_id"), table_name="token_families")
    op.drop_index(op.f("ix_token_families_expires_at"), table_name="token_families")
    op.drop_table("token_families")
    op.drop_index(op.f("ix_subscriptions_customer_id"), table_name="subscriptions")
    op.drop_table("subscriptions")
    op.drop_index("uq_provider_prices_provider_price", table_name="provider_prices")
    op.drop_table("provider_prices")
    op.drop_index(op.f("ix_invoices_customer_id_issued_at_id"), table_name="invoices")
    op.drop_table("invoices")
    op.drop_index(op.f("ix_api_key_secrets_valid_until"), table_name="api_key_secrets")
    op.drop_index(op.f("ix_api_key_secrets_key_id"), table_name="api_key_secrets")
    op.drop_table("api_key_secrets")
    op.drop_table("usage_counters")
    op.drop_index(op.f("ix_sessions_user_id"), table_name="sessions")
    op.drop_index(op.f("ix_sessions_organization_id"), table_name="sessions")
    op.drop_index(op.f("ix_sessions_last_seen_at"), table_name="sessions")
    op.drop_index(op.f("ix_sessions_expires_at"), table_name="sessions")
    op.drop_table("sessions")
    op.drop_index("uq_prices_on_sale", table_name="prices", postgresql_where=sa.text("archived_at is null"))
    op.drop_table("prices")
    op.drop_table("plan_rates")
    op.drop_table("plan_entitlements")
    op.drop_index(op.f("ix_members_user_id"), table_name="members")
    op.drop_table("members")
    op.drop_table("gate_standings")
    op.drop_table("billing_standings")
    op.drop_index(
        "uq_billing_customers_live", table_name="billing_customers", postgresql_where=sa.text("deleted_at is null")
    )
    op.drop_table("billing_customers")
    op.drop_index(op.f("ix_api_keys_organization_id_id"), table_name="api_keys")
    op.drop_index(op.f("ix_api_keys_created_by"), table_name="api_keys")
    op.drop_table("api_keys")
    op.drop_table("users")
    op.drop_index(op.f("ix_usage_events_organization_id_meter_id_at"), table_name="usage_events")
    op.drop_table("usage_events")
    op.drop_table("usage_event_keys")
    op.drop_index(op.f("ix_provider_events_status_received_at"), table_name="provider_events")
    op.drop_table("provider_events")
    op.drop_index("uq_plans_default", table_name="plans", postgresql_where=sa.text("is_default"))
    op.drop_table("plans")
    op.drop_table("organizations")
    op.drop_table("meters")
    op.drop_index(op.f("ix_idempotency_keys_expires_at"), table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.drop_table("features")
    _drop_job_queue()


def _create_job_queue() -> None:
    # The job queue brings its own tables. A later version of it that changes them comes with a migration of its own.
    driver: Any = op.get_bind().connection.driver_connection
    driver.execute(SchemaManager.get_schema())


def _drop_job_queue() -> None:
    for table in ("periodic_defers", "events", "jobs", "workers"):
        op.execute(f"drop table procrastinate_{table} cascade")
    op.execute(
        "do $$ declare each regprocedure; begin for each in select oid from pg_proc where proname like 'procrastinate_%' "
        "loop execute 'drop function ' || each || ' cascade'; end loop; end $$"
    )
    for kind in ("job_event_type", "job_status", "job_to_defer_v1"):
        op.execute(f"drop type if exists procrastinate_{kind} cascade")
