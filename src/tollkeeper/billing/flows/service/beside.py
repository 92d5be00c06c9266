"""What a subscription has beside its plan, and what of it goes along when plan, interval or a number changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tollkeeper.billing.flows.model import AddonNotAvailableError
from tollkeeper.billing.provider import (
    ItemState,
    SubscriptionState,
    Target,
    addon_at_provider,
    addon_prices_of,
    plan_price_of,
)
from tollkeeper.catalog import Addon, AddonPrice, Plan, Price, find_addon, load_catalogue
from tollkeeper.infra import Tx
from tollkeeper.kit import FieldProblem, InvalidInputError


@dataclass(frozen=True, slots=True)
class Held:
    """An add-on that a subscription has: `units` now and `later` after the change to come, in `items`, at `price`.

    More than one item there is only when somebody made it so at the provider; the next change makes it one.
    """

    addon: Addon
    price: AddonPrice
    items: tuple[ItemState, ...]
    units: int
    later: int


@dataclass(frozen=True, slots=True)
class Beside:
    """Everything beside the plan, at `price` (None: none of ours): add-ons by key, and items that are none of ours."""

    price: Price | None
    addons: Mapping[str, Held]
    others: tuple[ItemState, ...]

    @property
    def on_sale(self) -> bool:
        """Whether all of it is at prices on sale; the provider takes no others for what is to come."""
        own = self.price is not None and self.price.active
        return own and not self.others and all(each.price.active for each in self.addons.values())

    def now(self) -> dict[str, int]:
        """Return how many units of which add-on there are now."""
        return {key: each.units for key, each in self.addons.items()}

    def later(self) -> dict[str, int]:
        """Return how many units of which add-on there are after the change to come."""
        return {key: each.later for key, each in self.addons.items()}


async def look_beside(tx: Tx, state: SubscriptionState) -> Beside:
    """Return what a subscription has beside its plan."""
    catalogue = await load_catalogue(tx)
    known = await addon_prices_of(tx, state.addons)
    coming = await addon_prices_of(tx, state.pending.addons if state.pending else ())
    held: dict[str, Held] = {}
    for key in dict.fromkeys(price.addon for _, price in [*known, *coming]):
        mine = [(item, price) for item, price in known if price.addon == key]
        to_come = [(item, price) for item, price in coming if price.addon == key]
        units = sum(item.quantity for item, _ in mine)
        later = sum(item.quantity for item, _ in to_come) if state.pending else units
        price = (mine or to_come)[0][1]
        held[key] = Held(catalogue.addons[key], price, tuple(item for item, _ in mine), units, later)
    ours = {item.id for item, _ in known}
    plan = await plan_price_of(tx, state.price) if state.price else None
    return Beside(plan, held, tuple(item for item in state.addons if item.id not in ours))


async def carried(
    tx: Tx, beside: Beside, plan: Plan, price: Price, units: Mapping[str, int], *, anew: Addon | None = None
) -> tuple[ItemState, ...]:
    """Return the items beside a plan at a price of it, so many units of each add-on, and what is none of ours.

    An add-on goes by the plan's interval, at the price it was bought at where that fits, else at the one on sale.
    One that does not go with another plan, or cannot be had by its interval, is dropped. Units of `anew` are bought
    at the price on sale.
    """
    stays = beside.price is not None and beside.price.plan == plan.key
    items: list[ItemState] = list(beside.others)
    wanted = {key: each.addon for key, each in beside.addons.items()} | ({anew.key: anew} if anew else {})
    for key, addon in wanted.items():
        held = beside.addons.get(key)
        count = units.get(key, 0) if stays or plan.key in addon.plans else 0
        kept = held.price if held and _fits(held.price, price) and addon != anew else None
        sold = kept or addon.price(price.interval, price.money.currency)
        standing = held.items if held else ()
        if count and sold is not None:
            at = standing[0].price if standing and sold == kept else await addon_at_provider(tx, addon, sold)
            items.append(ItemState(standing[0].id if standing else None, at, count))
            standing = standing[1:]
        items.extend(ItemState(each.id, each.price, 0) for each in standing)
    return tuple(items)


async def addons_to_buy(tx: Tx, plan: Plan, price: Price, units: Mapping[str, int]) -> tuple[ItemState, ...]:
    """Return the items to buy together with a plan, at its interval and currency.

    Raises:
        AddonNotFoundError, AddonNotAvailableError, InvalidInputError: one of them cannot be bought with it.
    """
    catalogue = await load_catalogue(tx)
    items = []
    for key, count in units.items():
        addon = find_addon(catalogue, key)
        sold = sold_beside(addon, plan, price, count)
        items.append(ItemState(None, await addon_at_provider(tx, addon, sold), count))
    return tuple(items)


def sold_beside(addon: Addon, plan: Plan, price: Price, quantity: int) -> AddonPrice:
    """Return what units of an add-on cost beside a plan at a price of it.

    Raises:
        AddonNotAvailableError, InvalidInputError: it cannot be bought.
    """
    if quantity > addon.max_quantity:
        raise InvalidInputError([FieldProblem("quantity", f"at most {addon.max_quantity} of {addon.key} can be had")])
    if addon.archived_at is not None:
        raise AddonNotAvailableError(f"{addon.name} is not sold any more.")
    if plan.key not in addon.plans:
        raise AddonNotAvailableError(f"{addon.name} does not go with {plan.name}.")
    sold = addon.price(price.interval, price.money.currency)
    if sold is None:
        raise AddonNotAvailableError(f"{addon.name} has no price per {price.interval} in {price.money.currency}.")
    return sold


def changes_nothing(state: SubscriptionState, target: Target) -> bool:
    """Whether a subscription is the target already."""
    return is_same_plan(state, target) and _counted(state.addons) == _counted(target.addons)


def is_same_plan(state: SubscriptionState, target: Target) -> bool:
    """Whether a subscription has the target's plan, interval and seats already."""
    price = state.price.provider_id if state.price else None
    return (price, state.quantity) == (target.price.provider_id, target.quantity)


def _counted(items: Sequence[ItemState]) -> dict[str, int]:
    return {each.price.provider_id: each.quantity for each in items if each.quantity}


def _fits(held: AddonPrice, price: Price) -> bool:
    return (held.interval, held.money.currency) == (price.interval, price.money.currency)
