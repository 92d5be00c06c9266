"""Add-ons: what is for sale beside plans, where it stands at the provider, who has it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    _for_sale()
    _at_the_provider()
    _held()


def _for_sale() -> None:
    op.create_table(
        "addons",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("max_quantity", sa.Integer(), nullable=False, comment="how many units one subscription can have"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "archived_at",
            sa.DateTime(timezone=True),
            comment="since when nobody can buy more; those who have it keep it",
        ),
        sa.CheckConstraint("max_quantity > 0", name=op.f("ck_addons_max_quantity_positive")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_addons")),
        comment="What can be bought beside a plan",
    )
    op.create_table(
        "addon_plans",
        sa.Column("addon", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["addon"], ["addons.key"], name=op.f("fk_addon_plans_addon_addons")),
        sa.ForeignKeyConstraint(["plan"], ["plans.key"], name=op.f("fk_addon_plans_plan_plans")),
        sa.PrimaryKeyConstraint("addon", "plan", name=op.f("pk_addon_plans")),
        comment="Beside which plans an add-on can be bought",
    )
    op.create_table(
        "addon_prices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("addon", sa.Text(), nullable=False),
        sa.Column("interval", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False, comment="minor units, of one unit"),
        sa.Column("currency", sa.Text(), nullable=False, comment="lower-case ISO 4217"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), comment="since when it is not on sale"),
        sa.CheckConstraint("interval in ('month', 'year')", name=op.f("ck_addon_prices_interval_known")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_addon_prices_amount_positive")),
        sa.CheckConstraint("currency ~ '^[a-z]{3}$'", name=op.f("ck_addon_prices_currency_iso")),
        sa.ForeignKeyConstraint(["addon"], ["addons.key"], name=op.f("fk_addon_prices_addon_addons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_addon_prices")),
        comment="Immutable but for archived_at: a changed amount is a new row",
    )
    op.create_index(
        "uq_addon_prices_on_sale",
        "addon_prices",
        ["addon", "interval", "currency"],
        unique=True,
        postgresql_where=sa.text("archived_at is null"),
    )
    op.create_table(
        "addon_grants",
        sa.Column("addon", sa.Text(), nullable=False),
        sa.Column("feature", sa.Text(), nullable=False),
        sa.Column(
            "amount",
            sa.BigInteger(),
            comment="what each unit adds to a metered feature's limit; null: turns a switch on",
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_addon_grants_amount_positive")),
        sa.ForeignKeyConstraint(["addon"], ["addons.key"], name=op.f("fk_addon_grants_addon_addons")),
        sa.ForeignKeyConstraint(["feature"], ["features.key"], name=op.f("fk_addon_grants_feature_features")),
        sa.PrimaryKeyConstraint("addon", "feature", name=op.f("pk_addon_grants")),
        comment="What each unit of an add-on gives of each feature",
    )


def _at_the_provider() -> None:
    op.create_table(
        "provider_addon_prices",
        sa.Column(
            "account",
            sa.Text(),
            nullable=False,
            comment="test, live and imitation accounts have prices of their own",
        ),
        sa.Column("price_id", sa.Uuid(), nullable=False),
        sa.Column("provider_price", sa.Text(), nullable=False),
        sa.Column("provider_product", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False, comment="as last told to the provider"),
        sa.Column("pushed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["price_id"], ["addon_prices.id"], name=op.f("fk_provider_addon_prices_price_id_addon_prices")
        ),
        sa.PrimaryKeyConstraint("account", "price_id", name=op.f("pk_provider_addon_prices")),
        comment="Our price ids of add-ons and the provider's",
    )
    op.create_index(
        "uq_provider_addon_prices_provider_price", "provider_addon_prices", ["account", "provider_price"], unique=True
    )


def _held() -> None:
    op.create_table(
        "subscription_addons",
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("price_id", sa.Uuid(), nullable=False),
        sa.Column("addon", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False, comment="0: it only comes with the change to come"),
        sa.Column(
            "pending_quantity",
            sa.Integer(),
            comment="how many there are after the change to come; null: none is to come",
        ),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_subscription_addons_quantity_not_negative")),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name=op.f("fk_subscription_addons_subscription_id_subscriptions")
        ),
        sa.ForeignKeyConstraint(
            ["price_id"], ["addon_prices.id"], name=op.f("fk_subscription_addons_price_id_addon_prices")
        ),
        sa.ForeignKeyConstraint(["addon"], ["addons.key"], name=op.f("fk_subscription_addons_addon_addons")),
        sa.PrimaryKeyConstraint("subscription_id", "price_id", name=op.f("pk_subscription_addons")),
        comment="Mirror of the provider's items beside the plan's: how many units of which add-on",
    )
    quantities = "units of each add-on by key"
    for table, comment in (
        ("subscription_history", f"{quantities}, after the step"),
        ("billing_standings", f"{quantities} that may be used"),
        ("gate_standings", f"{quantities} bought beside the plan"),
    ):
        op.add_column(
            table, sa.Column("addons", postgresql.JSONB(), nullable=False, server_default="{}", comment=comment)
        )


def downgrade() -> None:
    for table in ("gate_standings", "billing_standings", "subscription_history"):
        op.drop_column(table, "addons")
    for table in (
        "subscription_addons",
        "provider_addon_prices",
        "addon_grants",
        "addon_prices",
        "addon_plans",
        "addons",
    ):
        op.drop_table(table)
