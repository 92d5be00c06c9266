"""Stripe's objects and events read into our words, tolerant of older shapes and of words invented later."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from tollkeeper.kit import parse_id

from .model import (
    CheckoutState,
    CheckoutStatus,
    CustomerState,
    InvoiceLine,
    InvoiceState,
    PaymentMethod,
    PendingState,
    PriceAtProvider,
    ProviderEvent,
    Subject,
    SubscriptionState,
    ThinEventError,
    UnreadableEventError,
)

Json = Mapping[str, Any]

ORGANIZATION = "organization_id"
PRICE = "tollkeeper_price"
MAX_NAME = 255
_NOTHING: Json = MappingProxyType({})

HANDLED: tuple[str, ...] = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "customer.updated",
    "customer.deleted",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_succeeded",
    "invoice.payment_failed",
    "invoice.payment_action_required",
    "invoice.marked_uncollectible",
    "invoice.voided",
)
"""The types of events we act on, and have sent to us."""


def event(body: bytes) -> ProviderEvent:
    """Read a snapshot event.

    Raises:
        UnreadableEventError: the body is not JSON, or not an event.
        ThinEventError: it is an event of the other kind, which carries no object.
    """
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        raise UnreadableEventError("The body is not JSON.") from None
    if not isinstance(raw, dict):
        raise UnreadableEventError("The body is not a JSON object.")
    if str(raw.get("object", "")).startswith("v2."):
        raise ThinEventError
    subject = _mapping(_mapping(raw.get("data")).get("object"))
    if raw.get("object") != "event" or not subject or not _is_name(raw.get("id")) or not _is_name(raw.get("type")):
        raise UnreadableEventError("The body is not an event: `object`, `id`, `type` and `data.object` are needed.")
    created = raw.get("created")
    version, livemode = raw.get("api_version"), raw.get("livemode")
    if not isinstance(created, int) or not isinstance(livemode, bool):
        raise UnreadableEventError("The body is not an event: `created` and `livemode` are needed.")
    try:
        at = datetime.fromtimestamp(created, UTC)
    except (ValueError, OverflowError, OSError):
        raise UnreadableEventError("The body is not an event: `created` is no time.") from None
    return ProviderEvent(
        id=raw["id"],
        type=raw["type"],
        api_version=version if isinstance(version, str) else None,
        livemode=livemode,
        created_at=at,
        subject=_subject(subject) if raw["type"] in HANDLED else None,
    )


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_NAME and value.isprintable()


def _subject(body: Json) -> Subject:
    kind, own = body.get("object"), ident(body.get("id"))
    if kind == "customer":
        return Subject(customer_id=own)
    return Subject(
        customer_id=ident(body.get("customer")),
        subscription_id=own if kind == "subscription" else _subscription_of(body),
        invoice_id=own if kind == "invoice" else None,
        checkout_id=own if kind == "checkout.session" else None,
    )


def _subscription_of(body: Json) -> str | None:
    """Return the subscription of an invoice or checkout; before 2025 it stood at the top of invoices, too."""
    parent = _mapping(_mapping(body.get("parent")).get("subscription_details"))
    return ident(parent.get("subscription")) or ident(body.get("subscription"))


def customer(body: Json) -> CustomerState:
    """Read a customer, deleted ones too."""
    default = _mapping(body.get("invoice_settings")).get("default_payment_method")
    return CustomerState(
        id=body["id"],
        organization_id=_organization(body),
        email=body.get("email"),
        balance=body.get("balance") or 0,
        currency=body.get("currency"),
        payment_method=payment_method(default),
        deleted=bool(body.get("deleted", False)),
    )


def payment_method(body: Any) -> PaymentMethod | None:
    """Read what may be shown of a payment method; None when there is none or it was not expanded."""
    if not isinstance(body, Mapping):
        return None
    kind = str(body.get("type", "unknown"))
    details = _mapping(body.get(kind))
    return PaymentMethod(
        kind=kind,
        brand=details.get("brand") or details.get("bank_name"),
        last4=details.get("last4"),
        exp_month=details.get("exp_month"),
        exp_year=details.get("exp_year"),
    )


def subscription(body: Json) -> SubscriptionState:
    """Read a subscription; its invoice and customer only where they were expanded."""
    items = _mapping(body.get("items")).get("data") or []
    item = _mapping(items[0]) if items else _NOTHING
    end = _time(item.get("current_period_end") or body.get("current_period_end"))
    cancel_at = _time(body.get("cancel_at"))
    invoice_body, customer_body = body.get("latest_invoice"), body.get("customer")
    return SubscriptionState(
        id=body["id"],
        customer_id=ident(customer_body) or "",
        status=str(body["status"]),
        price=_price(item.get("price")),
        item_id=item.get("id"),
        quantity=item.get("quantity") or 1,
        period_start=_time(item.get("current_period_start") or body.get("current_period_start")),
        period_end=end,
        # The portal says `cancel_at` on flexible subscriptions where the flag was set on classic ones.
        cancel_at_period_end=bool(body.get("cancel_at_period_end"))
        or (cancel_at is not None and end is not None and cancel_at <= end),
        cancel_at=cancel_at,
        canceled_at=_time(body.get("canceled_at")),
        ended_at=_time(body.get("ended_at")),
        trial_end=_time(body.get("trial_end")),
        created_at=_moment(body["created"]),
        latest_invoice=invoice(invoice_body) if isinstance(invoice_body, Mapping) else None,
        customer=customer(customer_body) if isinstance(customer_body, Mapping) else None,
        payment_method=payment_method(body.get("default_payment_method")),
        schedule_id=ident(body.get("schedule")),
        pending=_pending(body.get("schedule")),
    )


def running_phase(schedule: Json) -> Json:
    """Return the phase of a schedule that is in force; the first when the provider does not tell."""
    start = _mapping(schedule.get("current_phase")).get("start_date")
    phases: list[Json] = list(schedule["phases"])
    return next((each for each in phases if each["start_date"] == start), phases[0])


def _pending(schedule: Any) -> PendingState | None:
    """Read what comes after the running phase; None when nothing does, or the schedule was not expanded."""
    if not isinstance(schedule, Mapping) or schedule.get("status") not in {"active", "not_started"}:
        return None
    end = running_phase(schedule).get("end_date")
    following = next((each for each in schedule["phases"] if end is not None and each["start_date"] == end), None)
    if following is None or not following["items"]:
        return None
    item = following["items"][0]
    price = _price(item["price"]) or PriceAtProvider(str(item["price"]), None)
    return PendingState(price, item.get("quantity") or 1, _moment(following["start_date"]))


def _price(body: Any) -> PriceAtProvider | None:
    if not isinstance(body, Mapping):
        return None
    return PriceAtProvider(body["id"], parse_id(str(_mapping(body.get("metadata")).get(PRICE, ""))))


def invoice(body: Json) -> InvoiceState:
    """Read an invoice with the lines that came with it."""
    lines = _mapping(body.get("lines")).get("data") or []
    turned = _mapping(body.get("status_transitions"))
    total, without_tax = body.get("total") or 0, body.get("total_excluding_tax")
    return InvoiceState(
        id=body["id"],
        customer_id=ident(body.get("customer")) or "",
        subscription_id=_subscription_of(body),
        number=body.get("number"),
        status=str(body.get("status") or "draft"),
        reason=body.get("billing_reason"),
        currency=body["currency"],
        subtotal=body.get("subtotal") or 0,
        tax=total - without_tax if isinstance(without_tax, int) else 0,
        total=total,
        amount_due=body.get("amount_due") or 0,
        amount_paid=body.get("amount_paid") or 0,
        amount_remaining=body.get("amount_remaining") or 0,
        attempt_count=body.get("attempt_count") or 0,
        created_at=_moment(body["created"]),
        period_start=_time(body.get("period_start")),
        period_end=_time(body.get("period_end")),
        due_at=_time(body.get("due_date")),
        paid_at=_time(turned.get("paid_at")),
        next_attempt_at=_time(body.get("next_payment_attempt")),
        page_url=body.get("hosted_invoice_url"),
        pdf_url=body.get("invoice_pdf"),
        lines=tuple(invoice_line(line) for line in lines),
    )


def invoice_line(body: Json) -> InvoiceLine:
    """Read one line of an invoice."""
    period, parent = _mapping(body.get("period")), _mapping(body.get("parent"))
    details = _mapping(parent.get("subscription_item_details") or parent.get("invoice_item_details"))
    return InvoiceLine(
        description=body.get("description") or "",
        amount=body["amount"],
        quantity=body.get("quantity"),
        period_start=_time(period.get("start")),
        period_end=_time(period.get("end")),
        proration=bool(details.get("proration")),
        provider_price=ident(_mapping(_mapping(body.get("pricing")).get("price_details")).get("price")),
    )


def waits_for_customer(payment: Json) -> bool:
    """Whether a payment of an invoice, with its intent expanded, waits for the customer to confirm it."""
    return _mapping(_mapping(payment.get("payment")).get("payment_intent")).get("status") == "requires_action"


def checkout(body: Json) -> CheckoutState:
    """Read a checkout session."""
    return CheckoutState(
        id=body["id"],
        url=body.get("url"),
        status=CheckoutStatus(body["status"]),
        customer_id=ident(body.get("customer")),
        subscription_id=ident(body.get("subscription")),
        price_id=parse_id(str(_mapping(body.get("metadata")).get(PRICE, ""))),
        success_url=body.get("success_url"),
        cancel_url=body.get("cancel_url"),
    )


def _organization(body: Json) -> UUID | None:
    return parse_id(str(_mapping(body.get("metadata")).get(ORGANIZATION, "")))


def _mapping(value: Any) -> Json:
    return value if isinstance(value, Mapping) else _NOTHING


def ident(value: Any) -> str | None:
    """Return the id of a reference, expanded or not."""
    found = value.get("id") if isinstance(value, Mapping) else value
    return found if isinstance(found, str) and found else None


def _time(value: Any) -> datetime | None:
    return _moment(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _moment(value: int) -> datetime:
    return datetime.fromtimestamp(value, UTC)
