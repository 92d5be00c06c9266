"""What an organization may use, ready to be asked thousands of times a second."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from tollkeeper.catalog import Entitlement, EntitlementPeriod, Source
from tollkeeper.infra import Rates
from tollkeeper.kit import (
    ConflictError,
    FieldProblem,
    InvalidInputError,
    Money,
    NotFoundError,
    TollkeeperError,
    UnauthenticatedError,
    UnavailableError,
)
from tollkeeper.metering import THRESHOLDS, Aggregation, Limit, Meter
from tollkeeper.rating import Period

GAUGES = frozenset({Aggregation.LATEST, Aggregation.MAX})
"""What is set to where it stands, and not added to."""
NO_ADDONS: Mapping[str, int] = MappingProxyType({})
"""One for all who bought none."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The plan an organization is on, as billing last said, and the billing period it is in.

    `plan` and `bought` None: nothing was bought; the default plan's periods are months counted from `anchor`, the
    moment the organization was made, so that leaving and coming back does not open a fresh one. `addons` is how many
    units of each add-on were bought beside the plan.
    """

    organization_id: UUID
    anchor: datetime
    plan: str | None = None
    bought: Period | None = None
    addons: Mapping[str, int] = field(default_factory=lambda: NO_ADDONS)
    since: datetime | None = None
    """When the plan it is on began; None: with the organization."""
    suspended: bool = False
    """Whether nothing may be used at all."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much of one metered feature may be used a period: by plan and add-ons together.

    `limit` None means unlimited. `sources` is what the limit is made of, the plan's part first.
    """

    feature: str
    meter_id: int
    limit: int | None
    hard: bool
    period: EntitlementPeriod
    offered: bool = True
    """False when neither plan nor add-ons mention the feature at all; the limit is then zero."""
    sources: tuple[Source, ...] = ()
    aggregation: Aggregation = Aggregation.SUM
    grace: int = 0
    """How far beyond a hard limit still passes."""
    thresholds: tuple[int, ...] = THRESHOLDS
    window: timedelta | None = None
    """How far a rolling period looks back; None for others."""
    rollover: int | None = None
    """The most that is carried into the next period; None: nothing."""
    quota: int = 0
    """The plan's own part of the limit, of which what is unused is carried over."""
    per_member: int | None = None
    """How much each member may use; None: as much as all together."""
    bound: Limit = field(init=False)
    """The limit as metering takes it, made once: the hot path asks for it with every call."""
    bound_of_member: Limit | None = field(init=False)
    is_plain: bool = field(init=False)
    """Whether nothing but the limit bears on it."""

    def __post_init__(self) -> None:
        """Make the bounds."""
        own = None if self.per_member is None else Limit(self.per_member, self.hard, thresholds=())
        object.__setattr__(self, "bound", Limit(self.limit, self.hard, self.grace, self.thresholds))
        object.__setattr__(self, "bound_of_member", own)
        object.__setattr__(self, "is_plain", self.window is None and self.rollover is None and own is None)


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan that would allow more."""

    plan: str
    name: str
    limit: int | None
    price: Money | None
    interval: str | None


@dataclass(frozen=True, slots=True)
class Purchase:
    """What everybody who bought the same may use: one in memory for all of them."""

    plan: str
    plan_name: str
    allowances: Mapping[str, Allowance]
    offers: Mapping[str, Offer | None]
    rates: Mapping[str, int | None]
    entitlements: tuple[Entitlement, ...] = ()
    concurrency: Mapping[str, int | None] = field(default_factory=dict)
    """How much long work of each kind may run at once; None: not limited."""
    feeds: Mapping[str, tuple[Meter, ...]] = field(default_factory=dict)
    """The meters that count events of each type: those of the plan's features, or all where it has none of them."""
    calendar: dict[EntitlementPeriod, Period] = field(default_factory=dict)
    """The current periods that are the same for everybody, worked out when first asked and again once they are over."""


@dataclass(slots=True)
class Access:
    """Everything the hot path asks about one organization.

    Small, since every organization that was asked for has one in memory.
    """

    standing: Standing
    purchase: Purchase
    billing: Period | None = None
    """The current billing period, worked out when first asked and again once it is over."""
    call_rates: dict[tuple[UUID | None, int | None, str | None], Rates] | None = None
    """Against which limits its callers' calls count, worked out when first asked."""

    @property
    def plan(self) -> str:
        """The key of the plan it is on."""
        return self.purchase.plan

    @property
    def allowances(self) -> Mapping[str, Allowance]:
        """How much of each metered feature may be used."""
        return self.purchase.allowances


@dataclass(frozen=True, slots=True)
class Share:
    """Where a member stands within a limit of their own."""

    member_id: UUID
    limit: int
    used: int
    reserved: int = 0

    @property
    def remaining(self) -> int:
        """What is left, never below zero."""
        return max(0, self.limit - self.used - self.reserved)


@dataclass(frozen=True, slots=True)
class Balance:
    """Where a metered feature stands in a period. `limit` and `remaining` None mean unlimited."""

    allowance: Allowance
    period: Period
    used: int
    reserved: int = 0
    """Held by open reservations on top of `used`."""
    carried: int = 0
    """Unused quota of the period before, on top of the plan's."""
    credited: int = 0
    """How much of `used` credits paid for."""
    credits: int | None = None
    """What credits have left; None: they were not looked at, since the limit had room."""
    member: Share | None = None
    """Where the member stands who is asked about; None: no member, or no limits of members."""

    @property
    def limit(self) -> int | None:
        """How much may be used in this period, with what was carried over and without credits."""
        return None if self.allowance.limit is None else self.allowance.limit + self.carried

    @property
    def remaining(self) -> int | None:
        """What is left before the limit, never below zero."""
        limit = self.limit
        return None if limit is None else max(0, limit + self.credited - self.used - self.reserved)

    @property
    def percent(self) -> float | None:
        """How much of the limit is used, to a tenth; None where there is none."""
        return round(100 * self.used / self.limit, 1) if self.limit else None


