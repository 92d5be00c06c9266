"""Every statement about plans and prices at the provider."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from tollkeeper.infra import Tx

from .model import PriceAtProvider
from .tables import PROVIDER_CODES, PROVIDER_COUPONS, PROVIDER_PRICES

_LOCK = "select pg_advisory_xact_lock(hashtext('tollkeeper.billing'), hashtext(:name))"
# Held by the connection, until it lets go or is lost.
_HOLD = "select pg_advisory_lock(hashtext('tollkeeper.billing'), hashtext(:name))"
_LET_GO = "select pg_advisory_unlock(hashtext('tollkeeper.billing'), hashtext(:name))"


async def lock(tx: Tx, name: str) -> None:
    """Let work of this name run one at a time, in all processes, until the transaction ends."""
    await tx.connection.execute(text(_LOCK), {"name": name})


async def hold(tx: Tx, name: str) -> None:
    """As `lock`, until `let_go` on the same connection, or its end."""
    await tx.connection.execute(text(_HOLD), {"name": name})


async def let_go(tx: Tx, name: str) -> None:
    """End what `hold` began."""
    await tx.connection.execute(text(_LET_GO), {"name": name})


async def find_price(tx: Tx, account: str, price_id: UUID) -> PriceAtProvider | None:
    """Return where one of our prices stands at the provider; None when it was not pushed or is off sale there."""
    table = PROVIDER_PRICES.c
    query = select(table.provider_price).where(table.account == account, table.price_id == price_id, table.active)
    found = (await tx.connection.execute(query)).scalar_one_or_none()
    return None if found is None else PriceAtProvider(found, price_id)


async def pushed_prices(tx: Tx, account: str) -> set[UUID]:
    """Return which of our prices stand at the provider, those off sale included."""
    found = await tx.connection.execute(select(PROVIDER_PRICES.c.price_id).where(PROVIDER_PRICES.c.account == account))
    return set(found.scalars())


async def our_prices(tx: Tx, account: str, provider_prices: Collection[str]) -> dict[str, UUID]:
    """Return which of our prices the provider's ids stand for, those off sale too; what is none of ours is left out."""
    table = PROVIDER_PRICES.c
    query = select(table.provider_price, table.price_id).where(
        table.account == account, table.provider_price.in_(provider_prices)
    )
    return {row.provider_price: row.price_id for row in await tx.connection.execute(query)}


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
    statement = insert(PROVIDER_PRICES).values(account=account, price_id=price_id, **values)
    await tx.connection.execute(statement.on_conflict_do_update(index_elements=["account", "price_id"], set_=values))


async def pushed_coupons(tx: Tx, account: str) -> set[UUID]:
    """Return which of our coupons can be redeemed at the provider."""
    table = PROVIDER_COUPONS.c
    found = await tx.connection.execute(select(table.coupon_id).where(table.account == account, table.active))
    return set(found.scalars())


async def save_coupon(tx: Tx, account: str, coupon_id: UUID, *, active: bool) -> None:
    """Note whether a coupon can be redeemed at the provider."""
    values = {"active": active, "pushed_at": tx.now}
    statement = insert(PROVIDER_COUPONS).values(account=account, coupon_id=coupon_id, **values)
    await tx.connection.execute(statement.on_conflict_do_update(index_elements=["account", "coupon_id"], set_=values))


async def pushed_codes(tx: Tx, account: str) -> dict[UUID, str]:
    """Return which of our codes can be redeemed at the provider, with its ids."""
    table = PROVIDER_CODES.c
    query = select(table.code_id, table.provider_code).where(table.account == account, table.active)
    return {row.code_id: row.provider_code for row in await tx.connection.execute(query)}


async def our_codes(tx: Tx, account: str, provider_codes: Collection[str]) -> dict[str, UUID]:
    """Return which of our codes the provider's ids stand for, those nobody can redeem too; others are left out."""
    table = PROVIDER_CODES.c
    query = select(table.provider_code, table.code_id).where(
        table.account == account, table.provider_code.in_(provider_codes)
    )
    return {row.provider_code: row.code_id for row in await tx.connection.execute(query)}


async def save_code(tx: Tx, account: str, code_id: UUID, provider_code: str, *, active: bool) -> None:
    """Note where a promotion code stands at the provider now."""
    values = {"provider_code": provider_code, "active": active, "pushed_at": tx.now}
    statement = insert(PROVIDER_CODES).values(account=account, code_id=code_id, **values)
    await tx.connection.execute(statement.on_conflict_do_update(index_elements=["account", "code_id"], set_=values))
