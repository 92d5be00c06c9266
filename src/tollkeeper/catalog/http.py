"""The public list of plans."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from tollkeeper.infra import TxDep
from tollkeeper.metering import THRESHOLDS
from tollkeeper.rating import PriceVersion, charge_in_words

from . import service
from .charges import ChargeSpec, charge_to_spec
from .model import Addon, AddonPrice, Entitlement, EntitlementPeriod, FeatureKind, Plan, Price

router = APIRouter(prefix="/plans", tags=["plans"])


class PriceOut(BaseModel):
    """A price on sale; `amount` is in minor units of `currency`."""

    id: UUID
    interval: str
    amount: int
    currency: str

    @classmethod
    def of(cls, price: Price | AddonPrice) -> Self:
        """Show a price."""
        money = price.money
        return cls(id=price.id, interval=price.interval.value, amount=money.amount, currency=money.currency)


class OverageOut(BaseModel):
    """What usage beyond the limit costs in one currency: as data (amounts in minor units, as strings) and in words."""

    id: UUID
    currency: str
    charge: ChargeSpec
    text: str

    @classmethod
    def of(cls, version: PriceVersion) -> Self:
        """Show a version."""
        words = charge_in_words(version.charge, version.currency)
        charge = charge_to_spec(version.charge)
        return cls(id=version.id, currency=version.currency, charge=charge, text=words)


def _seconds(window: timedelta | None) -> int | None:
    return None if window is None else window // timedelta(seconds=1)


class EntitlementOut(BaseModel):
    """What the plan allows of a feature: `limit` for metered ones (null: unlimited), `value` for the others.

    `overage` is what usage beyond a soft limit costs, one a currency; empty: nothing. `window_seconds` is how far a
    rolling period looks back; `grace` how far beyond a hard limit still passes; `rollover` the most unused that is
    carried into the next period; `per_member` how much each member may use. Null: there is none.
    """

    feature: str
    name: str
    kind: FeatureKind
    unit: str
    limit: int | None
    value: bool | int | str | None
    hard: bool
    period: EntitlementPeriod
    window_seconds: int | None
    grace: int
    thresholds: list[int]
    rollover: int | None
    per_member: int | None
    overage: list[OverageOut]

    @classmethod
    def of(cls, entitlement: Entitlement) -> Self:
        """Show an entitlement."""
        feature = entitlement.feature
        return cls(
            feature=feature.key,
            name=feature.name,
            kind=feature.kind,
            unit=feature.unit,
            limit=entitlement.limit,
            value=entitlement.value,
            hard=entitlement.hard,
            period=entitlement.period,
            window_seconds=_seconds(entitlement.window),
            grace=entitlement.grace,
            thresholds=list(THRESHOLDS if entitlement.thresholds is None else entitlement.thresholds),
            rollover=entitlement.rollover,
            per_member=entitlement.per_member,
            overage=[OverageOut.of(each) for each in entitlement.overage],
        )


class TrialOut(BaseModel):
    """So many days for nothing, once an organization; `needs_card` False: it may begin without a card."""

    days: int
    needs_card: bool


class AddonGrantOut(BaseModel):
    """What one unit of an add-on gives of a feature: `amount` more of a metered one; null: a switch is on."""

    feature: str
    name: str
    unit: str
    amount: int | None


class AddonOut(BaseModel):
    """Something that can be bought beside the plan, `max_quantity` units at most; prices are of one unit."""

    key: str
    name: str
    description: str
    prices: list[PriceOut]
    entitlements: list[AddonGrantOut]
    max_quantity: int

    @classmethod
    def of(cls, addon: Addon) -> Self:
        """Show an add-on."""
        return cls(
            key=addon.key,
            name=addon.name,
            description=addon.description,
            prices=[PriceOut.of(price) for price in addon.prices],
            entitlements=[
                AddonGrantOut(feature=e.feature.key, name=e.feature.name, unit=e.feature.unit, amount=e.amount)
                for e in addon.grants
            ],
            max_quantity=addon.max_quantity,
        )


class PlanOut(BaseModel):
    """A plan anybody can see. `rates` is requests a minute by route group; null means by contract.

    `concurrency` is how much long work of each kind runs at once; null: not limited.
    `trial` is what a new customer gets for nothing; null: nothing. `addons` can be bought beside it.
    """

    key: str
    name: str
    description: str
    is_default: bool
    prices: list[PriceOut]
    entitlements: list[EntitlementOut]
    rates: dict[str, int | None]
    concurrency: dict[str, int | None]
    trial: TrialOut | None
    addons: list[AddonOut]

    @classmethod
    def of(cls, plan: Plan, addons: Iterable[Addon]) -> Self:
        """Show a plan, with the add-ons that can be bought beside it."""
        return cls(
            key=plan.key,
            name=plan.name,
            description=plan.description,
            is_default=plan.is_default,
            prices=[PriceOut.of(price) for price in plan.prices],
            entitlements=[EntitlementOut.of(each) for each in plan.entitlements],
            rates=dict(plan.rates),
            concurrency=dict(plan.concurrency),
            trial=TrialOut.model_validate(plan.trial, from_attributes=True) if plan.trial else None,
            addons=[AddonOut.of(each) for each in addons],
        )


class PlansOut(BaseModel):
    """Every public plan on sale, in the operator's order; the list always fits one page."""

    data: list[PlanOut]
    next_cursor: None = None


@router.get("")
async def get_plans(tx: TxDep) -> PlansOut:
    """List the public plans with their prices, limits, request rates and add-ons. Needs no login."""
    catalogue = await service.load_catalogue(tx)
    return PlansOut(data=[PlanOut.of(plan, catalogue.beside(plan.key)) for plan in catalogue.on_sale()])
