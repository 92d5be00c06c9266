"""How often, and how many at once: rates of keys, and leases of what plans allow so many of at a time."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    op.add_column(
        "api_keys",
        sa.Column("per_minute", sa.Integer(), comment="calls a minute with this key; null: no limit of its own"),
    )
    op.create_check_constraint(op.f("ck_api_keys_per_minute_positive"), "api_keys", "per_minute > 0")
    op.create_table(
        "plan_concurrency",
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="what kind of work"),
        sa.Column("at_once", sa.Integer(), comment="null: not limited"),
        sa.CheckConstraint("at_once > 0", name=op.f("ck_plan_concurrency_at_once_positive")),
        sa.ForeignKeyConstraint(["plan"], ["plans.key"], name=op.f("fk_plan_concurrency_plan_plans")),
        sa.PrimaryKeyConstraint("plan", "name", name=op.f("pk_plan_concurrency")),
        comment="How much long work of each kind a plan allows at once",
    )
    op.create_table(
        "leases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="what kind of work, as in plan_concurrency"),
        sa.Column("credential_id", sa.Uuid(), comment="the key or session that asked for it"),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "expires_at", sa.DateTime(timezone=True), nullable=False, comment="does not count from then on, row or not"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_leases_organization_id_organizations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leases")),
        comment="Long work under way that counts against how much is allowed at once; given back: the row is gone",
    )
    op.create_index("ix_leases_organization_id_name", "leases", ["organization_id", "name"])


def downgrade() -> None:
    op.drop_table("leases")
    op.drop_table("plan_concurrency")
    op.drop_constraint(op.f("ck_api_keys_per_minute_positive"), "api_keys")
    op.drop_column("api_keys", "per_minute")
