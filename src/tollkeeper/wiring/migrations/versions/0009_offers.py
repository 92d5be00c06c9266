"""Coupons, promotion codes, trials."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    op.add_column(
        "plans", sa.Column("trial_days", sa.Integer(), comment="what a new customer has it for nothing; null: no trial")
    )
    op.add_column("plans", sa.Column("trial_needs_card", sa.Boolean(), comment="null: no trial"))
    op.add_column(
        "plans",
        sa.Column(
            "trial_without_card", sa.Text(), comment="what becomes of a trial that ends without a card; null: no trial"
        ),
    )
    op.create_check_constraint(op.f("ck_plans_trial_days_bounded"), "plans", "trial_days between 1 and 730")
    op.create_check_constraint(
        op.f("ck_plans_trial_without_card_known"), "plans", "trial_without_card in ('cancel', 'pause')"
    )
    op.create_check_constraint(
        op.f("ck_plans_trial_whole"),
        "plans",
        "num_nulls(trial_days, trial_needs_card, trial_without_card) in (0, 3)",
    )
    _offers()
    _at_provider()
    op.add_column(
        "subscriptions",
        sa.Column("discount", postgresql.JSONB(none_as_null=True), comment="what lowers its invoices; null: nothing"),
    )
    op.add_column(
        "subscriptions",
        sa.Column(
            "trial_end_told",
            sa.DateTime(timezone=True),
            comment="ours: the end of the trial that was announced; null: none was",
        ),
    )


def _offers() -> None:
    op.create_table(
        "coupons",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="what the customer reads on the invoice"),
        sa.Column("percent_off", sa.Numeric(5, 2), comment="null: a fixed amount"),
        sa.Column("amounts_off", postgresql.JSONB(), nullable=False, comment="minor units by currency; empty: a share"),
        sa.Column("duration", sa.Text(), nullable=False),
        sa.Column("months", sa.Integer(), comment="of a repeating one"),
        sa.Column(
            "plans", postgresql.JSONB(), nullable=False, comment="keys of the plans it is for; empty: every plan"
        ),
        sa.Column("max_redemptions", sa.Integer()),
        sa.Column("redeem_by", sa.DateTime(timezone=True)),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "archived_at",
            sa.DateTime(timezone=True),
            comment="since when nobody can redeem it; who has it keeps it",
        ),
        sa.CheckConstraint("duration in ('once', 'forever', 'repeating')", name=op.f("ck_coupons_duration_known")),
        sa.CheckConstraint(
            "(duration = 'repeating') = (months is not null)", name=op.f("ck_coupons_months_of_repeating")
        ),
        sa.CheckConstraint("percent_off > 0 and percent_off <= 100", name=op.f("ck_coupons_percent_off_bounded")),
        sa.CheckConstraint("(percent_off is null) = (amounts_off <> '{}')", name=op.f("ck_coupons_percent_or_amounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupons")),
        comment="Immutable but for name, position and archived_at: other terms are a new row",
    )
    op.create_index(
        "uq_coupons_current", "coupons", ["key"], unique=True, postgresql_where=sa.text("archived_at is null")
    )
    op.create_table(
        "promotion_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False, comment="as customers type it, in either case"),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("max_redemptions", sa.Integer()),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("first_time_only", sa.Boolean(), nullable=False),
        sa.Column(
            "minimum",
            postgresql.JSONB(),
            nullable=False,
            comment="the least price, minor units by currency; empty: any",
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), comment="since when nobody can redeem it"),
        sa.ForeignKeyConstraint(["coupon_id"], ["coupons.id"], name=op.f("fk_promotion_codes_coupon_id_coupons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotion_codes")),
        comment="What customers type in to get a coupon. Immutable but for position and archived_at",
    )
    op.create_index(
        "uq_promotion_codes_current",
        "promotion_codes",
        [sa.text("lower(code)")],
        unique=True,
        postgresql_where=sa.text("archived_at is null"),
    )


def _at_provider() -> None:
    account = "test, live and imitation accounts have {} of their own"
    op.create_table(
        "provider_coupons",
        sa.Column("account", sa.Text(), nullable=False, comment=account.format("coupons")),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False, comment="as last told to the provider"),
        sa.Column("pushed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["coupon_id"], ["coupons.id"], name=op.f("fk_provider_coupons_coupon_id_coupons")),
        sa.PrimaryKeyConstraint("account", "coupon_id", name=op.f("pk_provider_coupons")),
        comment="Which of our coupons stand at the provider, where they have our ids",
    )
    op.create_table(
        "provider_codes",
        sa.Column("account", sa.Text(), nullable=False, comment=account.format("codes")),
        sa.Column("code_id", sa.Uuid(), nullable=False),
        sa.Column("provider_code", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False, comment="as last told to the provider"),
        sa.Column("pushed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["code_id"], ["promotion_codes.id"], name=op.f("fk_provider_codes_code_id_promotion_codes")
        ),
        sa.PrimaryKeyConstraint("account", "code_id", name=op.f("pk_provider_codes")),
        comment="Our promotion codes' ids and the provider's",
    )


def downgrade() -> None:
    op.drop_column("subscriptions", "trial_end_told")
    op.drop_column("subscriptions", "discount")
    op.drop_table("provider_codes")
    op.drop_table("provider_coupons")
    op.drop_table("promotion_codes")
    op.drop_table("coupons")
    for name in ("trial_whole", "trial_without_card_known", "trial_days_bounded"):
        op.drop_constraint(op.f(f"ck_plans_{name}"), "plans")
    for name in ("trial_without_card", "trial_needs_card", "trial_days"):
        op.drop_column("plans", name)
