"""Whose customer somebody is, and what one request did, are found without reading everybody's."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    op.create_index(op.f("ix_billing_customers_organization_id"), "billing_customers", ["organization_id"])
    op.create_index(op.f("ix_audit_trail_request_id"), "audit_trail", ["request_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_audit_trail_request_id"), "audit_trail")
    op.drop_index(op.f("ix_billing_customers_organization_id"), "billing_customers")
