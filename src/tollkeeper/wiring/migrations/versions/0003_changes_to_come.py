"""Changes of subscriptions that are to come."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002_time"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    op.add_column("subscriptions", sa.Column("pending_plan", sa.Text(), comment="what it becomes at pending_at"))
    op.add_column("subscriptions", sa.Column("pending_price_id", sa.Uuid()))
    op.add_column("subscriptions", sa.Column("pending_quantity", sa.Integer()))
    op.add_column(
        "subscriptions",
        sa.Column("pending_at", sa.DateTime(timezone=True), comment="null: nothing is to change"),
    )
    op.create_foreign_key(
        op.f("fk_subscriptions_pending_plan_plans"), "subscriptions", "plans", ["pending_plan"], ["key"]
    )
    op.create_foreign_key(
        op.f("fk_subscriptions_pending_price_id_prices"), "subscriptions", "prices", ["pending_price_id"], ["id"]
    )


def downgrade() -> None:
    op.drop_column("subscriptions", "pending_at")
    op.drop_column("subscriptions", "pending_quantity")
    op.drop_column("subscriptions", "pending_price_id")
    op.drop_column("subscriptions", "pending_plan")
