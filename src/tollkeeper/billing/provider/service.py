"""Keeping the provider's products and prices equal to our catalogue."""

from collections.abc import Collection, Iterable
from uuid import UUID

from tollkeeper.catalog import Addon, AddonPrice, Plan, Price, PromotionCode, list_prices, load_catalogue
from tollkeeper.infra import Runtime, Tx

from . import store
from .addons import addon_price_at_provider, addon_prices, push_addons
from .model import ItemState, PaymentProvider, PlanOffer, PriceAtProvider, PriceOffer, ProviderUnavailableError
from .offers import push_code, push_offers


def provider_of(runtime: Runtime) -> PaymentProvider:
    """Return the provider this process collects money with.

    Raises:
        ProviderUnavailableError: none is set up.
    """
    found: PaymentProvider | None = runtime.parts.get(PaymentProvider)
    if found is None:
        raise ProviderUnavailableError("No payment provider is set up.")
    return found


def account_of(runtime: Runtime) -> str:
    """Return under which account things are noted; `none` where no provider is set up, so that nothing is found."""
    found: PaymentProvider | None = runtime.parts.get(PaymentProvider)
    return found.account if found else "none"


async def push_catalogue(tx: Tx) -> int:
    """Create or equalise every plan and price at the provider, take withdrawn ones off sale; returns how many prices.

    A second time changes nothing there. A crash in between is mended by the next time: both sides find what was made.
    """
    await store.lock(tx, "catalogue")
    known = await store.pushed_prices(tx, account_of(tx.runtime))
    plans = (await load_catalogue(tx)).plans
    prices = [price for price in await list_prices(tx) if price.active or price.id in known]
    products = {
        key: await provider_of(tx.runtime).save_plan(_offer(plans[key])) for key in {price.plan for price in prices}
    }
    for price in prices:
        await _push(tx, price, products[price.plan])
    pushed = len(prices) + await push_addons(tx, provider_of(tx.runtime))
    await push_offers(tx, provider_of(tx.runtime), products)
    return pushed


async def code_at_provider(tx: Tx, code: PromotionCode) -> str:
    """Return the provider's id of a promotion code, pushing it first when it does not stand there yet."""
    await store.lock(tx, "catalogue")
    provider = provider_of(tx.runtime)
    known = (await store.pushed_codes(tx, provider.account)).get(code.id)
    if known is not None:
        return known
    plans = (await load_catalogue(tx)).plans
    products = {key: await provider.save_plan(_offer(plans[key])) for key in code.coupon.terms.plans}
    return await push_code(tx, provider, code, products)


async def codes_of(tx: Tx, at_provider: Collection[str]) -> dict[str, UUID]:
    """Return which of our promotion codes these are, by the provider's ids; those of others are left out."""
    return await store.our_codes(tx, account_of(tx.runtime), at_provider) if at_provider else {}


async def price_at_provider(tx: Tx, plan: Plan, price: Price) -> PriceAtProvider:
    """Return where a price on sale stands at the provider, pushing it first when it does not stand there yet."""
    known = await store.find_price(tx, account_of(tx.runtime), price.id)
    return known or await push_price(tx, plan, price)


async def push_price(tx: Tx, plan: Plan, price: Price) -> PriceAtProvider:
    """Push one price (anew, when the provider says it does not know it)."""
    await store.lock(tx, "catalogue")
    return await _push(tx, price, await provider_of(tx.runtime).save_plan(_offer(plan)))


async def plan_price_of(tx: Tx, at_provider: PriceAtProvider) -> Price | None:
    """Return which of our prices a subscription was sold at; None when it was made without us."""
    return (await plan_prices_of(tx, [at_provider])).get(at_provider.provider_id)


async def plan_prices_of(tx: Tx, at_provider: Collection[PriceAtProvider]) -> dict[str, Price]:
    """Return which of our prices these are, by the provider's ids; those of others are left out."""
    known = await store.our_prices(tx, account_of(tx.runtime), {each.provider_id for each in at_provider})
    prices = {price.id: price for price in await list_prices(tx)}
    named = {each.provider_id: known.get(each.provider_id) or each.price_id for each in at_provider}
    return {ident: prices[ours] for ident, ours in named.items() if ours in prices}


async def addon_at_provider(tx: Tx, addon: Addon, price: AddonPrice) -> PriceAtProvider:
    """Return where an add-on's price on sale stands at the provider, pushing it first when it does not yet."""
    return await addon_price_at_provider(tx, provider_of(tx.runtime), addon, price)


async def addon_prices_of(tx: Tx, items: Iterable[ItemState]) -> list[tuple[ItemState, AddonPrice]]:
    """Return those items that are add-ons of ours, each with the price it was sold at."""
    return await addon_prices(tx, account_of(tx.runtime), list(items))


async def _push(tx: Tx, price: Price, product: str) -> PriceAtProvider:
    provider = provider_of(tx.runtime)
    offer = PriceOffer(price.id, price.plan, price.interval, price.money, price.active)
    provider_price = await provider.save_price(offer, product)
    await store.save_price(
        tx,
        account_of(tx.runtime),
        price.id,
        provider_price=provider_price,
        provider_product=product,
        active=price.active,
    )
    return PriceAtProvider(provider_price, price.id)


def _offer(plan: Plan) -> PlanOffer:
    return PlanOffer(plan.key, plan.name, plan.description, active=plan.archived_at is None)
