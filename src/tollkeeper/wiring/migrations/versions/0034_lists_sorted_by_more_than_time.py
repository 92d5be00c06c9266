"""Lists of money are sorted by amount, subscriptions by plan and by what comes next, each by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

AMOUNTS = {"invoices": "total", "payments": "amount", "refunds": "amount", "disputes": "amount"}
OF_A_STATE = {"invoices", "payments"}
"""Lists of many that are narrowed to a state that few have."""
NEXT = """coalesce(ended_at,
case
    when pause_behavior = 'void' then paused_until
    else current_period_end
end, 'infinity'::timestamptz)"""


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    for table, amount in AMOUNTS.items():
        op.create_index(op.f(f"ix_{table}_currency_{amount}_id"), table, ["currency", amount, "id"])
        if table in OF_A_STATE:
            columns = ["status", "currency", amount, "id"]
            op.create_index(op.f(f"ix_{table}_status_currency_{amount}_id"), table, columns)
    op.create_index("ix_subscriptions_by_plan", "subscriptions", [sa.text("coalesce(plan, '')"), "started_at", "id"])
    op.create_index("ix_subscriptions_next", "subscriptions", [sa.text(NEXT), "id"])
    op.create_index("ix_subscriptions_status_next", "subscriptions", ["status", sa.text(NEXT), "id"])


def downgrade() -> None:
    op.drop_index("ix_subscriptions_status_next", "subscriptions")
    op.drop_index("ix_subscriptions_next", "subscriptions")
    op.drop_index("ix_subscriptions_by_plan", "subscriptions")
    for table, amount in AMOUNTS.items():
        if table in OF_A_STATE:
            op.drop_index(op.f(f"ix_{table}_status_currency_{amount}_id"), table)
        op.drop_index(op.f(f"ix_{table}_currency_{amount}_id"), table)
