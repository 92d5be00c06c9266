"""Where our plans and prices stand at the provider."""

from sqlalchemy import Boolean, Column, DateTime, ForeignKey, Index, Table, Text, Uuid

from tollkeeper.infra import metadata

PROVIDER_COUPONS = Table(
    "provider_coupons",
    metadata,
    Column("account", Text, primary_key=True, comment="test, live and imitation accounts have coupons of their own"),
    Column("coupon_id", Uuid, ForeignKey("coupons.id"), primary_key=True),
    Column("active", Boolean, nullable=False, comment="as last told to the provider"),
    Column("pushed_at", DateTime(timezone=True), nullable=False),
    comment="Which of our coupons stand at the provider, where they have our ids",
)

PROVIDER_CODES = Table(
    "provider_codes",
    metadata,
    Column("account", Text, primary_key=True, comment="test, live and imitation accounts have codes of their own"),
    Column("code_id", Uuid, ForeignKey("promotion_codes.id"), primary_key=True),
    Column("provider_code", Text, nullable=False),
    Column("active", Boolean, nullable=False, comment="as last told to the provider"),
    Column("pushed_at", DateTime(timezone=True), nullable=False),
    comment="Our promotion codes' ids and the provider's",
)

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

PROVIDER_ADDON_PRICES = Table(
    "provider_addon_prices",
    metadata,
    Column("account", Text, primary_key=True, comment="test, live and imitation accounts have prices of their own"),
    Column("price_id", Uuid, ForeignKey("addon_prices.id"), primary_key=True),
    Column("provider_price", Text, nullable=False),
    Column("provider_product", Text, nullable=False),
    Column("active", Boolean, nullable=False, comment="as last told to the provider"),
    Column("pushed_at", DateTime(timezone=True), nullable=False),
    Index("uq_provider_addon_prices_provider_price", "account", "provider_price", unique=True),
    comment="Our price ids of add-ons and the provider's",
)
