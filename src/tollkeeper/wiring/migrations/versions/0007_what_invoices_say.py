"""What invoices say: taxes, discounts, balance, whom they are made out to; credit notes; names of rates and discounts."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


# Invoices mirrored before know none of it; comparing with the provider fills it in.
def _new() -> list[sa.Column[Any]]:
    return [
        sa.Column(
            "discount_total",
            sa.BigInteger(),
            nullable=False,
            server_default="0",
            comment="what all discounts took off, never negative",
        ),
        sa.Column(
            "discounts",
            JSONB(),
            nullable=False,
            server_default="[]",
            comment="what each discount took off, by its id at the provider",
        ),
        sa.Column(
            "taxes",
            JSONB(),
            nullable=False,
            server_default="[]",
            comment="each tax with rate, amount, base, whether it is inside, and why",
        ),
        sa.Column(
            "starting_balance",
            sa.BigInteger(),
            nullable=False,
            server_default="0",
            comment="negative is credit the customer had",
        ),
        sa.Column("ending_balance", sa.BigInteger(), comment="what was left of it; null: not applied yet"),
        sa.Column(
            "credited_before_payment",
            sa.BigInteger(),
            nullable=False,
            server_default="0",
            comment="by credit notes that lowered what is due",
        ),
        sa.Column(
            "credited_after_payment",
            sa.BigInteger(),
            nullable=False,
            server_default="0",
            comment="by credit notes that gave money back",
        ),
        sa.Column(
            "billed_to",
            JSONB(),
            nullable=False,
            server_default="{}",
            comment="name, address and tax ids as printed on it",
        ),
        sa.Column("memo", sa.Text(), comment="words to the customer"),
        sa.Column("finalized_at", sa.DateTime(timezone=True)),
        sa.Column("voided_at", sa.DateTime(timezone=True)),
    ]


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    for column in _new():
        filled = column.server_default is not None
        op.add_column("invoices", column)
        if filled:
            op.alter_column("invoices", column.name, server_default=None)
    op.create_table(
        "credit_notes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False, comment="the provider's word; words invented later are kept"),
        sa.Column("reason", sa.Text()),
        sa.Column("memo", sa.Text()),
        sa.Column("currency", sa.Text(), nullable=False, comment="lower-case ISO 4217, of every amount"),
        sa.Column("subtotal", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("before_payment", sa.BigInteger(), nullable=False, comment="so much less is due"),
        sa.Column("after_payment", sa.BigInteger(), nullable=False, comment="so much was given back"),
        sa.Column("refunded", sa.BigInteger(), nullable=False, comment="of that, to the card or bank"),
        sa.Column("credited", sa.BigInteger(), nullable=False, comment="of that, to the customer's balance"),
        sa.Column("outside", sa.BigInteger(), nullable=False, comment="of that, not through the provider"),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True)),
        sa.Column("pdf_url", sa.Text()),
        sa.Column("lines", JSONB(), nullable=False),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=False, comment="when the provider was last asked"),
        sa.CheckConstraint("currency ~ '^[a-z]{3}$'", name=op.f("ck_credit_notes_currency_iso")),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("fk_credit_notes_invoice_id_invoices"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_notes")),
        sa.UniqueConstraint("invoice_id", "provider_id", name=op.f("uq_credit_notes_invoice_id_provider_id")),
        comment="Mirror of the provider's credit notes, amounts in minor units",
    )
    op.create_table(
        "invoice_terms",
        sa.Column(
            "account", sa.Text(), nullable=False, comment="test, live and imitation accounts have terms of their own"
        ),
        sa.Column("provider_id", sa.Text(), nullable=False, comment="of a tax rate or a discount"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("percentage", sa.Text(), comment="exact; null for a discount of an amount, or where it is not known"),
        sa.Column("place", sa.Text(), comment="the jurisdiction of a tax"),
        sa.Column("country", sa.Text()),
        sa.Column("code", sa.Text(), comment="the promotion code a customer typed"),
        sa.PrimaryKeyConstraint("account", "provider_id", name=op.f("pk_invoice_terms")),
        comment="What the tax rates and discounts on mirrored invoices are called; neither ever changes its percentage",
    )


def downgrade() -> None:
    op.drop_table("invoice_terms")
    op.drop_table("credit_notes")
    for column in reversed(_new()):
        op.drop_column("invoices", column.name)
