"""Tables of customers."""

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Index, Table, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from tollkeeper.infra import metadata

CUSTOMERS = Table(
    "billing_customers",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization_id", Uuid, ForeignKey("organizations.id"), nullable=False),
    Column("account", Text, nullable=False, comment="test, live and imitation accounts have customers of their own"),
    Column("provider_id", Text, nullable=False),
    Column("email", Text),
    Column("balance", BigInteger, nullable=False, comment="minor units; negative is credit"),
    Column("currency", Text, comment="null before the first invoice"),
    Column("payment_method", JSONB(none_as_null=True), comment="kind, brand and last digits; never more"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("synced_at", DateTime(timezone=True), nullable=False, comment="when the provider was last asked"),
    Column("deleted_at", DateTime(timezone=True), comment="since when the provider does not know it any more"),
    UniqueConstraint("account", "provider_id"),
    Index(None, "organization_id"),
    Index(
        "uq_billing_customers_live",
        "account",
        "organization_id",
        unique=True,
        postgresql_where=text("deleted_at is null"),
    ),
    comment="Organizations at the payment provider: one customer each",
)
