"""The payment provider in our own words: what it knows, what can be asked of it, what can go wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from tollkeeper.kit import ConflictError, Money, TollkeeperError, UnavailableError
from tollkeeper.rating import Interval


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """What may be shown of a way to pay. `brand` is the card's or the bank's name; months and years only for cards."""

    kind: str
    brand: str | None
    last4: str | None
    exp_month: int | None = None
    exp_year: int | None = None


@dataclass(frozen=True, slots=True)
class CustomerState:
    """A customer as the provider has it now.

    `organization_id` is what we wrote on it; None means somebody else made it. `balance` is in minor units of
    `currency`, negative when the customer has credit; `currency` is None before the first invoice.
    """

    id: str
    organization_id: UUID | None
    email: str | None = None
    balance: int = 0
    currency: str | None = None
    payment_method: PaymentMethod | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class PriceAtProvider:
    """The provider's id of a price, and ours as written on it; None when the price is not one we made."""

    provider_id: str
    price_id: UUID | None


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line of an invoice, for `[period_start, period_end)`. `amount` is in minor units and may be negative."""

    description: str
    amount: int
    quantity: int | None
    period_start: datetime | None
    period_end: datetime | None
    proration: bool
    provider_price: str | None


@dataclass(frozen=True, slots=True)
class InvoiceState:
    """An invoice as the provider has it now; amounts in minor units of `currency`.

    `status` is `draft`, `open`, `paid`, `uncollectible`, `void`, or a word invented later.
    """

    id: str
    customer_id: str
    subscription_id: str | None
    number: str | None
    status: str
    reason: str | None
    currency: str
    subtotal: int
    tax: int
    total: int
    amount_due: int
    amount_paid: int
    amount_remaining: int
    attempt_count: int
    created_at: datetime
    period_start: datetime | None
    period_end: datetime | None
    due_at: datetime | None
    paid_at: datetime | None
    next_attempt_at: datetime | None
    page_url: str | None
    pdf_url: str | None
    lines: tuple[InvoiceLine, ...]


@dataclass(frozen=True, slots=True)
class SubscriptionState:
    """A subscription as the provider has it now.

    `status` is one of the published ones (see the door of billing) or a word invented later. The current period is
    half-open. `cancel_at_period_end` is true however the provider came to say so. `item_id` names the priced item.
    """

    id: str
    customer_id: str
    status: str
    price: PriceAtProvider | None
    item_id: str | None
    quantity: int
    period_start: datetime | None
    period_end: datetime | None
    cancel_at_period_end: bool
    cancel_at: datetime | None
    canceled_at: datetime | None
    ended_at: datetime | None
    trial_end: datetime | None
    created_at: datetime
    latest_invoice: InvoiceState | None
    customer: CustomerState | None
    payment_method: PaymentMethod | None


class CheckoutStatus(StrEnum):
    """Whether a checkout page can still be used."""

    OPEN = "open"
    COMPLETE = "complete"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class CheckoutState:
    """A hosted checkout page. `subscription_id` is None until it is completed; `price_id` is ours."""

    id: str
    url: str | None
    status: CheckoutStatus
    customer_id: str | None
    subscription_id: str | None
    price_id: UUID | None
    success_url: str | None
    cancel_url: str | None


@dataclass(frozen=True, slots=True)
class CheckoutWish:
    """What a new checkout page should sell to whom. Unequal wishes need unequal `idempotency_key`s."""

    customer_id: str
    organization_id: UUID
    price: PriceAtProvider
    plan: str
    success_url: str
    cancel_url: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class PlanOffer:
    """A plan as the provider must know it. `key` is ours and never changes."""

    key: str
    name: str
    description: str
    active: bool


@dataclass(frozen=True, slots=True)
class PriceOffer:
    """A price as the provider must know it; `id` is ours."""

    id: UUID
    plan: str
    interval: Interval
    money: Money
    active: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What changing a subscription would cost. `due_now` is zero when only a credit results."""

    due_now: Money
    balance_after: Money
    lines: tuple[InvoiceLine, ...]


class CancelAt(StrEnum):
    """When a cancellation takes effect."""

    PERIOD_END = "period_end"
    NOW = "now"


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event speaks of, by the provider's ids: a hint where to look, never the state itself."""

    customer_id: str | None = None
    subscription_id: str | None = None
    invoice_id: str | None = None
    checkout_id: str | None = None

    @property
    def lock(self) -> str:
        """Under which name work on this is done one at a time: everything of one customer together."""
        ids = (self.customer_id, self.subscription_id, self.invoice_id, self.checkout_id)
        return next((each for each in ids if each), "unknown")


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """A verified message of the provider. `subject` None means that we do nothing with events of this type."""

    id: str
    type: str
    api_version: str | None
    livemode: bool
    created_at: datetime
    subject: Subject | None


