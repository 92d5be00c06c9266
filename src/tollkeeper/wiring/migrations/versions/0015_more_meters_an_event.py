"""Several meters an event type: where the number stands, what is filtered and grouped."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    op.drop_constraint(op.f("uq_meters_event_type"), "meters")
    op.add_column(
        "meters",
        sa.Column("value", sa.Text(), comment="path of the property that holds the number; null: each event says 1"),
    )
    for name, empty, comment in (
        ("group_by", "[]", "properties a history can be split by"),
        ("filters", "{}", "values by property path that count"),
    ):
        column = sa.Column(name, postgresql.JSONB(), nullable=False, server_default=empty, comment=comment)
        op.add_column("meters", column)


def downgrade() -> None:
    for name in ("filters", "group_by", "value"):
        op.drop_column("meters", name)
    op.create_unique_constraint(op.f("uq_meters_event_type"), "meters", ["event_type"])
