"""Keeping the provider's products and prices of add-ons equal to our catalogue."""

from collections.abc import Sequence

from tollkeeper.billing.provider.model import ItemState, PaymentProvider, PlanOffer, PriceAtProvider, PriceOffer, SoldAs
from tollkeeper.catalog import Addon, AddonPrice, list_addon_prices, load_catalogue
from tollkeeper.infra import Tx

from . import store


async def push_addons(tx: Tx, provider: PaymentProvider) -> int:
    """Create or equalise every add-on and price at the provider, take withdrawn ones off sale; returns how many prices.

    Callers hold the catalogue's lock.
    """
    known = await store.pushed_prices(tx, provider.account)
    addons = (await load_catalogue(tx)).addons
    prices = [price for price in await list_addon_prices(tx) if price.active or price.id in known]
    products = {key: await provider.save_plan(_offer(addons[key])) for key in {price.addon for price in prices}}
    for price in prices:
        await _push(tx, provider, price, products[price.addon])
    return len(prices)


async def addon_price_at_provider(
    tx: Tx, provider: PaymentProvider, addon: Addon, price: AddonPrice
) -> PriceAtProvider:
    """Return where a price on sale stands at the provider, pushing it first when it does not stand there yet."""
    known = await store.find_price(tx, provider.account, price.id)
    return known or await _push(tx, provider, price, await provider.save_plan(_offer(addon)))


async def addon_prices(tx: Tx, account: str, items: Sequence[ItemState]) -> list[tuple[ItemState, AddonPrice]]:
    """Return those items that are add-ons of ours, each with the price it was sold at."""
    if not items:
        return []
    known = await store.our_prices(tx, account, {each.price.provider_id for each in items})
    prices = {price.id: price for price in await list_addon_prices(tx)}
    named = [(each, known.get(each.price.provider_id) or each.price.price_id) for each in items]
    return [(item, prices[ours]) for item, ours in named if ours in prices]


async def _push(tx: Tx, provider: PaymentProvider, price: AddonPrice, product: str) -> PriceAtProvider:
    offer = PriceOffer(price.id, price.addon, price.interval, price.money, price.active, SoldAs.ADDON)
    provider_price = await provider.save_price(offer, product)
    await store.save_price(
        tx,
        provider.account,
        price.id,
        provider_price=provider_price,
        provider_product=product,
        active=price.active,
    )
    return PriceAtProvider(provider_price, price.id)


def _offer(addon: Addon) -> PlanOffer:
    active = addon.archived_at is None
    return PlanOffer(addon.key, addon.name, addon.description, active=active, kind=SoldAs.ADDON)
