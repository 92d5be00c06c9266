"""How the parts of the service were, over time."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    op.create_table(
        "uptime_spans",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7: sorts by when it was first seen"),
        sa.Column("part", sa.Text(), nullable=False, comment="of the service, by its name on the status page"),
        sa.Column("state", sa.Text(), nullable=False, comment="in which it was found"),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=False, comment="when it was last seen so"),
        sa.CheckConstraint("since <= until", name=op.f("ck_uptime_spans_in_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uptime_spans")),
        comment="in which state a part of the service was, from when to when; times without a look lie in none",
    )
    op.create_index(op.f("ix_uptime_spans_until"), "uptime_spans", ["until"])


def downgrade() -> None:
    op.drop_table("uptime_spans")
