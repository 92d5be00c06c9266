"""Where our plans and prices stand at the provider."""

from sqlalchemy import Boolean, Column, DateTime, ForeignKey, Index, Table, Text, Uuid

from tollkeeper.infra import metadata

PROVIDER_PRICES = Table(
    "provider_prices",
    metadata,
    Column("account", Text, primary_key=True, comment="test, live and imitation accounts have prices of their own"),
    Column("price_id", Uuid, ForeignKey("prices.id"), primary_key=True),
    Column("provider_price", Text, nullable=False),
    Column("provider_product", Text, nullable=False),
    Column("active", Boolean, nullable=False, comment="as last told to the provider"),
    Column("pushed_at", DateTime(timezone=True), nullable=False),
    Index("uq_provider_prices_provider_price", "account", "provider_price", unique=True),
    comment="Our price ids and the provider's",
)
