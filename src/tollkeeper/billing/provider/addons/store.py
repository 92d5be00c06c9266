"""Every statement about prices of add-ons at the provider."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from tollkeeper.billing.provider.model import PriceAtProvider
from tollkeeper.billing.provider.tables import PROVIDER_ADDON_PRICES
from tollkeeper.infra import Tx


async def find_price(tx: Tx, account: str, price_id: UUID) -> PriceAtProvider | None:
    """Return where one of our prices stands at the provider; None when it was not pushed or is off sale there."""
    table = PROVIDER_ADDON_PRICES.c
    query = select(table.provider_price).where(table.account == account, table.price_id == price_id, table.active)
    found = (await tx.connection.execute(query)).scalar_one_or_none()
    return None if found is None else PriceAtProvider(found, price_id)


async def pushed_prices(tx: Tx, account: str) -> set[UUID]:
    """Return which of our prices stand at the provider, those off sale included."""
    table = PROVIDER_ADDON_PRICES.c
    found = await tx.connection.execute(select(table.price_id).where(table.account == account))
    return set(found.scalars())


async def our_prices(tx: Tx, account: str, provider_prices: Collection[str]) -> dict[str, UUID]:
    """Return which of our prices these ids of the provider stand for, those off sale too; others are left out."""
    table = PROVIDER_ADDON_PRICES.c
    query = select(table.provider_price, table.price_id).where(table.account == account)
    rows = await tx.connection.execute(query.where(table.provider_price.in_(provider_prices)))
    return {row.provider_price: row.price_id for row in rows}


async def save_price(
    tx: Tx, account: str, price_id: UUID, *, provider_price: str, provider_product: str, active: bool
) -> None:
    """Note where a price stands at the provider now."""
    values = {
        "provider_price": provider_price,
        "provider_product": provider_product,
        "active": active,
        "pushed_at": tx.now,
    }
    statement = insert(PROVIDER_ADDON_PRICES).values(account=account, price_id=price_id, **values)
    await tx.connection.execute(statement.on_conflict_do_update(index_elements=["account", "price_id"], set_=values))
