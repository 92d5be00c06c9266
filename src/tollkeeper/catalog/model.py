"""What is for sale: features, plans, prices, and what each plan allows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from tollkeeper.infra import Event
from tollkeeper.kit import InvalidInputError, Money, NotFoundError, UnavailableError
from tollkeeper.rating import Interval, PriceVersion

from .offers import Coupon, PromotionCode, Trial


class FeatureKind(StrEnum):
    """What an entitlement to a feature says: on or off, a value, or how much of something counted."""

    SWITCH = "switch"
    SETTING = "setting"
    METERED = "metered"


class EntitlementPeriod(StrEnum):
    """When the count of a metered feature starts again at zero.

    `billing`: with the organization's billing period; `calendar_day`, `_week`, `_month`, `_year`: at midnight UTC, on
    Monday, on the first of the month, on 1 January; `never`: the limit is for a lifetime; `rolling`: never at once,
    since each use is forgotten a window's length after it happened.
    """

    BILLING = "billing"
    CALENDAR_DAY = "calendar_day"
    CALENDAR_WEEK = "calendar_week"
    CALENDAR_MONTH = "calendar_month"
    CALENDAR_YEAR = "calendar_year"
    NEVER = "never"
    ROLLING = "rolling"


CALENDAR = {
    EntitlementPeriod.CALENDAR_DAY: Interval.DAY,
    EntitlementPeriod.CALENDAR_WEEK: Interval.WEEK,
    EntitlementPeriod.CALENDAR_MONTH: Interval.MONTH,
    EntitlementPeriod.CALENDAR_YEAR: Interval.YEAR,
}
"""How long the periods of the calendar last, all of them counted from one anchor."""
CALENDAR_ANCHOR = datetime(2001, 1, 1, tzinfo=UTC)
"""A Monday that is the first of a month and of a year."""


@dataclass(frozen=True, slots=True)
class Feature:
    """Something a plan can be about. `unit` (`prompt`, `minute`) is empty for switches; the meter has the same key."""

    key: str
    name: str
    kind: FeatureKind
    unit: str = ""
    description: str = ""
    archived_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What one plan allows of one feature.

    Metered: `limit` >= 0 a period, None for unlimited; a hard limit refuses what would pass it, a soft one informs.
    Switch: `value` is a bool. Setting: `value` is a number or text. `overage` is what usage beyond a soft limit costs,
    one version a currency in the order of their names; empty: nothing. `window` is how far a rolling period looks back,
    None for others; `grace` how far beyond a hard limit still passes; `thresholds` at which percentages somebody is
    told, None for the usual ones; `rollover` the most unused that is carried into the next period, None for nothing;
    `per_member` how much each member may use a period, None for as much as all together.
    """

    feature: Feature
    limit: int | None = None
    value: bool | int | str | None = None
    hard: bool = True
    period: EntitlementPeriod = EntitlementPeriod.BILLING
    overage: tuple[PriceVersion, ...] = ()
    window: timedelta | None = None
    grace: int = 0
    thresholds: tuple[int, ...] | None = None
    rollover: int | None = None
    per_member: int | None = None

    def overage_in(self, currency: str) -> PriceVersion | None:
        """Return what usage beyond the limit costs in a currency; None when nothing."""
        return next((each for each in self.overage if each.currency == currency), None)


