"""What the server answers, as values, and what it refuses, as exceptions.

Members the server adds later are ignored, so that an older client goes on working.
"""

from datetime import datetime
from typing import Any, Literal

import msgspec

PAYMENT_REQUIRED = 402
RATE_LIMITED = 429
UNAVAILABLE = 503


class Balance(msgspec.Struct, frozen=True):
    """Where a feature stands in its current period. `limit` and `remaining` None: unlimited.

    `carried` is the part of `limit` that the period before left over. `credits` is what credits have left, None where
    the limit had room and nobody looked.
    `degraded`: the server did not answer and this client decided by itself; then everything else is unknown (None).
    `spooled`: the use lies on this machine's disk and is sent as soon as the server answers.
    """

    feature: str
    used: int | None = None
    limit: int | None = None
    remaining: int | None = None
    reset_at: datetime | None = None
    degraded: bool = False
    spooled: bool = False
    carried: int | None = None
    credits: int | None = None


class Money(msgspec.Struct, frozen=True):
    """An exact amount in minor units of a currency."""

    amount: int
    currency: str


class Offer(msgspec.Struct, frozen=True):
    """A plan that would allow more. `price` None: by contract."""

    plan: str
    name: str
    limit: int | None
    url: str
    price: Money | None = None
    interval: str | None = None

    @property
    def amount(self) -> int | None:
        """The price in minor units of `currency`; None for plans by contract."""
        return self.price.amount if self.price else None

    @property
    def currency(self) -> str | None:
        """The currency of `amount`."""
        return self.price.currency if self.price else None


class Check(msgspec.Struct, frozen=True):
    """Whether something may be used now, and where it stands. `upgrade` None: it may, or no plan allows more.

    `degraded`: the server did not answer; `allowed` is what this client was told to do then. `age_seconds` is above 0
    when the answer was kept from an earlier check.
    """

    allowed: bool
    balance: Balance
    upgrade: Offer | None = None
    degraded: bool = False
    age_seconds: float = 0.0


class Verification(msgspec.Struct, frozen=True):
    """Whose key it is and whether it is good. `code` tells why it is not: `not_found`, `revoked`, `quota_exceeded`.

    `usage` and `upgrade` are told when a feature was asked for. `stale`: the server did not answer, this is what it
    said some time ago.
    """

    valid: bool
    code: str
    key_id: str | None = None
    organization: str | None = None
    plan: str | None = None
    permissions: tuple[str, ...] = ()
    usage: Balance | None = None
    upgrade: Offer | None = None
    stale: bool = False


class Entitlement(msgspec.Struct, frozen=True):
    """What a customer has: `value` for switches and settings; `limit` and the rest for what is metered."""

    feature: str
    name: str
    kind: Literal["metered", "switch", "setting"]
    unit: str = ""
    value: bool | int | str | None = None
    used: int | None = None
    limit: int | None = None
    remaining: int | None = None
    reset_at: datetime | None = None
    period: str | None = None
    enforcement: Literal["hard", "soft"] | None = None


class Point(msgspec.Struct, frozen=True):
    """How much was used in the bucket that starts here."""

    start: datetime
    used: int


