"""The calls of the API as values: where they go, what they carry, what they answer. The clients only send them."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from .model import (
    ApiError,
    Balance,
    Check,
    Customer,
    Entitlement,
    History,
    Offer,
    Page,
    Plan,
    Preview,
    Subscription,
    Unavailable,
    Verification,
    document_of,
    error_of,
)

T = TypeVar("T")
Interval = Literal["month", "year"]
When = Literal["now", "period_end"]
_REFUSED = 400


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One call; sent again it is the same call, its keys included."""

    method: str
    path: str
    answers: Any
    """The type its answer is read as."""
    body: dict[str, Any] | None = None
    query: dict[str, str] | None = None
    headers: dict[str, str] | None = None

    def read(self, response: httpx.Response) -> T:
        """Return what was answered.

        Raises:
            ApiError: the answer is a refusal, or nothing that this call answers.
        """
        if response.status_code >= _REFUSED:
            raise error_of(response.status_code, document_of(response.content))
        try:
            # An answer without content reads as null.
            found: T = msgspec.json.decode(response.content or b"null", type=self.answers)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            wrong = {"code": "not_tollkeeper", "detail": f"The answer is not Tollkeeper's: {error}"}
            raise Unavailable(response.status_code, wrong) from None
        return found


def unreachable(error: Exception) -> ApiError:
    """Return what to raise when no answer came at all."""
    return Unavailable(0, {"code": "unreachable", "detail": f"The server could not be reached: {error}"})


class UsageAnswer(msgspec.Struct):
    """Where features stand, and the history that was asked for."""

    data: list[Balance]
    history: History | None = None


class CheckAnswer(Balance, frozen=True, kw_only=True):
    """A check as the server answers it."""

    allowed: bool
    upgrade: Offer | None = None

    def check(self) -> Check:
        """Return it as callers see it."""
        balance = Balance(self.feature, self.used, self.limit, self.remaining, self.reset_at)
        return Check(self.allowed, balance, self.upgrade)


class Listed(msgspec.Struct, Generic[T]):
    """A list that fits one page."""

    data: list[T]


def new_key() -> str:
    """Return an idempotency key nobody used before."""
    return uuid.uuid4().hex


def given(**members: Any) -> dict[str, Any]:
    """Leave out what was not given."""
    return {name: value for name, value in members.items() if value is not None}


def of_customer(customer: str | None) -> dict[str, str] | None:
    """Name the customer in a query; operators do."""
    return {"customer": customer} if customer else None


def once() -> dict[str, str]:
    """Have the call done once, however often it is tried."""
    return {"Idempotency-Key": new_key()}


def track(
    feature: str, count: int, *, idempotency_key: str | None, at: datetime | None, customer: str | None
) -> Call[Balance]:
    """Use something; the key is made here, so that every try of this call carries the same one."""
    key = idempotency_key or new_key()
    moment = at.isoformat() if at else None
    body = given(feature=feature, count=count, idempotency_key=key, at=moment, customer=customer)
    return Call("POST", "/api/usage/track", Balance, body)


def check(feature: str, count: int, *, customer: str | None) -> Call[CheckAnswer]:
    """Ask whether something may be used."""
    return Call("POST", "/api/usage/check", CheckAnswer, given(feature=feature, count=count, customer=customer))


def set_gauge(
    feature: str, value: int, *, idempotency_key: str | None, at: datetime | None, customer: str | None
) -> Call[Balance]:
    """Say what a gauge stands at; the key is made here, so that every try of this call carries the same one."""
    key = idempotency_key or new_key()
    moment = at.isoformat() if at else None
    body = given(feature=feature, value=value, idempotency_key=key, at=moment, customer=customer)
    return Call("POST", "/api/usage/set", Balance, body)


def verify_key(key: str, feature: str | None, quantity: int) -> Call[Verification]:
    """Ask whose key it is."""
    asked = given(feature=feature, quantity=quantity if feature else None)
    return Call("POST", "/api/keys/verify", Verification, {"key": key, **asked})