@dataclass(frozen=True, slots=True)
class Price:
    """What a plan costs per interval in one currency. Never changes but for being withdrawn from sale (`active`)."""

    id: UUID
    plan: str
    interval: Interval
    money: Money
    active: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A sellable tier.

    `prices` holds those on sale; `archived_at` set means that nobody can buy it any more while those who have it
    keep it. `rates` is requests a minute by route group (`api`, `chat`); None means agreed by contract, not limited.
    `concurrency` is how much long work of each kind it allows at once; None: not limited.
    `trial` is what a new customer gets for nothing; None: nothing.
    """

    key: str
    name: str
    description: str
    position: int
    is_default: bool
    is_public: bool
    prices: tuple[Price, ...]
    entitlements: tuple[Entitlement, ...]
    rates: Mapping[str, int | None]
    archived_at: datetime | None = None
    trial: Trial | None = None
    concurrency: Mapping[str, int | None] = field(default_factory=dict)

    def price(self, interval: Interval, currency: str | None = None) -> Price | None:
        """Return the price on sale for this interval (in this currency; None: the first listed)."""
        wanted = (p for p in self.prices if p.interval is interval and currency in {None, p.money.currency})
        return next(wanted, None)

    def entitlement(self, feature: str) -> Entitlement | None:
        """Return what the plan allows of a feature; None when the plan does not have it."""
        return next((each for each in self.entitlements if each.feature.key == feature), None)


@dataclass(frozen=True, slots=True)
class AddonPrice:
    """What one unit of an add-on costs per interval in one currency. Never changes but for being withdrawn."""

    id: UUID
    addon: str
    interval: Interval
    money: Money
    active: bool


@dataclass(frozen=True, slots=True)
class Grant:
    """What one unit of an add-on gives of a feature: so much more of a metered one; None: a switch is turned on."""

    feature: Feature
    amount: int | None = None


@dataclass(frozen=True, slots=True)
class Addon:
    """Something bought beside a plan, `max_quantity` units at most. `plans` names those it can be bought beside.

    `prices` holds those on sale; `archived_at` set means that nobody can buy more of it; those who have it keep it.
    """

    key: str
    name: str
    description: str
    plans: tuple[str, ...]
    prices: tuple[AddonPrice, ...]
    grants: tuple[Grant, ...]
    max_quantity: int
    archived_at: datetime | None = None

    def price(self, interval: Interval, currency: str) -> AddonPrice | None:
        """Return the price on sale for this interval in this currency."""
        return next((p for p in self.prices if (p.interval, p.money.currency) == (interval, currency)), None)

    def amount_of(self, feature: str) -> int:
        """Return how much one unit adds to the limit of a metered feature."""
        return next((each.amount or 0 for each in self.grants if each.feature.key == feature), 0)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything there is, archived features and plans included, in the file's order.

    `coupons` by key and `codes` by their text in lower case are those that can be redeemed.
    """

    features: Mapping[str, Feature]
    plans: Mapping[str, Plan]
    coupons: Mapping[str, Coupon] = field(default_factory=dict)
    codes: Mapping[str, PromotionCode] = field(default_factory=dict)
    addons: Mapping[str, Addon] = field(default_factory=dict)

    @property
    def default(self) -> Plan:
        """The plan of organizations that bought nothing."""
        for plan in self.plans.values():
            if plan.is_default:
                return plan
        raise NoDefaultPlanError

    def beside(self, plan: str) -> list[Addon]:
        """Add-ons that can be bought beside a plan, in order."""
        return [each for each in self.addons.values() if each.archived_at is None and plan in each.plans]

    def on_sale(self, *, public_only: bool = True) -> list[Plan]:
        """Plans that are not archived, in order."""
        return [p for p in self.plans.values() if p.archived_at is None and (p.is_public or not public_only)]


class ChangeKind(StrEnum):
    """What happens to a thing of the catalogue."""

    ADDED = "+"
    CHANGED = "~"
    ARCHIVED = "-"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between the file and what stands, in words: `~ plan pro: name "Pro" becomes "Plus"`."""

    kind: ChangeKind
    subject: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind.value} {self.subject}" + (f": {self.detail}" if self.detail else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueChanged(Event):
    """Features, plans or prices were changed."""

    name: ClassVar[str] = "catalogue.changed"
    changed_at: datetime


class PlanNotFoundError(NotFoundError):
    """No plan has this key."""

    code = "plan_not_found"
    title = "There is no such plan"
    hint = "GET /api/plans lists the plans by key."


class AddonNotFoundError(NotFoundError):
    """No add-on has this key."""

    code = "addon_not_found"
    title = "There is no such add-on"
    hint = "GET /api/subscription/addons lists what can be had beside the plan."


class NoDefaultPlanError(UnavailableError):
    """The catalogue is empty: no plan is marked as the default one."""

    code = "no_default_plan"
    title = "No catalogue has been applied yet"
    hint = "Run `tollkeeper seed` for the demo catalogue, or `tollkeeper plans apply FILE`."


class CatalogueFileError(InvalidInputError):
    """The catalogue file has mistakes; every one is named, with its line."""

    code = "catalogue_invalid"
    title = "The catalogue file has mistakes"
    hint = "Correct the lines named in `errors` and apply the file again; nothing was changed."
