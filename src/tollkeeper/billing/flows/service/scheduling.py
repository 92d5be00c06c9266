"""Having a subscription become another when its period ends."""

from tollkeeper.billing.provider import (
    SubscriptionState,
    Target,
    addon_prices_of,
    lock,
    plan_price_of,
    provider_of,
)
from tollkeeper.infra import Tx


async def schedule(tx: Tx, state: SubscriptionState, target: Target, *, idempotency_key: str) -> None:
    """Have the subscription become the target when its period ends, in place of what was to come then.

    The provider is told what there is now along with what is to come, for which prices off sale are on sale a moment.
    Those who leave the same one take turns, lest one takes it off sale while another is being told.
    """
    for each in sorted(await _off_sale(tx, state)):
        await lock(tx, f"on sale {each}")
    await provider_of(tx.runtime).schedule_change(state, target, idempotency_key=idempotency_key)


async def _off_sale(tx: Tx, state: SubscriptionState) -> set[str]:
    """Return the provider's ids of the prices of ours that the subscription has and nobody can buy any more."""
    found = {item.price.provider_id for item, price in await addon_prices_of(tx, state.addons) if not price.active}
    price = await plan_price_of(tx, state.price) if state.price else None
    return found | {state.price.provider_id} if state.price and price and not price.active else found
