"""The promotion code that comes with a change for the period's end, so that the invoice to come is told with it."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    op.add_column(
        "subscriptions",
        sa.Column(
            "pending_code_id",
            sa.Uuid(),
            comment="what lowers its invoices from pending_at on; null: what does now, or a code that is none of ours",
        ),
    )
    op.create_foreign_key(
        op.f("fk_subscriptions_pending_code_id_promotion_codes"),
        "subscriptions",
        "promotion_codes",
        ["pending_code_id"],
        ["id"],
    )


def downgrade() -> None:
    op.drop_column("subscriptions", "pending_code_id")
