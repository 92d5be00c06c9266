"""Cases of failed payments, the steps of their schedule, and what is told of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from tollkeeper.infra import Event
from tollkeeper.kit import ConflictError, Money, NotFoundError


class State(StrEnum):
    """Where a subscription stands with its payments."""

    CURRENT = "current"
    """Nothing is owed too long; there is no open case."""
    GRACE = "grace"
    """A payment failed; the plan may still be used."""
    RESTRICTED = "restricted"
    """It failed for so long that the plan may not be used until it is paid."""
    ENDED = "ended"
    """The subscription is over."""


class Signal(StrEnum):
    """What moves a case."""

    FAILED = "payment failed"
    REMIND = "reminder due"
    RESTRICT = "restriction due"
    END = "end due"
    PAID = "paid"
    OVER = "subscription over"


class Action(StrEnum):
    """What a step of the schedule does."""

    REMIND = "remind"
    RESTRICT = "restrict"
    END = "end"


@dataclass(frozen=True, slots=True)
class Step:
    """What is done so many whole days after the unpaid invoice; `message` names the text to send."""

    day: int
    action: Action
    message: str


@dataclass(frozen=True, slots=True)
class Case:
    """A run of failed payments. `steps_done` counts the steps taken; `next_at` None: none is left.

    `requires_action`: the customer must confirm the payment, on `page_url`. `closed_at` None while it is open.
    `postponed_days`: so many days later than the schedule says every step comes.
    """

    id: UUID
    organization_id: UUID
    subscription_id: UUID
    invoice: str | None
    state: State
    since: datetime
    attempts: int
    steps_done: int
    next_at: datetime | None
    requires_action: bool
    page_url: str | None
    closed_at: datetime | None
    postponed_days: int = 0

    @property
    def counts_from(self) -> datetime:
        """From when the days of the schedule count: `since`, and later by what was postponed."""
        return self.since + timedelta(days=self.postponed_days)


@dataclass(frozen=True, slots=True)
class Owed:
    """A case as the board shows it: what is owed, for which plan, and when it is tried to collect it again.

    `amount` None: its invoice is not mirrored. `next_attempt_at` None: the provider tries no more by itself.
    """

    case: Case
    plan: str | None
    amount: Money | None
    invoice_id: UUID | None
    invoice_number: str | None
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class Total:
    """How many cases of a state there are and what their invoices asked for; `currency` None: none is mirrored."""

    state: State
    currency: str | None
    count: int
    amount: int


@dataclass(frozen=True, slots=True)
class Stage:
    """Some cases of a stage; `has_more`: there are further ones."""

    state: State
    cases: Sequence[Owed]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Column:
    """A stage of the board: how many cases are in it, what is owed in all of them by currency, and some of them."""

    state: State
    count: int
    totals: Sequence[Money]
    cases: Sequence[Owed]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFailed(Event):
    """Collecting an invoice failed, for the `attempt`-th time. `page_url` is where the customer can pay or confirm."""

    name: ClassVar[str] = "billing.payment_failed"
    organization_id: UUID
    subscription_id: UUID
    attempt: int
    requires_action: bool
    page_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DunningStepReached(Event):
    """A step of the schedule was taken; `message` names what to tell the customer."""

    name: ClassVar[str] = "billing.dunning_step_reached"
    organization_id: UUID
    subscription_id: UUID
    day: int
    action: str
    message: str
    page_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRestricted(Event):
    """The plan may not be used any more until the invoice is paid."""

    name: ClassVar[str] = "billing.access_restricted"
    organization_id: UUID
    subscription_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRecovered(Event):
    """What was owed is paid; `restored`: the plan had been withheld and may be used again."""

    name: ClassVar[str] = "billing.payment_recovered"
    organization_id: UUID
    subscription_id: UUID
    restored: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CardExpiring(Event):
    """The card that pays a subscription is good until the end of this month of this year, and that is soon."""

    name: ClassVar[str] = "billing.card_expiring"
    organization_id: UUID
    subscription_id: UUID
    brand: str | None
    last4: str | None
    exp_month: int
    exp_year: int


class CaseClosedError(ConflictError):
    """Nothing is owed any more, or the subscription is over."""

    code = "dunning_case_closed"
    title = "Nothing is owed here any more"
    hint = "It was paid meanwhile, or the subscription ended."


class CaseNotFoundError(NotFoundError):
    """There is no such case of failed payments."""

    code = "dunning_case_not_found"
    title = "There is no such case of failed payments"
