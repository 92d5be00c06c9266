"""Where comparing with the provider was stopped."""

import sqlalchemy as sa
from alembic import op

revision = "0004_comparing"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    op.create_table(
        "reconcile_cursors",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False, comment="what is being gone through, and whether repairing"),
        sa.Column("kind", sa.Text(), nullable=False, comment="customers, subscriptions, invoices or ours"),
        sa.Column("after", sa.Text(), nullable=False, comment="the last id done with; empty before the first"),
        sa.Column("compared", sa.BigInteger(), nullable=False),
        sa.Column("differing", sa.BigInteger(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account", "run", name=op.f("pk_reconcile_cursors")),
        comment="How far a comparison with the provider has come, to go on from there; gone when it is done",
    )


def downgrade() -> None:
    op.drop_table("reconcile_cursors")
