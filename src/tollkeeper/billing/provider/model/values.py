"""What the payment provider knows, in our own words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from tollkeeper.kit import Money
from tollkeeper.rating import Interval

from .invoices import InvoiceLine, InvoiceState, Tax
from .offers import CheckoutTerms, DiscountState
from .pauses import Pause

_KINDS: Mapping[str, str] = MappingProxyType(
    {"card": "Card", "us_bank_account": "Bank account", "sepa_debit": "SEPA debit"}
)


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """What may be shown of a way to pay. `brand` is the card's or the bank's name; months and years only for cards."""

    kind: str
    brand: str | None
    last4: str | None
    exp_month: int | None = None
    exp_year: int | None = None

    @property
    def words(self) -> str:
        """What it is called: `Visa ending in 4242`."""
        name = (self.brand or _KINDS.get(self.kind) or self.kind.replace("_", " ")).title()
        return f"{name} ending in {self.last4}" if self.last4 else name


@dataclass(frozen=True, slots=True)
class SavedMethod:
    """A way to pay that the provider keeps for a customer; `id` is the provider's.

    `is_default` is whether what comes due next is charged to it: by a running subscription, or by the customer when
    none runs. With several subscriptions several ways may be.
    """

    id: str
    method: PaymentMethod
    is_default: bool


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
class ItemState:
    """What a subscription has beside the plan: so many units at a price; `price_id` is ours if it is an add-on's.

    `id` is the item's own; None of what is only to come.
    """

    id: str | None
    price: PriceAtProvider
    quantity: int


@dataclass(frozen=True, slots=True)
class PendingState:
    """What a subscription becomes at `at`, as the provider has it noted; until then nothing of it is in force.

    `code` is the provider's id of a promotion code that lowers the invoices from then on; None: what lowers them now
    goes on.
    """

    price: PriceAtProvider
    quantity: int
    at: datetime
    addons: tuple[ItemState, ...] = ()
    code: str | None = None


@dataclass(frozen=True, slots=True)
class SubscriptionState:
    """A subscription as the provider has it now.

    `status` is one of the published ones (see the door of billing) or a word invented later. The current period is
    half-open. `cancel_at_period_end` is true however the provider came to say so. `item_id` names the plan's item;
    `addons` are all others, whether we know their prices or not.
    `schedule_id` names the provider's plan of what comes later; `pending` is the next step of it, None when none is.
    `pause` None: money is collected as always. `discount` is what lowers its invoices; None: nothing.
    `extended_until` is the end of a paid period that was made longer for nothing, which the provider takes for a trial;
    None: no such period runs.
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
    schedule_id: str | None = None
    pending: PendingState | None = None
    discount: DiscountState | None = None
    pause: Pause | None = None
    addons: tuple[ItemState, ...] = ()
    extended_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What a subscription is to become. `restarts`: a new full cycle begins with it, since the interval is another.

    `addons` is everything beside the plan, whole: quantity 0 takes an item away. `code` is the provider's id of a
    promotion code that lowers the invoices from then on; None: what lowers them now goes on.
    """

    price: PriceAtProvider
    quantity: int
    interval: Interval
    restarts: bool
    addons: tuple[ItemState, ...] = ()
    code: str | None = None


class CheckoutStatus(StrEnum):
    """Whether a checkout page can still be used."""

    OPEN = "open"
    COMPLETE = "complete"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class CheckoutState:
    """A hosted checkout page. `subscription_id` is None until it is completed; `price_id` is ours.

    `terms` are those it was made with, in words.
    """

    id: str
    url: str | None
    status: CheckoutStatus
    customer_id: str | None
    subscription_id: str | None
    price_id: UUID | None
    success_url: str | None
    cancel_url: str | None
    addons: str = ""
    """What is sold beside the plan, as `addons_named` says it."""
    terms: str = str(CheckoutTerms())


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
    terms: CheckoutTerms = field(default_factory=CheckoutTerms)
    addons: tuple[ItemState, ...] = ()


def addons_named(addons: Iterable[ItemState]) -> str:
    """Say what is sold beside a plan, so that two pages can be compared: our price ids and quantities."""
    return ",".join(sorted(f"{each.price.price_id}:{each.quantity}" for each in addons))


class SoldAs(StrEnum):
    """What a product is to us."""

    PLAN = "plan"
    ADDON = "addon"


@dataclass(frozen=True, slots=True)
class PlanOffer:
    """A plan, or an add-on, as the provider must know it. `key` is ours and never changes."""

    key: str
    name: str
    description: str
    active: bool
    kind: SoldAs = SoldAs.PLAN


@dataclass(frozen=True, slots=True)
class PriceOffer:
    """A price as the provider must know it; `id` is ours, `plan` the key of what it is the price of."""

    id: UUID
    plan: str
    interval: Interval
    money: Money
    active: bool
    kind: SoldAs = SoldAs.PLAN


@dataclass(frozen=True, slots=True)
class Preview:
    """What changing a subscription would cost. `due_now` is zero when only a credit results.

    `at` is the moment that parts of the period were counted from: a change as of the same moment costs the same.
    `subtotal - discount_total + exclusive taxes = total`, in minor units of the currency of `due_now`; what the
    balance takes off `total` is not due.
    """

    at: datetime
    due_now: Money
    balance_after: Money
    lines: tuple[InvoiceLine, ...]
    subtotal: int = 0
    discount_total: int = 0
    taxes: tuple[Tax, ...] = ()
    total: int = 0


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
    credit_note_id: str | None = None
    payment_id: str | None = None

    @property
    def lock(self) -> str:
        """Under which name work on this is done one at a time: everything of one customer together."""
        ids = (self.customer_id, self.subscription_id, self.invoice_id, self.checkout_id, self.payment_id)
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