class QuotaExceededError(TollkeeperError):
    """The hard limit of this period would be passed; nothing was recorded."""

    code = "quota_exceeded"
    status = 402
    title = "The limit of this period is reached"
    hint = "Wait for the reset at `reset_at`, or take the plan offered in `upgrade`. `scope` says whose limit it is."


class RateLimitedError(TollkeeperError):
    """Too many calls within the last minute."""

    code = "rate_limited"
    status = 429
    title = "Too many calls"
    hint = "Wait as long as `Retry-After` says; plans with more calls a minute are at /pricing."


class UncountedError(UnavailableError):
    """Redis is gone, and calls of this kind are not answered uncounted."""

    code = "calls_uncounted"
    title = "The call cannot be counted at the moment"
    hint = "Try again after `Retry-After` seconds; nothing was done."


class InvalidKeyError(UnauthenticatedError):
    """The API key or token is not one of ours, or it was revoked or has expired."""

    code = "invalid_credential"
    title = "The API key or token is not valid"
    hint = "Make a new key on the API keys page, or log in again."


class AddressNotAllowedError(UnauthenticatedError):
    """The API key is good, but not from this address."""

    code = "address_not_allowed"
    status = 403
    title = "This API key may not be used from here"
    hint = "Call from one of the key's networks, or change them on the API keys page."


class CsrfError(TollkeeperError):
    """A write with a browser session came without the session's own CSRF token."""

    code = "csrf_failed"
    status = 403
    title = "The request did not prove that it comes from our own page"
    hint = "Send the session's CSRF token in `X-CSRF-Token`, or use an API key."


class UnnamedCustomerError(InvalidInputError):
    """An operator's call did not say for which customer."""

    code = "customer_required"
    title = "The call does not say for which customer"
    hint = "Send `customer`: an organization's id or its external id."

    def __init__(self) -> None:
        super().__init__([FieldProblem("customer", "an operator key names the customer", "missing")])


class UnknownFeatureError(InvalidInputError):
    """No metered feature has this key."""

    code = "unknown_feature"
    title = "There is no such metered feature"
    hint = "GET /api/usage/limits lists the features by key."


class NotAGaugeError(InvalidInputError):
    """What the feature counts adds up; it cannot be set."""

    code = "not_a_gauge"
    title = "The feature is not a gauge"
    hint = "Only meters of the `latest` or `max` value are set; for the others there is POST /api/usage/track."


class NeedsEventsError(InvalidInputError):
    """What the feature counts are different values, and the call brings none."""

    code = "needs_events"
    title = "The feature counts different values"
    hint = "POST /api/events takes events that say which; a number alone does not."


class OutsidePeriodError(InvalidInputError):
    """The usage happened in the future, or before the organization was made."""

    code = "outside_period"
    title = "The usage belongs to no period"
    hint = "Send `at` in UTC, or leave it out for now."


class EarlierPeriodError(OutsidePeriodError):
    """The usage happened before the current period began, which needs a look at what held then."""

    hint = "POST /api/usage/track finds the period it belongs to."


class PeriodClosedError(InvalidInputError):
    """The usage belongs to a period that takes nothing more: `closed_since` says since when."""

    code = "period_closed"
    title = "The period is closed"
    hint = "Periods take late usage and corrections for as long as TOLLKEEPER_LATE_USAGE says, then none."

    def __init__(self, period: Period, closed_since: datetime) -> None:
        start, end, since = (each.isoformat() for each in (period.start, period.end, closed_since))
        problem = FieldProblem("at", f"lies in the period {start} to {end}, which is closed since {since}", self.code)
        super().__init__([problem], period_start=start, period_end=end, closed_since=since)


class ReservationNotFoundError(NotFoundError):
    """There is no such reservation, or it is somebody else's."""

    code = "reservation_not_found"
    title = "There is no such reservation"
    hint = "POST /api/usage/reserve makes one."


class ReservationClosedError(ConflictError):
    """The reservation was settled or released before, with another outcome."""

    code = "reservation_closed"
    title = "The reservation is closed already"
    hint = "Its state is in `state`; report further usage with POST /api/usage/track."


class UnstorableError(InvalidInputError):
    """The database itself refuses to keep what an event holds; nothing was recorded."""

    code = "unstorable"
    title = "The data cannot be stored"
    hint = "Leave out numbers beyond what a database holds; send the events one by one to find the one."

    def __init__(self) -> None:
        super().__init__(self.title)


class OverloadedError(UnavailableError):
    """More requests are waiting than can be held; nothing was recorded."""

    code = "overloaded"
    title = "Too many requests are waiting"
    hint = "Try again after `Retry-After` seconds; nothing was recorded."


class OutcomeUnknownError(UnavailableError):
    """The database went away while the usage was being committed: it may or may not be recorded."""

    code = "outcome_unknown"
    title = "It is not known whether the usage was recorded"
    hint = "Send the call again with the same `idempotency_key`: it is then counted once, whatever happened."


def offer_document(offer: Offer | None) -> dict[str, Any] | None:
    """The offer as the API shows it."""
    if offer is None:
        return None
    price = None if offer.price is None else {"amount": offer.price.amount, "currency": offer.price.currency}
    return {
        "plan": offer.plan,
        "name": offer.name,
        "limit": offer.limit,
        "price": price,
        "interval": offer.interval,
        "url": f"/billing?plan={offer.plan}",
    }
