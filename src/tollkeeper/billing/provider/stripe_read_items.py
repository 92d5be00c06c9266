"""The items of Stripe's subscriptions read into our words: which is the plan's, and what is beside it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from tollkeeper.kit import parse_id

from .model import ItemState, PriceAtProvider, SoldAs
from .stripe_read_parts import NOTHING, Json, ident, mapping

PRICE = "tollkeeper_price"
ADDON_PRICE = "tollkeeper_addon_price"
OURS: Mapping[SoldAs, str] = MappingProxyType({SoldAs.PLAN: PRICE, SoldAs.ADDON: ADDON_PRICE})
"""Under which name our id is written on a price."""


def plan_item(items: Sequence[Any]) -> tuple[Json, list[Json]]:
    """Return the plan's item, and the others in their order.

    The plan's is the first at a price we wrote a plan's id on; else the first that we did not write an add-on's on.
    """
    wrote = [mapping(mapping(mapping(each).get("price")).get("metadata")) for each in items]
    plans = [place for place, metadata in enumerate(wrote) if metadata.get(PRICE)]
    unmarked = [place for place, metadata in enumerate(wrote) if not metadata.get(ADDON_PRICE)]
    chosen = next(iter([*plans, *unmarked]), 0)
    others = [mapping(each) for place, each in enumerate(items) if place != chosen]
    return mapping(items[chosen]) if items else NOTHING, others


def addon_item(item: Json) -> ItemState:
    """Read an item beside the plan's; one that is only to come has no id."""
    price, quantity = item.get("price"), item.get("quantity")
    known = parse_id(str(mapping(mapping(price).get("metadata")).get(ADDON_PRICE, "")))
    return ItemState(
        id=ident(item.get("id")),
        price=PriceAtProvider(ident(price) or "", known),
        quantity=quantity if isinstance(quantity, int) else 1,
    )


def price(body: Any) -> PriceAtProvider | None:
    """Read a plan's price; None when it was not expanded."""
    if not isinstance(body, Mapping):
        return None
    return PriceAtProvider(body["id"], parse_id(str(mapping(body.get("metadata")).get(PRICE, ""))))
