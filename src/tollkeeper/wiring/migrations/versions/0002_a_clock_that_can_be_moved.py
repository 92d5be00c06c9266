"""A clock that can be moved."""

import sqlalchemy as sa
from alembic import op

revision = "0002_time"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    op.create_table(
        "product_clock",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("ahead", sa.Interval(), nullable=False, comment="how far the clock stands before the machine's"),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False, comment="when, by the machine's clock"),
        sa.CheckConstraint("id = 1", name=op.f("ck_product_clock_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product_clock")),
        comment="How far time was moved in a trial system; empty in production",
    )


def downgrade() -> None:
    op.drop_table("product_clock")
