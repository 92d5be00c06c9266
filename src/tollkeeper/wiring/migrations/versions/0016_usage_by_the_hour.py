"""Usage by the hour, kept up in commit order: which transaction recorded each event, and how far readers have come."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    op.add_column(
        "usage_events",
        sa.Column(
            "tx",
            sa.BigInteger(),
            comment="the transaction that recorded it; null: recorded before this was kept",
        ),
    )
    # A default of its own statement is for rows to come: those that are there are not written anew.
    op.alter_column("usage_events", "tx", server_default=sa.text("((pg_current_xact_id())::text)::bigint"))
    op.create_index(
        op.f("ix_usage_events_tx"),
        "usage_events",
        ["tx"],
        postgresql_using="brin",
        postgresql_with={"autosummarize": "on", "pages_per_range": 32},
    )
    op.create_table(
        "usage_cursors",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tx", sa.BigInteger(), nullable=False, comment="up to the event of this transaction"),
        sa.Column("event_id", sa.Uuid(), nullable=False, comment="and, within the transaction, of this id; inclusive"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_usage_cursors")),
        comment="How far each reader of events in commit order has come",
    )


def downgrade() -> None:
    op.drop_table("usage_cursors")
    op.drop_index(op.f("ix_usage_events_tx"), "usage_events")
    op.drop_column("usage_events", "tx")
