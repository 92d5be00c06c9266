"""Usage beyond a limit, put on invoices."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    op.create_table(
        "usage_charges",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7: events recorded before it are in it"),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False, comment="the customer's id at the provider"),
        sa.Column("feature", sa.Text(), nullable=False),
        sa.Column("meter_id", sa.SmallInteger(), nullable=False),
        sa.Column("period_start", sa.DateTime(timezone=True), nullable=False, comment="names the counter"),
        sa.Column("period_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False, comment="how many of this counter were before it"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("price_id", sa.Uuid(), comment="version charged by; null: free"),
        sa.Column("currency", sa.Text(), nullable=False, comment="lower-case ISO 4217"),
        sa.Column(
            "base", sa.BigInteger(), nullable=False, comment="what the counter stood at when the plan began to count"
        ),
        sa.Column("included", sa.BigInteger(), nullable=False, comment="the larger of base and the plan's limit"),
        sa.Column("used", sa.BigInteger(), nullable=False, comment="what the counter stood at: charged up to here"),
        sa.Column("quantity", sa.BigInteger(), nullable=False, comment="what is beyond and was not charged before"),
        sa.Column("amount", sa.BigInteger(), nullable=False, comment="minor units; below zero it is a credit"),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False, comment="whether the counter's period is over for billing"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), comment="which invoice it belongs on; null: there is nothing to charge"),
        sa.Column("wanted_invoice", sa.Text(), comment="the draft's id at the provider that it is meant for"),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="how often it was begun to put it at the provider"),
        sa.Column("provider_item", sa.Text(), comment="the invoice item's id at the provider"),
        sa.Column("invoice", sa.Text(), comment="the invoice's id at the provider; null while the item waits for one"),
        sa.Column("problem", sa.Text(), comment="why the last try failed"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("charged_at", sa.DateTime(timezone=True), comment="when it was known to be at the provider"),
        sa.CheckConstraint(
            "state in ('closed', 'intended', 'charged', 'abandoned')", name=op.f("ck_usage_charges_state_known")
        ),
        sa.CheckConstraint("destination in ('draft', 'next', 'own')", name=op.f("ck_usage_charges_destination_known")),
        sa.CheckConstraint(
            "state = 'closed' or (destination is not null and price_id is not null)",
            name=op.f("ck_usage_charges_charge_is_whole"),
        ),
        sa.CheckConstraint("currency ~ '^[a-z]{3}$'", name=op.f("ck_usage_charges_currency_iso")),
        sa.ForeignKeyConstraint(["feature"], ["features.key"], name=op.f("fk_usage_charges_feature_features")),
        sa.ForeignKeyConstraint(["meter_id"], ["meters.id"], name=op.f("fk_usage_charges_meter_id_meters")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_usage_charges_organization_id_organizations")
        ),
        sa.ForeignKeyConstraint(["plan"], ["plans.key"], name=op.f("fk_usage_charges_plan_plans")),
        sa.ForeignKeyConstraint(
            ["price_id"], ["overage_prices.id"], name=op.f("fk_usage_charges_price_id_overage_prices")
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name=op.f("fk_usage_charges_subscription_id_subscriptions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_charges")),
        sa.UniqueConstraint(
            "organization_id",
            "feature",
            "period_start",
            "sequence",
            name=op.f("uq_usage_charges_organization_id_feature_period_start_sequence"),
        ),
        sa.UniqueConstraint("provider_item", name=op.f("uq_usage_charges_provider_item")),
        comment="What was charged of each usage counter beyond its limit, and when; written before the provider is asked",
    )
    op.create_index(
        "ix_usage_charges_intended",
        "usage_charges",
        ["organization_id"],
        postgresql_where=sa.text("state = 'intended'"),
    )
    op.create_index("ix_usage_charges_closed", "usage_charges", ["period_end"], postgresql_where=sa.text("closed"))


def downgrade() -> None:
    op.drop_table("usage_charges")