def usage(customer: str | None) -> Call[UsageAnswer]:
    """Where every metered feature stands."""
    return Call("GET", "/api/usage", UsageAnswer, query=of_customer(customer))


def history(
    feature: str, *, start: datetime | None, end: datetime | None, bucket: str, customer: str | None
) -> Call[UsageAnswer]:
    """The use of one feature over time."""
    span = {"from": start.isoformat() if start else None, "to": end.isoformat() if end else None}
    query = given(feature=feature, bucket=bucket, customer=customer, **span)
    return Call("GET", "/api/usage", UsageAnswer, query=query)


def limits(customer: str | None) -> Call[Listed[Entitlement]]:
    """Every entitlement."""
    return Call("GET", "/api/usage/limits", Listed[Entitlement], query=of_customer(customer))


def plans() -> Call[Listed[Plan]]:
    """Every public plan."""
    return Call("GET", "/api/plans", Listed[Plan])


def checkout(
    plan: str, interval: Interval | None, *, success_url: str | None, cancel_url: str | None, customer: str | None
) -> Call[Page]:
    """Open the page on which a plan is bought."""
    body = given(plan=plan, interval=interval, success_url=success_url, cancel_url=cancel_url, customer=customer)
    return Call("POST", "/api/stripe/create-checkout", Page, body, headers=once())


def portal(return_url: str | None, customer: str | None) -> Call[Page]:
    """Open the page on which payment methods, invoices and cancellation are handled."""
    body = given(return_url=return_url, customer=customer)
    return Call("POST", "/api/stripe/portal", Page, body, headers=once())


def subscription(customer: str | None) -> Call[Subscription]:
    """The subscription and what it allows now."""
    return Call("GET", "/api/subscription/status", Subscription, query=of_customer(customer))


@dataclass(frozen=True, slots=True)
class Wish:
    """What the subscription is to become; None stays as it is, `at` None: up now, down at the end of the period."""

    plan: str | None = None
    interval: Interval | None = None
    quantity: int | None = None
    at: When | None = None
    as_of: datetime | None = None
    promotion_code: str | None = None

    def body(self, customer: str | None) -> dict[str, Any]:
        """As the API takes it."""
        moment = self.as_of.isoformat() if self.as_of else None
        named = given(plan=self.plan, interval=self.interval, quantity=self.quantity)
        return named | given(at=self.at, as_of=moment, promotion_code=self.promotion_code, customer=customer)


def preview(wish: Wish, customer: str | None) -> Call[Preview]:
    """What a change would cost."""
    return Call("POST", "/api/subscription/preview", Preview, wish.body(customer))


def change(wish: Wish, customer: str | None) -> Call[Subscription]:
    """Change the subscription."""
    return Call("POST", "/api/subscription/change", Subscription, wish.body(customer), headers=once())


def cancel_change(customer: str | None) -> Call[Subscription]:
    """Take back a change that was to come."""
    return Call("POST", "/api/subscription/change/cancel", Subscription, given(customer=customer))


def cancel(at: When, customer: str | None) -> Call[Subscription]:
    """End the subscription."""
    return Call("POST", "/api/subscription/cancel", Subscription, given(at=at, customer=customer))


def resume(customer: str | None) -> Call[Subscription]:
    """Take back a cancellation."""
    return Call("POST", "/api/subscription/resume", Subscription, given(customer=customer))


def create_customer(name: str, external_id: str | None) -> Call[Customer]:
    """Create a customer; operators only."""
    body = given(name=name, external_id=external_id)
    return Call("POST", "/api/customers", Customer, body, headers=once())


def customer_of(reference: str) -> Call[Customer]:
    """One customer; operators only."""
    return Call("GET", f"/api/customers/{quote(reference, safe='')}", Customer)
