"""Buying, managing, and being told by the provider: values and errors."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from tollkeeper.billing.customers import Customer
from tollkeeper.billing.provider import Preview
from tollkeeper.billing.subscriptions import Status
from tollkeeper.infra import Tx
from tollkeeper.kit import ConflictError, InvalidInputError, Money, NotFoundError, TollkeeperError
from tollkeeper.rating import Interval


@dataclass(frozen=True, slots=True)
class Buyer:
    """The organization that buys, with what the provider should call it. `email` None: the provider asks for it."""

    organization_id: UUID
    name: str
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Purchase:
    """What is to be bought. `price_id` (ours or the provider's) wins over plan and interval; None: by the plan.

    The URLs are absolute; `success_url` may hold `{CHECKOUT_SESSION_ID}`.
    """

    success_url: str
    cancel_url: str
    plan: str | None = None
    interval: str | None = None
    price_id: str | None = None


@dataclass(frozen=True, slots=True)
class OpenedCheckout:
    """A hosted checkout page to send the buyer to."""

    url: str
    session_id: str


class ChangeAt(StrEnum):
    """When a change takes effect."""

    NOW = "now"
    PERIOD_END = "period_end"


@dataclass(frozen=True, slots=True)
class Change:
    """What a subscription is to become. None leaves a thing as it is; `at` None: by the direction of the change.

    `as_of` is the moment a preview counted from, so that the change costs what the preview said; None: now.
    """

    plan: str | None = None
    interval: Interval | None = None
    quantity: int | None = None
    at: ChangeAt | None = None
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class PreviewedChange:
    """A change looked at before it is made. At the period's end nothing is due now, and `cost` has no lines."""

    at: ChangeAt
    effective_at: datetime
    cost: Preview


class EventStatus(StrEnum):
    """What became of a provider's event."""

    RECEIVED = "received"
    PROCESSED = "processed"
    IGNORED = "ignored"
    """Nothing is done with events of this type."""
    UNMATCHED = "unmatched"
    """It speaks of a customer of the provider who is none of ours; for a person to look at."""
    FAILED = "failed"
    """The last try failed, as `error` says; it is tried again."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it came, and what became of it. `deliveries` counts how often it came."""

    id: UUID
    provider_id: str
    type: str
    api_version: str | None
    livemode: bool
    created_at: datetime
    received_at: datetime
    body: bytes
    status: EventStatus
    deliveries: int
    attempts: int
    error: str | None
    processed_at: datetime | None


@dataclass(frozen=True, slots=True)
class NextInvoice:
    """What will be charged next, and when, before taxes and credit."""

    at: datetime
    amount: Money


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything a billing page shows. `customer` None: nothing was ever bought."""

    status: Status
    plan_name: str
    customer: Customer | None
    next_invoice: NextInvoice | None
    usage: list[Any]


class UsageReport(Protocol):
    """Tells where an organization's usage stands; a part that an upper floor provides, as JSON values."""

    async def __call__(self, tx: Tx, organization_id: UUID) -> list[Any]:
        """Return one entry per entitlement."""
        ...


class PlanNotPurchasableError(InvalidInputError):
    """The plan cannot be bought: it is free, by contract, not sold any more, or has no price for the interval."""

    code = "plan_not_purchasable"
    title = "This plan cannot be bought"
    hint = "GET /api/plans lists the plans with their prices."


class AlreadySubscribedError(ConflictError):
    """The organization has a subscription that is not over: a second one would be charged twice."""

    code = "already_subscribed"
    title = "There is a subscription already"
    hint = "Change it with POST /api/subscription/change, or manage it with POST /api/stripe/portal."


class PaymentMethodNotFoundError(NotFoundError):
    """There is no such way to pay, or it is somebody else's."""

    code = "payment_method_not_found"
    title = "There is no such payment method"
    hint = "GET /api/billing/payment-methods lists yours."


class PaymentMethodInUseError(ConflictError):
    """A subscription is paid with it."""

    code = "payment_method_in_use"
    title = "A subscription is paid with this payment method"
    hint = "Make another one the default first, or cancel the subscription."


class TaxIdNotFoundError(NotFoundError):
    """There is no such tax id, or it is somebody else's."""

    code = "tax_id_not_found"
    title = "There is no such tax id"
    hint = "GET /api/billing/tax-ids lists yours."


class LivemodeMismatchError(TollkeeperError):
    """An event of the test world came to a live server, or the other way round."""

    code = "webhook_livemode_mismatch"
    status = 400
    title = "The event belongs to the other mode"
    hint = "Register the endpoint in the mode of the secret key; nothing was stored."
