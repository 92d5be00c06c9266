"""Buying, managing, and being told by the provider: values and errors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from tollkeeper.billing.customers import Customer
from tollkeeper.billing.overage import SoFar
from tollkeeper.billing.provider import Preview
from tollkeeper.billing.subscriptions import Status
from tollkeeper.catalog import Addon, AddonPrice
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

    `addons` is how many units of which add-on are bought with it.

    `currency` None: the one the customer pays in, else the first listed. `promotion_code` is what the customer typed.

    The URLs are absolute; `success_url` may hold `{CHECKOUT_SESSION_ID}`.
    """

    success_url: str
    cancel_url: str
    plan: str | None = None
    interval: str | None = None
    price_id: str | None = None
    currency: str | None = None
    promotion_code: str | None = None
    addons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenedCheckout:
    """A hosted checkout page to send the buyer to."""

    url: str
    session_id: str


@dataclass(frozen=True, slots=True)
class Retried:
    """What came of another try to collect. `said` is why it was declined; empty: it was not.

    Neither paid nor declined: the payment is on its way.
    """

    paid: bool
    said: str


class ChangeAt(StrEnum):
    """When a change takes effect."""

    NOW = "now"
    PERIOD_END = "period_end"


@dataclass(frozen=True, slots=True)
class Change:
    """What a subscription is to become. None leaves a thing as it is; `at` None: by the direction of the change.

    `as_of` is the moment a preview counted from, so that the change costs what the preview said; None: now.
    `promotion_code` lowers the invoices from this change on, in place of what lowers them now.
    """

    plan: str | None = None
    interval: Interval | None = None
    quantity: int | None = None
    at: ChangeAt | None = None
    as_of: datetime | None = None
    promotion_code: str | None = None

    @property
    def only_promotion(self) -> bool:
        """Whether nothing is to become another but the discount."""
        return self.promotion_code is not None and not (self.plan or self.interval or self.quantity)


@dataclass(frozen=True, slots=True)
class PreviewedChange:
    """A change looked at before it is made. At the period's end nothing is due now, and `cost` has no lines.

    `coming` is the next invoice, where that is all that changes.
    """

    at: ChangeAt
    effective_at: datetime
    cost: Preview
    coming: Preview | None = None


@dataclass(frozen=True, slots=True)
class AddonChange:
    """How many units of an add-on there are to be; 0 takes it away. `as_of` as in `Change`."""

    addon: str
    quantity: int
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class AddonOffer:
    """An add-on that an organization has or can have.

    `price` is what one unit more costs, None when no more can be bought. `pending_quantity` is how many there are
    from `pending_at` on, both None when nothing is to change.
    """

    addon: Addon
    price: AddonPrice | None
    quantity: int
    pending_quantity: int | None
    pending_at: datetime | None


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
class EventLine:
    """An event in the log of what the provider told, without its body. `size` is the body's, 0 when it was emptied."""

    id: UUID
    provider_id: str
    type: str
    status: EventStatus
    created_at: datetime
    received_at: datetime
    processed_at: datetime | None
    deliveries: int
    attempts: int
    error: str | None
    size: int


@dataclass(frozen=True, slots=True)
class SoughtEvents:
    """Which events are looked for; None: whichever.

    `type` is one, or with a full stop at its end all that begin so. `provider_id` is one event's own id.
    """

    status: EventStatus | None = None
    type: str | None = None
    provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class NextInvoice:
    """What will be charged next, and when, before taxes and credit. `usage` is what was used beyond limits so far, and
    is in the amount; `discount`, zero or more, is taken off it already.
    """

    at: datetime
    amount: Money
    discount: Money
    usage: tuple[SoFar, ...] = ()


class PaymentState(StrEnum):
    """Where a subscription stands with its payments."""

    CURRENT = "current"
    PROCESSING = "processing"
    """A payment is on its way; nothing failed."""
    GRACE = "grace"
    RESTRICTED = "restricted"


@dataclass(frozen=True, slots=True)
class PaymentStanding:
    """Where payments stand; `since` is when the invoice was made that waits, None: none does.

    `next_step_at` is when dunning's next step is due, None: none is. `requires_action`: the customer must confirm the
    payment. `pay_url` is the page where that, or paying otherwise, is done; None: there is nothing to do.
    """

    state: PaymentState = PaymentState.CURRENT
    since: datetime | None = None
    next_step_at: datetime | None = None
    requires_action: bool = False
    pay_url: str | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything a billing page shows. `customer` None: nothing was ever bought."""

    status: Status
    payment: PaymentStanding
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


class AddonNotAvailableError(ConflictError):
    """The add-on cannot be had as things stand: with this plan, at this time, or any more."""

    code = "addon_not_available"
    title = "This add-on cannot be had"
    hint = "GET /api/subscription/addons lists what can be had beside the present plan."


class ChangeToComeError(ConflictError):
    """A change is to come when the period ends; the discount would be lost with it."""

    code = "change_to_come"
    title = "Another change is to come when the period ends"
    hint = "Send `promotion_code` with POST /api/subscription/change, or take the change back first."


class NoInvoiceToComeError(ConflictError):
    """The subscription ends with its period: no invoice comes that a discount could lower, nothing it could become."""

    code = "no_invoice_to_come"
    title = "No invoice is to come"
    hint = "Take the cancellation back first: POST /api/subscription/resume."


class SubscriptionPausedError(ConflictError):
    """The subscription rests: it cannot become another meanwhile."""

    code = "subscription_paused"
    title = "The subscription is paused"
    hint = "Let it go on first: POST /api/subscription/unpause."


class PeriodUnpaidError(ConflictError):
    """The running period is not paid: what is left of it is worth nothing that could be credited."""

    code = "period_unpaid"
    title = "The running period is not paid"
    hint = "A payment on its way has to arrive first, one that failed is paid at `payment.pay_url`, a pause is ended."


class NotPausableError(ConflictError):
    """Only a subscription that runs and is paid can rest."""

    code = "not_pausable"
    title = "This subscription cannot be paused now"
    hint = "GET /api/subscription/status tells its state: only `active` ones whose period is paid can be paused."


class NoTrialError(ConflictError):
    """The subscription is not on trial, or not resting since one."""

    code = "no_trial"
    title = "There is no trial that this could be done to"
    hint = "GET /api/subscription/status tells the state of the subscription."


class NotExtendableError(ConflictError):
    """Only a paid period that goes on as it is can be made longer."""

    code = "not_extendable"
    title = "This period cannot be made longer now"
    hint = "It must be paid and running: not paused, not cancelled, and with no change of plan to come."


class PaymentMethodNeededError(ConflictError):
    """There is no way to collect what is due."""

    code = "payment_method_needed"
    title = "A payment method is needed first"
    hint = "Add one with POST /api/billing/payment-methods and make it the default."


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


class EventNotFoundError(NotFoundError):
    """No such event was received."""

    code = "webhook_not_found"
    title = "There is no such event"


class EventNotReplayableError(ConflictError):
    """There is nothing to work off: its body was emptied, or nothing is done with events of its type."""

    code = "webhook_not_replayable"
    title = "This event cannot be replayed"
    hint = "Bodies are kept for 30 days. `tollkeeper billing reconcile` mends whatever differs from the provider."


class LivemodeMismatchError(TollkeeperError):
    """An event of the test world came to a live server, or the other way round."""

    code = "webhook_livemode_mismatch"
    status = 400
    title = "The event belongs to the other mode"
    hint = "Register the endpoint in the mode of the secret key; nothing was stored."
