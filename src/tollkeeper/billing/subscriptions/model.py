"""Subscriptions as we mirror them, and what an organization may use by them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from tollkeeper.billing.provider import DiscountState, Pause, PaymentMethod
from tollkeeper.infra import Event
from tollkeeper.kit import ConflictError, NotFoundError


class SubscriptionOrder(StrEnum):
    """What subscriptions are sorted by."""

    STARTED = "started"
    PLAN = "plan"
    """By the plan's key; a price that is none of ours before them all. The latest begun last, of one plan."""
    NEXT = "next"
    """By when the next thing happens to them; those nothing happens to after them all."""


@dataclass(frozen=True, slots=True)
class PendingChange:
    """What the subscription becomes at `at`, when its period ends. `plan` None: a price that is none of ours.

    `code_id` is the promotion code that lowers the invoices from then on; None: what lowers them now goes on, or the
    code is none of ours.
    """

    plan: str | None
    price_id: UUID | None
    quantity: int
    at: datetime
    code_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class HeldAddon:
    """So many units of an add-on that a subscription has, at one price.

    `quantity` 0: it only comes with the change to come. `pending_quantity` is how many there are after that change;
    None: no change is to come.
    """

    addon: str
    price_id: UUID
    quantity: int
    pending_quantity: int | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as last mirrored. `plan` None: it was sold at a price that is none of ours.

    `status` is one of the published ones or a word the provider invented later. The current period is half-open.
    `pause` None: money is collected as always. `unpaid` is ours: the running period is not paid, and is not about to be
    asked for again by itself: its first payment is on its way or came back, or it fell into a pause that voids.
    `processing_since` is when the invoice was made of which the payment is on its way; None: none is.
    `withheld` is ours: why the plan may not be used although the status gives it, reasons separated by commas; None: it
    may. `discount` is what lowers its invoices, as last mirrored; see `rules.running`. `extended_until` is the end of a
    paid period that was made longer for nothing, in which the provider says `trialing`; None: no such period runs.
    """

    id: UUID
    organization_id: UUID
    provider_id: str
    status: str
    plan: str | None
    price_id: UUID | None
    quantity: int
    current_period_start: datetime | None
    current_period_end: datetime | None
    cancel_at_period_end: bool
    cancel_at: datetime | None
    canceled_at: datetime | None
    ended_at: datetime | None
    trial_end: datetime | None
    started_at: datetime
    payment_method: PaymentMethod | None
    pending: PendingChange | None = None
    discount: DiscountState | None = None
    pause: Pause | None = None
    unpaid: bool = False
    processing_since: datetime | None = None
    withheld: str | None = None
    addons: tuple[HeldAddon, ...] = ()
    extended_until: datetime | None = None

    @property
    def in_trial(self) -> bool:
        """Whether a trial runs, in the eyes of who has it: a paid period made longer is none."""
        return self.status == "trialing" and self.extended_until is None

    def units(self) -> dict[str, int]:
        """Return how many units of which add-on it has now, by the add-on's key."""
        return _units((each.addon, each.quantity) for each in self.addons)

    def pending_units(self) -> dict[str, int]:
        """Return how many units of which add-on it has after the change to come; those of now when none is."""
        if self.pending is None:
            return self.units()
        return _units((each.addon, each.pending_quantity or 0) for each in self.addons)


def _units(counted: Iterable[tuple[str, int]]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for addon, quantity in counted:
        found[addon] += quantity
    return {addon: found[addon] for addon in sorted(found) if found[addon] > 0}


@dataclass(frozen=True, slots=True)
class Standing:
    """The plan an organization may use now by its subscriptions, and until when it is paid; all None: no plan.

    `addons` is how many units of each add-on it may use beside the plan, by key.
    """

    plan: str | None = None
    period_start: datetime | None = None
    period_end: datetime | None = None
    addons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Status:
    """What the status call answers. `subscription` is None for an organization that is on the default plan.

    `discount` is what lowers the invoices to come; None: nothing.
    """

    plan: str
    status: str
    current_period_start: datetime | None
    current_period_end: datetime | None
    cancel_at_period_end: bool
    trial_end: datetime | None
    subscription: Subscription | None
    discount: DiscountState | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of a subscription's life: what it was and what it became, when we learnt of it and through what.

    `addons` is how many units of each add-on it had after the step, by key.
    """

    at: datetime
    cause: str
    from_status: str | None
    to_status: str
    from_plan: str | None
    to_plan: str | None
    period_end: datetime | None
    cancel_at_period_end: bool
    addons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntitlementsChanged(Event):
    """What an organization may use by its subscriptions became another; `plan` None: back to the default plan.

    The period `[period_start, period_end)` is the one paid for; None together with the plan. `addons` is how many
    units of each add-on may be used beside the plan, by key.
    """

    name: ClassVar[str] = "billing.entitlements_changed"
    organization_id: UUID
    plan: str | None
    period_start: datetime | None
    period_end: datetime | None
    addons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionEnded(Event):
    """A subscription is over for good; `plan` None: it was sold at a price that is none of ours."""

    name: ClassVar[str] = "billing.subscription_ended"
    organization_id: UUID
    subscription_id: UUID
    plan: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionPaused(Event):
    """Collecting rests; `until` None: until it is taken back. `withheld`: the plan may not be used meanwhile."""

    name: ClassVar[str] = "billing.subscription_paused"
    organization_id: UUID
    subscription_id: UUID
    behavior: str
    until: datetime | None
    withheld: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionUnpaused(Event):
    """Money is collected again. `unpaid`: the running period fell into the pause, and is not given without payment."""

    name: ClassVar[str] = "billing.subscription_unpaused"
    organization_id: UUID
    subscription_id: UUID
    unpaid: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialEnding(Event):
    """A trial ends within three days; told once for each end. `can_be_paid`: there is a way to collect what follows.

    `plan` None: it was sold at a price that is none of ours.
    """

    name: ClassVar[str] = "billing.trial_ending"
    organization_id: UUID
    subscription_id: UUID
    plan: str | None
    trial_end: datetime
    can_be_paid: bool


class NoSubscriptionError(ConflictError):
    """The organization has no subscription that this could be done to."""

    code = "no_subscription"
    title = "There is no subscription to change"
    hint = "Buy a plan first: POST /api/stripe/create-checkout."


class SubscriptionNotFoundError(NotFoundError):
    """There is no subscription of this id."""

    code = "subscription_not_found"
    title = "There is no such subscription"
