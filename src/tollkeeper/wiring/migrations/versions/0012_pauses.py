"""Pausing and methods that pay late."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    op.add_column(
        "subscriptions",
        sa.Column(
            "pause_behavior", sa.Text(), comment="what becomes of invoices while collecting rests; null: it does not"
        ),
    )
    op.add_column(
        "subscriptions",
        sa.Column("paused_until", sa.DateTime(timezone=True), comment="null: until it is taken back, or not paused"),
    )
    op.add_column(
        "subscriptions",
        sa.Column(
            "unpaid",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="ours: the running period is not paid",
        ),
    )
    op.add_column(
        "subscriptions",
        sa.Column(
            "processing_since",
            sa.DateTime(timezone=True),
            comment="since when a payment is on its way; null: none is",
        ),
    )


def downgrade() -> None:
    for name in ("processing_since", "unpaid", "paused_until", "pause_behavior"):
        op.drop_column("subscriptions", name)
