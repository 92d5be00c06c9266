"""What the billing pages show of add-ons. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tollkeeper.billing import AddonOffer
from tollkeeper.catalog import Grant
from tollkeeper.web.ui import amount, inline


@dataclass(frozen=True, slots=True)
class AddonRow:
    """One add-on beside the plan. `most` is how many can be chosen; `later` how many there are once all is done.

    `price` is of one unit, empty when no more can be bought; `note` says what is to come at `until`, empty: nothing.
    """

    key: str
    name: str
    gives: str
    price: str
    units: int
    later: int
    most: int
    note: str
    until: datetime | None

    @property
    def is_switch(self) -> bool:
        """Whether one unit is all there is, so that a button says more than a number."""
        return self.most == 1 and self.units <= 1


def addon_rows(offers: Iterable[AddonOffer]) -> list[AddonRow]:
    """Return the add-ons as they are listed."""
    return [_row(each) for each in offers]


def _row(offer: AddonOffer) -> AddonRow:
    later = offer.quantity if offer.pending_quantity is None else offer.pending_quantity
    note = ""
    if offer.pending_quantity is not None:
        note = f"{later:,} from" if later else "Ends"
    return AddonRow(
        key=offer.addon.key,
        name=offer.addon.name,
        gives=", ".join(_gives(each) for each in offer.addon.grants),
        price=f"{amount(offer.price.money)} a {offer.price.interval.value}" if offer.price else "",
        units=offer.quantity,
        later=later,
        most=max(offer.addon.max_quantity if offer.price else 0, offer.quantity),
        note=note,
        until=offer.pending_at,
    )


def _gives(grant: Grant) -> str:
    name = inline(grant.feature.name)
    return f"{grant.amount:,} more {name}" if grant.amount is not None else grant.feature.name
