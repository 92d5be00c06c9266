"""What the addresses of add-ons take and answer."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from tollkeeper.billing.flows.model import AddonChange, AddonOffer

from .amounts import MoneyOut

MAX_QUANTITY = 10_000
AddonKey = Annotated[str, Field(min_length=1, max_length=63)]


class AddonIn(BaseModel):
    """So many units of an add-on, bought together with a plan."""

    model_config = ConfigDict(extra="forbid")

    addon: AddonKey
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY, strict=True)] = 1


class AddonChangeIn(BaseModel):
    """How many units of an add-on there are to be; 0 takes it away.

    `as_of`: that of a preview at most an hour old, so that the change costs exactly what it said. `customer`: for
    operators, the organization, by id or external id.
    """

    model_config = ConfigDict(extra="forbid")

    addon: AddonKey
    quantity: Annotated[int, Field(ge=0, le=MAX_QUANTITY, strict=True)]
    as_of: AwareDatetime | None = None
    customer: Annotated[str, Field(min_length=1, max_length=200)] | None = None

    def change(self) -> AddonChange:
        """Return the change asked for."""
        return AddonChange(self.addon, self.quantity, self.as_of)


class GrantOut(BaseModel):
    """What one unit gives of a feature: `amount` more of a metered one; null: a switch is on."""

    feature: str
    name: str
    unit: str
    amount: int | None


class HeldAddonOut(BaseModel):
    """An add-on that the organization has or can have.

    `price` is of one unit an `interval`; null when no more of it can be bought. `pending_quantity` is how many there
    are from `pending_at` on; both are null when nothing is to change.
    """

    addon: str
    name: str
    description: str
    entitlements: list[GrantOut]
    price: MoneyOut | None
    interval: str | None
    max_quantity: int
    quantity: int
    pending_quantity: int | None
    pending_at: datetime | None

    @classmethod
    def of(cls, found: AddonOffer) -> Self:
        """Show an add-on."""
        addon = found.addon
        return cls(
            addon=addon.key,
            name=addon.name,
            description=addon.description,
            entitlements=[
                GrantOut(feature=each.feature.key, name=each.feature.name, unit=each.feature.unit, amount=each.amount)
                for each in addon.grants
            ],
            price=MoneyOut.of(found.price.money) if found.price else None,
            interval=found.price.interval.value if found.price else None,
            max_quantity=addon.max_quantity,
            quantity=found.quantity,
            pending_quantity=found.pending_quantity,
            pending_at=found.pending_at,
        )


class HeldAddonsOut(BaseModel):
    """What the organization has beside its plan and what it could have; the list always fits one page."""

    data: list[HeldAddonOut]
    next_cursor: None = None

    @classmethod
    def of(cls, found: Iterable[AddonOffer]) -> Self:
        """Show the add-ons."""
        return cls(data=[HeldAddonOut.of(each) for each in found])
