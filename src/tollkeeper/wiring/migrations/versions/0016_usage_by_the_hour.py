"""Usage by the hour, kept up in commit order: which transaction recorded each event, and how far readers have come."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

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
    _hours()
    op.create_table(
        "usage_dropped",
        sa.Column("until", sa.DateTime(timezone=True), nullable=False, comment="events recorded before it are gone"),
        sa.Column("dropped_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("until", name=op.f("pk_usage_dropped")),
        comment="Months of events that were dropped after the time they are kept for",
    )


def _hours() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "usage_hours",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("meter_id", sa.SmallInteger(), nullable=False),
        sa.Column("hour", moment, nullable=False, comment="its start, in UTC"),
        sa.Column("dimensions_key", sa.Uuid(), nullable=False, comment="MD5 of the dimensions, which may be long"),
        sa.Column(
            "dimensions",
            postgresql.JSONB(),
            nullable=False,
            comment="what the events have where the meter's history is split",
        ),
        sa.Column("events", sa.BigInteger(), nullable=False, comment="how many there are that count"),
        sa.Column(
            "used",
            sa.BigInteger(),
            nullable=False,
            comment="what they come to; of unique values see usage_hour_values",
        ),
        sa.Column("latest_at", moment, comment="gauges: when the event happened that is shown"),
        sa.Column("latest_id", sa.Uuid(), comment="gauges: which event that is, as first recorded"),
        sa.PrimaryKeyConstraint("organization_id", "meter_id", "hour", "dimensions_key", name=op.f("pk_usage_hours")),
        postgresql_with={"fillfactor": 70},
        comment="Usage by the hour, kept up in the order of commits: answers history without counting events",
    )
    op.create_table(
        "usage_hour_values",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("meter_id", sa.SmallInteger(), nullable=False),
        sa.Column("hour", moment, nullable=False),
        sa.Column("dimensions_key", sa.Uuid(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "organization_id",
            "meter_id",
            "hour",
            "dimensions_key",
            "value",
            name=op.f("pk_usage_hour_values"),
        ),
        comment="Which values an hour of a meter of unique values has seen",
    )


def downgrade() -> None:
    for name in ("usage_dropped", "usage_hour_values", "usage_hours", "usage_cursors"):
        op.drop_table(name)
    op.drop_index(op.f("ix_usage_events_tx"), "usage_events")
    op.drop_column("usage_events", "tx")
