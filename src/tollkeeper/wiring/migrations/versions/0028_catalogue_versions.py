"""Versions of the catalogue, more time for those who owe, and what lists over everybody are read by."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_LISTS = (
    ("subscriptions", ["started_at", "id"]),
    ("subscriptions", ["status", "started_at", "id"]),
    ("subscriptions", ["plan", "started_at", "id"]),
    ("invoices", ["issued_at", "id"]),
    ("invoices", ["status", "issued_at", "id"]),
    ("payments", ["created_at", "id"]),
    ("payments", ["status", "created_at", "id"]),
    ("refunds", ["created_at", "id"]),
)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    _versions()
    op.add_column(
        "dunning_cases",
        sa.Column(
            "postponed_days",
            sa.Integer(),
            nullable=False,
            server_default="0",
            comment="ours: so many days later than the schedule says every step comes",
        ),
    )
    op.create_check_constraint(op.f("ck_dunning_cases_postponed_not_negative"), "dunning_cases", "postponed_days >= 0")
    for table, columns in _LISTS:
        op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, columns)
    op.create_index("ix_dunning_cases_closed", "dunning_cases", ["closed_at"])


def _versions() -> None:
    op.create_table(
        "catalogue_versions",
        sa.Column(
            "number", sa.Integer(), autoincrement=False, nullable=False, comment="counts up from 1, without gaps"
        ),
        sa.Column("source", sa.Text(), nullable=False, comment="the file as it was written"),
        sa.Column("changes", postgresql.JSONB(), nullable=False, comment="what it changed, in words, one text each"),
        sa.Column("note", sa.Text(), nullable=False, comment="why, in the words of who applied it; empty: nobody said"),
        sa.Column("restored", sa.Integer(), comment="the older version it went back to"),
        sa.Column("record_id", sa.Uuid(), nullable=False, comment="the record of the trail that tells who applied it"),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False, comment="since when it holds"),
        sa.CheckConstraint("number > 0", name=op.f("ck_catalogue_versions_number_positive")),
        sa.CheckConstraint("restored < number", name=op.f("ck_catalogue_versions_restored_older")),
        sa.ForeignKeyConstraint(
            ["restored"],
            ["catalogue_versions.number"],
            name=op.f("fk_catalogue_versions_restored_catalogue_versions"),
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_catalogue_versions")),
        comment="Every catalogue file that was applied. Rows are only ever added",
    )


def downgrade() -> None:
    op.drop_index("ix_dunning_cases_closed", "dunning_cases")
    for table, columns in _LISTS:
        op.drop_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table)
    op.drop_constraint(op.f("ck_dunning_cases_postponed_not_negative"), "dunning_cases")
    op.drop_column("dunning_cases", "postponed_days")
    op.drop_table("catalogue_versions")
