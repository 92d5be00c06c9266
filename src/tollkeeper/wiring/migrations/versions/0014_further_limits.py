"""Further limits: windows that roll, what is carried over, members, credits."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

NOBODY = "00000000-0000-0000-0000-000000000000"
PERIODS_BEFORE = "period in ('billing', 'calendar_month', 'never')"
PERIODS = (
    "period in ('billing', 'calendar_day', 'calendar_week', 'calendar_month', 'calendar_year', 'never', 'rolling')"
)
OF_ENTITLEMENTS = {
    "window_of_rolling": "(period = 'rolling') = (window_seconds is not null)",
    "window_bounded": "window_seconds between 60 and 31622400",
    "rollover_of_fixed": "rollover is null or period not in ('never', 'rolling')",
    "further_not_negative": "grace >= 0 and rollover >= 0 and per_member >= 0",
}
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    for table, key in (
        ("usage_counters", ["organization_id", "meter_id", "period_start", "member_id"]),
        ("usage_values", ["organization_id", "meter_id", "period_start", "member_id", "value"]),
    ):
        op.add_column(table, _member())
        op.drop_constraint(op.f(f"pk_{table}"), table)
        op.create_primary_key(op.f(f"pk_{table}"), table, key)
    for table, columns in _further().items():
        for column in columns:
            op.add_column(table, column)
    op.drop_constraint(op.f("ck_plan_entitlements_period_known"), "plan_entitlements")
    op.create_check_constraint(op.f("ck_plan_entitlements_period_known"), "plan_entitlements", PERIODS)
    for name, words in OF_ENTITLEMENTS.items():
        op.create_check_constraint(op.f(f"ck_plan_entitlements_{name}"), "plan_entitlements", words)
    _grants()


def _member() -> sa.Column[object]:
    comment = "nil: the organization as a whole"
    return sa.Column("member_id", sa.Uuid(), nullable=False, server_default=NOBODY, comment=comment)


def _number(name: str, comment: str) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger(), nullable=False, server_default="0", comment=comment)


def _flag(name: str, comment: str) -> sa.Column[object]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default="false", comment=comment)


def _further() -> dict[str, list[sa.Column[object]]]:
    return {
        "usage_counters": [
            sa.Column("since", MOMENT, comment="rolling windows: what happened until then has left it"),
            _number("carried", "unused quota of the period before"),
            _number("credited", "how much of `used` credits paid for"),
            _number("topped", "credits as last looked at, used or not"),
            _flag("by_member", "members' counters are kept with it"),
            _flag("rolled", "a rolling window holds its events, too"),
        ],
        "usage_events": [
            sa.Column("member_id", sa.Uuid(), comment="who used it; null: not told"),
            sa.Column("credits", sa.BigInteger(), comment="how much of the quantity credits paid for; null: nothing"),
        ],
        "usage_reservations": [
            sa.Column("member_id", sa.Uuid(), comment="who asked for it; null: not told"),
        ],
        "gate_standings": [
            sa.Column("since", MOMENT, comment="when the plan it is on began; null: with the organization"),
        ],
        "plan_entitlements": [
            sa.Column("window_seconds", sa.Integer(), comment="of a rolling period: how far it looks back"),
            _number("grace", "how far beyond a hard limit still passes"),
            sa.Column(
                "thresholds", postgresql.JSONB(), comment="percentages that are told, ascending; null: the usual"
            ),
            sa.Column(
                "rollover", sa.BigInteger(), comment="the most that is carried into the next period; null: nothing"
            ),
            sa.Column(
                "per_member",
                sa.BigInteger(),
                comment="how much each member may use a period; null: as much as all together",
            ),
        ],
    }


def _grants() -> None:
    op.create_table(
        "usage_grants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("meter_id", sa.SmallInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False, comment="how much may be used beyond a hard limit"),
        _number("used", "how much of it was"),
        sa.Column("reason", sa.Text(), nullable=False, comment="why it was granted, for people"),
        sa.Column("external_id", sa.Text(), comment="the granter's own name for it: granted once"),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", sa.Uuid(), comment="the key that granted it"),
        sa.Column("expires_at", MOMENT, comment="of no use from then on; null: never"),
        sa.Column("voided_at", MOMENT, comment="since when the rest of it was taken back; null: it was not"),
        sa.CheckConstraint("amount > 0 and used between 0 and amount", name=op.f("ck_usage_grants_amounts_sound")),
        sa.ForeignKeyConstraint(["meter_id"], ["meters.id"], name=op.f("fk_usage_grants_meter_id_meters")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_grants")),
        sa.UniqueConstraint("organization_id", "external_id", name=op.f("uq_usage_grants_organization_id_external_id")),
        comment="Credits: what may be used once a hard limit is reached, soonest expiring first",
    )
    op.create_index(
        "ix_usage_grants_meter",
        "usage_grants",
        ["organization_id", "meter_id", "expires_at"],
        postgresql_where=sa.text("used < amount"),
    )


def downgrade() -> None:
    op.drop_table("usage_grants")
    for name in OF_ENTITLEMENTS:
        op.drop_constraint(op.f(f"ck_plan_entitlements_{name}"), "plan_entitlements")
    op.drop_constraint(op.f("ck_plan_entitlements_period_known"), "plan_entitlements")
    # What the narrower catalogue cannot say falls back to the billing period.
    op.execute(f"update plan_entitlements set period = 'billing' where not ({PERIODS_BEFORE})")  # noqa: S608 - our own
    op.create_check_constraint(op.f("ck_plan_entitlements_period_known"), "plan_entitlements", PERIODS_BEFORE)
    for table, columns in _further().items():
        for column in reversed(columns):
            op.drop_column(table, column.name)
    for table, key in (
        ("usage_counters", ["organization_id", "meter_id", "period_start"]),
        ("usage_values", ["organization_id", "meter_id", "period_start", "value"]),
    ):
        op.execute(f"delete from {table} where member_id <> '{NOBODY}'")  # noqa: S608 - our own names
        op.drop_constraint(op.f(f"pk_{table}"), table)
        op.drop_column(table, "member_id")
        op.create_primary_key(op.f(f"pk_{table}"), table, key)
