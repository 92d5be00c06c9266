"""The board of failed payments shows the first few of each stage without reading the stage."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    op.create_index(
        "ix_dunning_cases_board",
        "dunning_cases",
        ["state", sa.text("coalesce(closed_at, 'infinity'::timestamptz) desc"), "next_at", "id"],
    )


def downgrade() -> None:
    op.drop_index("ix_dunning_cases_board", "dunning_cases")
