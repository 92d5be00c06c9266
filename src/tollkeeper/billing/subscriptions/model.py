"""Subscriptions as we mirror them, and what an organization may use by them."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from tollkeeper.billing.provider import PaymentMethod
from tollkeeper.infra import Event
from tollkeeper.kit import ConflictError


@dataclass(frozen=True, slots=True)
class PendingChange:
    """What the subscription becomes at `at`, when its period ends. `plan` None: a price that is none of ours."""

    plan: str | None
    price_id: UUID | None
    quantity: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as last mirrored. `plan` None: it was sold at a price that is none of ours.

    `status` is one of the published ones or a word the provider invented later. The current period is half-open.
    `withheld` is ours: why the plan may not be used although the status gives it; None: it may.
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
    withheld: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """The plan an organization may use now by its subscriptions, and until when it is paid; all None: no plan."""

    plan: str | None = None
    period_start: datetime | None = None
    period_end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """What the status call answers. `subscription` is None for an organization that is on the default plan."""

    plan: str
    status: str
    current_period_start: datetime | None
    current_period_end: datetime | None
    cancel_at_period_end: bool
    trial_end: datetime | None
    subscription: Subscription | None


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of a subscription's life: what it was and what it became, when we learnt of it and through what."""

    at: datetime
    cause: str
    from_status: str | None
    to_status: str
    from_plan: str | None
    to_plan: str | None
    period_end: datetime | None
    cancel_at_period_end: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EntitlementsChanged(Event):
    """What an organization may use by its subscriptions became another; `plan` None: back to the default plan.

    The period `[period_start, period_end)` is the one paid for; None together with the plan.
    """

    name: ClassVar[str] = "billing.entitlements_changed"
    organization_id: UUID
    plan: str | None
    period_start: datetime | None
    period_end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionEnded(Event):
    """A subscription is over for good; `plan` None: it was sold at a price that is none of ours."""

    name: ClassVar[str] = "billing.subscription_ended"
    organization_id: UUID
    subscription_id: UUID
    plan: str | None


class NoSubscriptionError(ConflictError):
    """The organization has no subscription that this could be done to."""

    code = "no_subscription"
    title = "There is no subscription to change"
    hint = "Buy a plan first: POST /api/stripe/create-checkout."
