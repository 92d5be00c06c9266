"""How far a job has come and of what it failed, and the trail by what was done."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    op.create_table(
        "job_notes",
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("total", sa.Integer(), server_default="0", nullable=False, comment="0: nobody knows"),
        sa.Column("words", sa.Text(), server_default="", nullable=False, comment="what it is at, for people"),
        sa.Column("error", sa.Text(), server_default="", nullable=False, comment="of what the last try failed"),
        sa.Column("failed_at", sa.DateTime(timezone=True), comment="when the last try failed, by the database's clock"),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_job_notes")),
        comment="how far a job has come, and of what its last try failed; gone when it succeeds",
    )
    op.create_index(
        op.f("ix_audit_trail_action_id"), "audit_trail", ["action", "id"], postgresql_ops={"action": "text_pattern_ops"}
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_audit_trail_action_id"), table_name="audit_trail")
    op.drop_table("job_notes")
