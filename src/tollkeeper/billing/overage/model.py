"""Usage beyond a soft limit, and what became of charging for it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from tollkeeper.infra import Event
from tollkeeper.kit import Money
from tollkeeper.rating import Period, PriceVersion, UsageLine


class Reason(StrEnum):
    """Why usage was looked at."""

    BEGIN = "begin"
    """A plan began to count where something was counted already; what was is not its to charge."""
    RENEWAL = "renewal"
    CHANGE = "change"
    """Another plan took over within the period."""
    END = "end"
    LATE = "late"
    """Usage was counted after its period had been charged."""


class Destination(StrEnum):
    """Which invoice an amount belongs on."""

    DRAFT = "draft"
    """The renewal's, while it is a draft; once it is not, the next one."""
    NEXT = "next"
    OWN = "own"
    """One of its own, since no other will come, or not for long."""


class State(StrEnum):
    """How far a charge has come."""

    CLOSED = "closed"
    """There is nothing to charge."""
    INTENDED = "intended"
    """To be put at the provider, or being put there."""
    CHARGED = "charged"
    ABANDONED = "abandoned"
    """The provider knows the customer no more."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What was made of one counter at one time: never changed but for what became of it at the provider.

    The charges of a counter are numbered by `sequence`. `used` is what the counter stood at; `base` is where the plan
    began to count, `included` what it gives, the larger of its limit and `base`. `quantity` is what lies beyond that
    and was not charged before, `amount` what it costs in minor units (a credit below zero). `price_id` None: it was
    free. `closed`: nothing more is to be counted. `[period_start, period_end)` names the counter by its start.
    `destination` None: there is nothing to charge; `wanted_invoice` is the draft meant. `provider_item` and `invoice`
    are the provider's ids, None until known.
    """

    id: UUID
    organization_id: UUID
    subscription_id: UUID
    customer: str
    feature: str
    meter_id: int
    period_start: datetime
    period_end: datetime
    sequence: int
    reason: Reason
    plan: str
    price_id: UUID | None
    currency: str
    base: int
    included: int
    used: int
    quantity: int
    amount: int
    description: str
    closed: bool
    state: State
    destination: Destination | None
    wanted_invoice: str | None
    attempts: int
    provider_item: str | None
    invoice: str | None
    problem: str | None
    created_at: datetime
    charged_at: datetime | None

    @property
    def money(self) -> Money:
        """What it costs."""
        return Money(self.amount, self.currency)


@dataclass(frozen=True, slots=True)
class Beyond:
    """What lies beyond what is included and was not charged before.

    `now` and `before` are how all of it, and what was charged of it before, come about; empty where nothing is beyond.
    """

    quantity: int
    amount: int
    now: tuple[UsageLine, ...] = ()
    before: tuple[UsageLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """One counter looked at, with the price in force (None: it costs nothing) and what is to be charged.

    `unpriced`: it would cost something in another currency than the subscription's.
    """

    feature: str
    title: str
    meter_id: int
    period: Period
    last: Charge | None
    price: PriceVersion | None
    base: int = 0
    included: int = 0
    used: int = 0
    beyond: Beyond = Beyond(0, 0)
    currency: str = ""
    unpriced: bool = False


@dataclass(frozen=True, slots=True)
class SoFar:
    """What one feature will cost at the end of the period, as it stands now."""

    feature: str
    quantity: int
    money: Money
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageCharged(Event):
    """Usage beyond a limit was put on an invoice; `invoice` None: on the customer's next one."""

    name: ClassVar[str] = "billing.usage_charged"
    organization_id: UUID
    feature: str
    quantity: int
    amount: int
    currency: str
    invoice: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageNotPriced(Event):
    """Usage beyond a limit was not charged: it has no price in the currency of the subscription."""

    name: ClassVar[str] = "billing.usage_not_priced"
    organization_id: UUID
    plan: str
    feature: str
    quantity: int
    currency: str