class PaymentProvider(Protocol):
    """Who collects the money. Every call may raise the errors below; no call changes our database."""

    @property
    def account(self) -> str:
        """Which account this is, in a word that differs between test, live and imitation; for our own records."""
        ...

    @property
    def livemode(self) -> bool:
        """Whether real money moves."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...

    async def ping(self) -> None:
        """Raise unless the provider answers and accepts our credentials."""
        ...

    def read_event(self, body: bytes) -> ProviderEvent:
        """Read a verified message; raises UnreadableEventError when it is not one."""
        ...

    async def save_plan(self, offer: PlanOffer) -> str:
        """Create the plan or make it equal; returns the provider's id."""
        ...

    async def save_price(self, offer: PriceOffer, product_id: str) -> str:
        """Create the price or find the one made before, put it on or off sale; returns the provider's id."""
        ...

    async def create_customer(
        self, organization_id: UUID, *, name: str, email: str | None, idempotency_key: str
    ) -> CustomerState:
        """Create the organization's customer; the same key returns the same customer."""
        ...

    async def fetch_customer(self, customer_id: str) -> CustomerState | None:
        """Return the customer; None when there is none of this id. A deleted one is returned as deleted."""
        ...

    async def fetch_subscription(self, subscription_id: str) -> SubscriptionState | None:
        """Return the subscription with its latest invoice and customer; None when there is none of this id."""
        ...

    async def list_subscriptions(self, customer_id: str) -> Sequence[SubscriptionState] | None:
        """Return every subscription of the customer, ended ones too; None when there is no such customer."""
        ...

    async def fetch_invoice(self, invoice_id: str) -> InvoiceState | None:
        """Return the invoice; None when there is none of this id."""
        ...

    async def fetch_checkout(self, checkout_id: str) -> CheckoutState | None:
        """Return the checkout; None when there is none of this id."""
        ...

    async def list_open_checkouts(self, customer_id: str) -> Sequence[CheckoutState]:
        """Return the checkout pages the customer could still pay on."""
        ...

    async def open_checkout(self, wish: CheckoutWish) -> CheckoutState:
        """Make a hosted checkout page."""
        ...

    async def close_checkout(self, checkout_id: str) -> CheckoutState:
        """Make sure nobody can pay on this page any more; returns what it ended as, which may be `complete`."""
        ...

    async def open_portal(self, customer_id: str, return_url: str) -> str:
        """Return the address of a self-service page for this customer."""
        ...

    async def cancel_subscription(self, subscription_id: str, at: CancelAt) -> None:
        """End the subscription now, or when its period ends."""
        ...

    async def resume_subscription(self, subscription_id: str) -> None:
        """Take back a cancellation that has not happened yet."""
        ...

    async def change_subscription(
        self, subscription: SubscriptionState, price: PriceAtProvider, *, at: datetime, idempotency_key: str
    ) -> None:
        """Move the subscription to another price at once, charging or crediting the difference as of `at`."""
        ...

    async def preview_change(self, subscription: SubscriptionState, price: PriceAtProvider, *, at: datetime) -> Preview:
        """Return what `change_subscription` with the same `at` would cost; changes nothing."""
        ...

    async def ensure_endpoint(self, url: str, *, renew: bool) -> str | None:
        """Have exactly the events we handle sent to `url`.

        Returns the signing secret when the registration is new (it is shown only then), None when one stood already.
        `renew` replaces a standing registration, for when its secret is not known any more.
        """
        ...


class ProviderUnavailableError(UnavailableError):
    """The payment provider cannot be reached or fails."""

    code = "provider_unavailable"
    title = "The payment provider does not answer"
    hint = "Nothing was charged. Try again in a moment."


class ProviderRefusedError(TollkeeperError):
    """The payment provider understood our request and refused it: a fault in our settings or in our program."""

    code = "provider_refused"
    status = 502
    title = "The payment provider refused the request"
    hint = "Nothing was charged. The operator finds the reason in the log and with `tollkeeper doctor`."


class ProviderCredentialsError(ProviderRefusedError):
    """The payment provider does not accept our key, or the key may not do this."""

    code = "provider_credentials"
    title = "The payment provider does not accept our key"


class ProviderMissingError(ProviderRefusedError):
    """The payment provider does not know a thing we named. `param` tells which, in the provider's words."""

    code = "provider_missing"
    title = "The payment provider does not know a thing we named"

    def __init__(self, detail: str | None = None, *, param: str | None = None, log: str | None = None) -> None:
        super().__init__(detail, log=log)
        self.param = param


class PaymentFailedError(TollkeeperError):
    """The payment was declined."""

    code = "payment_failed"
    status = 402
    title = "The payment was declined"
    hint = "Use another payment method, or ask the bank that issued the card."


class ProviderStateError(ConflictError):
    """The provider's present state does not allow this (something else changed it first)."""

    code = "provider_state"
    title = "The payment provider's present state does not allow this"


class UnreadableEventError(TollkeeperError):
    """The signed body is not an event this endpoint takes."""

    code = "webhook_unreadable"
    status = 400
    title = "This is not an event"
    hint = "Send snapshot events as JSON; nothing was stored."


class ThinEventError(UnreadableEventError):
    """A thin event came to an endpoint for snapshot events."""

    code = "webhook_thin_event"
    title = "Thin events are not taken here"
    hint = "Register the endpoint for snapshot events; `ensure_webhook_endpoint` does. Nothing was stored."
