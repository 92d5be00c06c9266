"""More ways to count: reservations, thresholds told once, gauges, unique values, properties of events."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BEFORE = "aggregation in ('sum')"
AFTER = "aggregation in ('sum', 'count', 'max', 'latest', 'unique')"


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    op.drop_constraint(op.f("ck_meters_aggregation_known"), "meters")
    op.create_check_constraint(op.f("ck_meters_aggregation_known"), "meters", AFTER)
    _comment_used("what the period's events come to", "sum of admitted events of the period")
    for column in _of_counters():
        op.add_column("usage_counters", column)
    op.drop_constraint(op.f("ck_usage_counters_used_not_negative"), "usage_counters")
    op.create_check_constraint(op.f("ck_usage_counters_not_negative"), "usage_counters", "used >= 0 and reserved >= 0")
    op.add_column("usage_events", sa.Column("value", sa.Text(), comment="what a meter of unique values tells apart"))
    op.add_column(
        "usage_events", sa.Column("properties", postgresql.JSONB(), comment="the event's own data, as it was sent")
    )
    op.create_table(
        "usage_values",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("meter_id", sa.SmallInteger(), nullable=False),
        sa.Column("period_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "meter_id", "period_start", "value", name=op.f("pk_usage_values")),
        comment="Which values a counter of unique values has seen",
    )
    _reservations()


def _comment_used(comment: str, before: str) -> None:
    kind = sa.BigInteger()
    op.alter_column("usage_counters", "used", existing_type=kind, comment=comment, existing_comment=before)


def _of_counters() -> list[sa.Column[object]]:
    return [
        sa.Column("reserved", sa.BigInteger(), nullable=False, server_default="0", comment="held by open reservations"),
        sa.Column(
            "told", sa.SmallInteger(), nullable=False, server_default="0", comment="highest threshold told, in percent"
        ),
        sa.Column("told_limit", sa.BigInteger(), comment="of which limit"),
        sa.Column("latest_at", sa.DateTime(timezone=True), comment="gauges: when the event happened that is shown"),
    ]


def _reservations() -> None:
    op.create_table(
        "usage_reservations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("meter_id", sa.SmallInteger(), nullable=False),
        sa.Column("period_start", sa.DateTime(timezone=True), nullable=False, comment="the counter that holds it"),
        sa.Column("held", sa.BigInteger(), nullable=False, comment="how much was set aside"),
        sa.Column(
            "expires_at", sa.DateTime(timezone=True), nullable=False, comment="given back by itself from then on"
        ),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("settled", sa.BigInteger(), comment="what was counted in the end; null unless settled"),
        sa.Column("idempotency_key", sa.Text()),
        sa.Column("credential_id", sa.Uuid(), comment="the key or session that asked for it"),
        sa.CheckConstraint(
            "state in ('held', 'settled', 'released', 'expired')", name=op.f("ck_usage_reservations_state_known")
        ),
        sa.CheckConstraint("held > 0", name=op.f("ck_usage_reservations_held_positive")),
        sa.ForeignKeyConstraint(["meter_id"], ["meters.id"], name=op.f("fk_usage_reservations_meter_id_meters")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_reservations")),
        sa.UniqueConstraint(
            "organization_id",
            "meter_id",
            "idempotency_key",
            name=op.f("uq_usage_reservations_organization_id_meter_id_idempotency_key"),
        ),
        comment="Usage set aside for work whose size is not known yet",
    )
    held = sa.text("state = 'held'")
    op.create_index(
        "ix_usage_reservations_held",
        "usage_reservations",
        ["organization_id", "meter_id", "period_start"],
        postgresql_where=held,
    )
    op.create_index("ix_usage_reservations_expiry", "usage_reservations", ["expires_at"], postgresql_where=held)


def downgrade() -> None:
    op.drop_table("usage_reservations")
    op.drop_table("usage_values")
    for name in ("properties", "value"):
        op.drop_column("usage_events", name)
    op.drop_constraint(op.f("ck_usage_counters_not_negative"), "usage_counters")
    op.create_check_constraint(op.f("ck_usage_counters_used_not_negative"), "usage_counters", "used >= 0")
    _comment_used("sum of admitted events of the period", "what the period's events come to")
    for name in ("latest_at", "told_limit", "told", "reserved"):
        op.drop_column("usage_counters", name)
    op.drop_constraint(op.f("ck_meters_aggregation_known"), "meters")
    op.create_check_constraint(op.f("ck_meters_aggregation_known"), "meters", BEFORE)
