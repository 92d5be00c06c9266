"""Tables of invoices."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from tollkeeper.infra import metadata

INVOICES = Table(
    "invoices",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, ForeignKey("billing_customers.id"), nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("subscription", Text, comment="the subscription's id at the provider"),
    Column("number", Text, comment="null while it is a draft"),
    Column("status", Text, nullable=False, comment="the provider's word; words invented later are kept"),
    Column("reason", Text),
    Column("currency", Text, nullable=False, comment="lower-case ISO 4217, of every amount"),
    Column("subtotal", BigInteger, nullable=False),
    Column("tax", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("amount_due", BigInteger, nullable=False),
    Column("amount_paid", BigInteger, nullable=False),
    Column("amount_remaining", BigInteger, nullable=False),
    Column("attempt_count", Integer, nullable=False),
    Column("issued_at", DateTime(timezone=True), nullable=False),
    Column("period_start", DateTime(timezone=True)),
    Column("period_end", DateTime(timezone=True)),
    Column("due_at", DateTime(timezone=True)),
    Column("paid_at", DateTime(timezone=True)),
    Column("next_attempt_at", DateTime(timezone=True)),
    Column("page_url", Text),
    Column("pdf_url", Text),
    Column("lines", JSONB, nullable=False, comment="each line with its amount, period and price at the provider"),
    Column("synced_at", DateTime(timezone=True), nullable=False, comment="when the provider was last asked"),
    UniqueConstraint("customer_id", "provider_id"),
    CheckConstraint("currency ~ '^[a-z]{3}$'", name="currency_iso"),
    Index(None, "customer_id", "issued_at", "id"),
    comment="Mirror of the provider's invoices, amounts in minor units",
)
