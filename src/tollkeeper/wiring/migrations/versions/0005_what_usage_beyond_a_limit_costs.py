"""What usage beyond a limit costs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004_comparing"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    op.create_table(
        "overage_prices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("feature", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False, comment="lower-case ISO 4217"),
        sa.Column(
            "charge", postgresql.JSONB(), nullable=False, comment="model and amounts in minor units, numbers as strings"
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, comment="since when this version holds"),
        sa.Column("archived_at", sa.DateTime(timezone=True), comment="since when the next version holds, or none"),
        sa.CheckConstraint("currency ~ '^[a-z]{3}$'", name=op.f("ck_overage_prices_currency_iso")),
        sa.CheckConstraint("archived_at >= created_at", name=op.f("ck_overage_prices_archived_after_created")),
        sa.ForeignKeyConstraint(["plan"], ["plans.key"], name=op.f("fk_overage_prices_plan_plans")),
        sa.ForeignKeyConstraint(["feature"], ["features.key"], name=op.f("fk_overage_prices_feature_features")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_overage_prices")),
        comment="What usage beyond a soft limit costs. Immutable but for archived_at: a changed charge is a new row",
    )
    op.create_index(
        "uq_overage_prices_current",
        "overage_prices",
        ["plan", "feature", "currency"],
        unique=True,
        postgresql_where=sa.text("archived_at is null"),
    )
    op.create_index("ix_overage_prices_plan_feature", "overage_prices", ["plan", "feature", "created_at"])


def downgrade() -> None:
    op.drop_table("overage_prices")
