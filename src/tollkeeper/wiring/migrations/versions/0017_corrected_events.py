"""Corrected events, how organizations stood before, and how far events were passed on."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_CORRECTION = ("reason", "voided", "revision", "corrects")


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    for column in _of_corrections():
        op.add_column("usage_events", column)
    op.create_check_constraint(
        op.f("ck_usage_events_correction_is_whole"),
        "usage_events",
        "num_nulls(corrects, revision, voided, reason) in (0, 4)",
    )
    op.create_index(
        "ix_usage_events_corrects", "usage_events", ["corrects"], postgresql_where=sa.text("corrects is not null")
    )
    _past()
    _sinks()


def _of_corrections() -> list[sa.Column[object]]:
    return [
        sa.Column(
            "corrects",
            sa.Uuid(),
            comment="the event as first recorded that this row is a later version of; null: itself",
        ),
        sa.Column(
            "revision", sa.SmallInteger(), comment="the how-manieth correction it is, from 1; the newest one counts"
        ),
        sa.Column("voided", sa.Boolean(), comment="of a correction: whether the event counts nothing from then on"),
        sa.Column("reason", sa.Text(), comment="of a correction: why"),
    ]


def _past() -> None:
    op.create_table(
        "gate_past",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False, comment="from this moment on it stood so"),
        sa.Column("plan", sa.Text(), comment="key of the plan bought; null: the default plan"),
        sa.Column("period_start", sa.DateTime(timezone=True), comment="of the plan bought"),
        sa.Column("period_end", sa.DateTime(timezone=True), comment="of the plan bought; exclusive"),
        sa.Column(
            "addons",
            postgresql.JSONB(),
            nullable=False,
            server_default="{}",
            comment="units of each add-on by key",
        ),
        sa.CheckConstraint(
            "num_nulls(plan, period_start, period_end) in (0, 3)", name=op.f("ck_gate_past_bought_is_whole")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_gate_past_organization_id_organizations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "since", name=op.f("pk_gate_past")),
        comment="How each organization stood when: says which period and limits usage belongs to that is reported late",
    )
    op.execute(
        "insert into gate_past select organization_id, period_start, plan, period_start, period_end, addons"
        " from gate_standings where plan is not null"
    )


def _sinks() -> None:
    """How far each sink was given the events is added with the sink itself."""


def downgrade() -> None:
    op.drop_table("gate_past")
    op.drop_index("ix_usage_events_corrects", "usage_events")
    op.drop_constraint(op.f("ck_usage_events_correction_is_whole"), "usage_events")
    for name in _CORRECTION:
        op.drop_column("usage_events", name)
