"""What is mirrored is found by the provider's id, without knowing whose it is: for comparing everything, page by page."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

MIRRORED = ("subscriptions", "invoices", "credit_notes", "payments", "refunds", "disputes")


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    for table in MIRRORED:
        op.create_index(op.f(f"ix_{table}_provider_id"), table, ["provider_id"])


def downgrade() -> None:
    for table in MIRRORED:
        op.drop_index(op.f(f"ix_{table}_provider_id"), table)