class History(msgspec.Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """The use of one feature over time, `[start, end)` in buckets."""

    feature: str
    start: datetime
    end: datetime
    bucket: str
    data: tuple[Point, ...]


class Price(msgspec.Struct, frozen=True):
    """What a plan costs an interval; `amount` in minor units of `currency`."""

    id: str
    interval: str
    amount: int
    currency: str


class PlanEntitlement(msgspec.Struct, frozen=True):
    """What a plan allows of a feature. `limit` None: unlimited, or not metered."""

    feature: str
    name: str
    kind: str
    unit: str
    limit: int | None
    value: bool | int | str | None
    hard: bool
    period: str


class Plan(msgspec.Struct, frozen=True):
    """A plan on sale. `rates`: requests a minute by group; None: by contract."""

    key: str
    name: str
    description: str
    is_default: bool
    prices: tuple[Price, ...]
    entitlements: tuple[PlanEntitlement, ...]
    rates: dict[str, int | None]


class Page(msgspec.Struct, frozen=True):
    """A hosted page to send somebody to. `session_id` only for a checkout."""

    url: str
    session_id: str | None = None


class PendingChange(msgspec.Struct, frozen=True):
    """What the subscription becomes at `at`."""

    plan: str | None
    interval: str | None
    quantity: int
    at: datetime


class PaymentStanding(msgspec.Struct, frozen=True):
    """Where a subscription stands with its payments: `current`, `processing`, `grace` or `restricted`.

    `since` is when the waiting invoice was made, `next_step_at` when something follows from it. `requires_action`: the
    customer must confirm the payment; `pay_url` is the page for that. None where there is no such thing.
    """

    state: str = "current"
    since: datetime | None = None
    next_step_at: datetime | None = None
    requires_action: bool = False
    pay_url: str | None = None


class Discount(msgspec.Struct, frozen=True):
    """What lowers the invoices: one of `percent_off` and `amount_off`. `code` None: it was given without one.

    `ends_at` None: with the next invoice when it is for one, else never.
    """

    name: str
    code: str | None = None
    percent_off: float | None = None
    amount_off: Money | None = None
    ends_at: datetime | None = None


class Subscription(msgspec.Struct, frozen=True):
    """The plan that may be used now and the subscription behind it. Times are None where they do not apply.

    `withheld` tells why a plan that was bought may not be used: `dunning`, `dispute`.
    `paused`: collecting rests, until `paused_until`; None: until it is taken back.
    """

    plan: str
    status: str
    current_period_start: datetime | None = None
    current_period_end: datetime | None = None
    cancel_at_period_end: bool = False
    trial_end: datetime | None = None
    quantity: int | None = None
    pending_change: PendingChange | None = None
    payment: PaymentStanding = PaymentStanding()
    withheld: tuple[str, ...] = ()
    paused: bool = False
    paused_until: datetime | None = None
    discount: Discount | None = None


class Returned(msgspec.Struct, frozen=True):
    """How coming back went: the subscription as it is now, or the page on which the plan can be bought."""

    subscription: Subscription | None = None
    checkout_url: str | None = None


class Line(msgspec.Struct, frozen=True):
    """One line of what a change costs; negative is a credit."""

    description: str
    amount: Money
    quantity: int | None = None
    proration: bool = False


class ComingInvoice(msgspec.Struct, frozen=True):
    """What the next invoice would be; `due` is `total` less what the balance takes off."""

    due: Money
    discount_total: Money
    total: Money
    lines: tuple[Line, ...]


class Preview(msgspec.Struct, frozen=True):
    """What a change of plan costs. Sent with the change, `as_of` makes it cost exactly this.

    `next_invoice` is there where nothing is charged before it.
    """

    at: str
    effective_at: datetime
    as_of: datetime
    due_now: Money
    balance: Money
    lines: tuple[Line, ...]
    next_invoice: ComingInvoice | None = None


class Customer(msgspec.Struct, frozen=True):
    """A customer as operators see it; `external_id` is your own name for it."""

    id: str
    name: str
    external_id: str | None = None


class ApiError(Exception):
    """The server refused a call. `problem` is its problem document, empty when it sent none."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status = status
        self.problem = problem
        self.code: str = problem.get("code", "unknown")
        self.detail: str = problem.get("detail") or problem.get("title") or f"The server answered {status}."
        self.request_id: str | None = problem.get("request_id")
        super().__init__(f"{self.code}: {self.detail}")


class QuotaExceeded(ApiError):  # noqa: N818 - a refusal that callers expect, not an error of theirs
    """A hard limit would be passed; nothing was recorded."""

    @property
    def upgrade(self) -> Offer | None:
        """The plan that would allow more; None when there is none."""
        return msgspec.convert(self.problem.get("upgrade"), Offer | None)


class RateLimited(ApiError):  # noqa: N818 - as QuotaExceeded
    """Too many calls a minute, also after waiting as told."""


class TooManyAtOnce(ApiError):  # noqa: N818 - as QuotaExceeded
    """As much of this work is under way as the plan allows; `problem` has `limit`, `in_use` and `retry_after`."""


class Unavailable(ApiError):  # noqa: N818 - as QuotaExceeded
    """The server could not be reached, or could not do its work, in all tries. `status` 0: it was not reached."""


def document_of(content: bytes) -> dict[str, Any]:
    """Read a JSON object; anything else is an empty one."""
    try:
        found = msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def error_of(status: int, problem: dict[str, Any]) -> ApiError:
    """Return the exception for a refused call."""
    if status == PAYMENT_REQUIRED and problem.get("code") == "quota_exceeded":
        return QuotaExceeded(status, problem)
    if status == RATE_LIMITED and problem.get("code") == "too_many_at_once":
        return TooManyAtOnce(status, problem)
    if status == RATE_LIMITED:
        return RateLimited(status, problem)
    if status >= 500:  # noqa: PLR2004 - where HTTP's server faults begin
        return Unavailable(status, problem)
    return ApiError(status, problem)
