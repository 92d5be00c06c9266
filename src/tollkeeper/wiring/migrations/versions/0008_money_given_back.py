"""Payments, refunds and disputes."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SYNCED = "when the provider was last asked"
STATUS = "the provider's word; words invented later are kept"


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    _payments()
    _refunds()
    _disputes()


def downgrade() -> None:
    op.drop_table("disputes")
    op.drop_table("refunds")
    op.drop_table("payments")


def _payments() -> None:
    op.create_table(
        "payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False, comment="one attempt to collect: the charge's id"),
        sa.Column("intent", sa.Text(), comment="what several attempts have in common"),
        sa.Column("invoice", sa.Text(), comment="the invoice's id at the provider; null: it paid for none"),
        sa.Column("status", sa.Text(), nullable=False, comment=STATUS),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("amount_refunded", sa.BigInteger(), nullable=False, comment="failed refunds are not in it"),
        sa.Column("currency", sa.Text(), nullable=False, comment="lower-case ISO 4217, of every amount"),
        sa.Column("disputed", sa.Boolean(), nullable=False),
        sa.Column("method", JSONB(none_as_null=True), comment="what may be shown of the way it was paid"),
        sa.Column("failure_code", sa.Text()),
        sa.Column("failure_message", sa.Text(), comment="may be shown to the customer"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=False, comment=SYNCED),
        sa.CheckConstraint("currency ~ '^[a-z]{3}$'", name=op.f("ck_payments_currency_iso")),
        *_mirrored("payments"),
        comment="Mirror of the provider's charges, amounts in minor units",
    )
    op.create_index(op.f("ix_payments_customer_id_created_at_id"), "payments", ["customer_id", "created_at", "id"])
    op.create_index(op.f("ix_payments_intent"), "payments", ["intent"])


def _refunds() -> None:
    op.create_table(
        "refunds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False, comment=STATUS),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("note", sa.Text(), comment="why, in the words of who asked for it"),
        sa.Column("request", sa.Text(), comment="which call asked for it; null: none of ours"),
        sa.Column("failure_reason", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=False, comment=SYNCED),
        *_mirrored("refunds"),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_refunds_payment_id_payments")),
        comment="Mirror of the provider's refunds, amounts in minor units",
    )
    op.create_index(op.f("ix_refunds_customer_id_created_at_id"), "refunds", ["customer_id", "created_at", "id"])
    op.create_index(op.f("ix_refunds_payment_id"), "refunds", ["payment_id"])


def _disputes() -> None:
    at = sa.DateTime(timezone=True)
    op.create_table(
        "disputes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column(
            "subscription", sa.Text(), comment="the id at the provider of the subscription that was paid; null: none"
        ),
        sa.Column("status", sa.Text(), nullable=False, comment=STATUS),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("due_at", at, comment="when evidence has to be with the bank; null: never"),
        sa.Column("has_evidence", sa.Boolean(), nullable=False),
        sa.Column("past_due", sa.Boolean(), nullable=False),
        sa.Column("submissions", sa.Integer(), nullable=False, comment="how often evidence went to the bank"),
        sa.Column("refundable", sa.Boolean(), nullable=False, comment="no money was taken: a refund would settle it"),
        sa.Column("withdrawn", sa.BigInteger(), nullable=False, comment="what the bank has taken from us for now"),
        sa.Column("fee", sa.BigInteger(), nullable=False),
        sa.Column("evidence", JSONB(), nullable=False, comment="what was written so far, by field"),
        sa.Column("created_at", at, nullable=False),
        sa.Column("closed_at", at, comment="when we learnt that it is decided; null: it is not"),
        sa.Column("reminded_at", at, comment="ours: when its deadline was told of"),
        sa.Column("released_at", at, comment="ours: since when it no longer withholds the plan"),
        sa.Column("synced_at", at, nullable=False, comment=SYNCED),
        *_mirrored("disputes"),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_disputes_payment_id_payments")),
        comment="Mirror of the provider's disputes, amounts in minor units",
    )
    op.create_index(op.f("ix_disputes_created_at_id"), "disputes", ["created_at", "id"])
    op.create_index(op.f("ix_disputes_customer_id_subscription"), "disputes", ["customer_id", "subscription"])
    op.create_index(op.f("ix_disputes_payment_id"), "disputes", ["payment_id"])


def _mirrored(table: str) -> list[Any]:
    return [
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["billing_customers.id"], name=op.f(f"fk_{table}_customer_id_billing_customers")
        ),
        sa.UniqueConstraint("customer_id", "provider_id", name=op.f(f"uq_{table}_customer_id_provider_id")),
    ]
