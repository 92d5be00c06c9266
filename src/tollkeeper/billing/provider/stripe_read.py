"""Stripe's objects and events read into our words, tolerant of older shapes and of words invented later."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tollkeeper.kit import parse_id

from .model import (
    CheckoutState,
    CheckoutStatus,
    CustomerState,
    Pause,
    PaymentMethod,
    PaymentProgress,
    PendingState,
    PriceAtProvider,
    ProviderEvent,
    Subject,
    SubscriptionState,
    ThinEventError,
    UnreadableEventError,
)
from .stripe_read_discounts import discount
from .stripe_read_invoices import invoice, invoice_line, subscription_of
from .stripe_read_items import OURS, PRICE, addon_item, plan_item
from .stripe_read_items import price as plan_price
from .stripe_read_parts import Json, ident, mapping, moment, time

__all__ = [
    "ADDONS",
    "HANDLED",
    "ORGANIZATION",
    "OURS",
    "PRICE",
    "Json",
    "checkout",
    "customer",
    "event",
    "ident",
    "invoice",
    "invoice_line",
    "payment_method",
    "running_phase",
    "subscription",
]

ORGANIZATION = "organization_id"
EXTENDED = "tollkeeper_extended_until"
"""Metadata of a subscription: the end we gave to a paid period, in seconds of Unix time."""
ADDONS = "addons"
TERMS = "terms"
"""Under which name is written on a checkout what it gives beside the price."""
MAX_NAME = 255

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
    "customer.subscription.trial_will_end",
    "customer.subscription.resumed",
    "subscription_schedule.created",
    "subscription_schedule.updated",
    "subscription_schedule.released",
    "subscription_schedule.completed",
    "subscription_schedule.canceled",
    "subscription_schedule.aborted",
    "invoice.created",
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_succeeded",
    "invoice.payment_failed",
    "invoice.payment_action_required",
    "invoice.marked_uncollectible",
    "invoice.voided",
    "credit_note.created",
    "credit_note.updated",
    "credit_note.voided",
    "charge.succeeded",
    "charge.pending",
    "charge.failed",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "refund.created",
    "refund.updated",
    "refund.failed",
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
    subject = mapping(mapping(raw.get("data")).get("object"))
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
    if kind in {"charge", "refund", "dispute"}:
        charge = own if kind == "charge" else ident(body.get("charge"))
        return Subject(customer_id=ident(body.get("customer")), payment_id=ident(body.get("payment_intent")) or charge)
    # A schedule that let go of its subscription names it under another word.
    planned = ident(body.get("released_subscription")) if kind == "subscription_schedule" else None
    return Subject(
        customer_id=ident(body.get("customer")),
        subscription_id=own if kind == "subscription" else subscription_of(body) or planned,
        invoice_id=own if kind == "invoice" else ident(body.get("invoice")) if kind == "credit_note" else None,
        checkout_id=own if kind == "checkout.session" else None,
        credit_note_id=own if kind == "credit_note" else None,
    )


def customer(body: Json) -> CustomerState:
    """Read a customer, deleted ones too."""
    default = mapping(body.get("invoice_settings")).get("default_payment_method")
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
    details = mapping(body.get(kind))
    return PaymentMethod(
        kind=kind,
        brand=details.get("brand") or details.get("bank_name"),
        last4=details.get("last4"),
        exp_month=details.get("exp_month"),
        exp_year=details.get("exp_year"),
    )


def subscription(body: Json) -> SubscriptionState:
    """Read a subscription; its invoice and customer only where they were expanded."""
    items = mapping(body.get("items")).get("data") or []
    item, beside = plan_item(items)
    end = time(item.get("current_period_end") or body.get("current_period_end"))
    cancel_at = time(body.get("cancel_at"))
    invoice_body, customer_body = body.get("latest_invoice"), body.get("customer")
    return SubscriptionState(
        id=body["id"],
        customer_id=ident(customer_body) or "",
        status=str(body["status"]),
        price=plan_price(item.get("price")),
        item_id=item.get("id"),
        quantity=item.get("quantity") or 1,
        period_start=time(item.get("current_period_start") or body.get("current_period_start")),
        period_end=end,
        # The portal says `cancel_at` on flexible subscriptions where the flag was set on classic ones.
        cancel_at_period_end=bool(body.get("cancel_at_period_end"))
        or (cancel_at is not None and end is not None and cancel_at <= end),
        cancel_at=cancel_at,
        canceled_at=time(body.get("canceled_at")),
        ended_at=time(body.get("ended_at")),
        trial_end=time(body.get("trial_end")),
        created_at=moment(body["created"]),
        latest_invoice=invoice(invoice_body) if isinstance(invoice_body, Mapping) else None,
        customer=customer(customer_body) if isinstance(customer_body, Mapping) else None,
        payment_method=payment_method(body.get("default_payment_method")),
        schedule_id=ident(body.get("schedule")),
        pending=_pending(body.get("schedule")),
        discount=discount(body.get("discounts"), body.get("currency")),
        pause=pause(body.get("pause_collection")),
        addons=tuple(map(addon_item, beside)),
        extended_until=_extended_until(body),
    )


def _extended_until(body: Json) -> datetime | None:
    """Read until when a paid period was made longer: what we noted is so as long as the provider's end is the same."""
    end = body.get("trial_end")
    noted = mapping(body.get("metadata")).get(EXTENDED)
    return time(end) if body["status"] == "trialing" and noted == str(end) else None


def running_phase(schedule: Json) -> Json:
    """Return the phase of a schedule that is in force; the first when the provider does not tell."""
    start = mapping(schedule.get("current_phase")).get("start_date")
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
    item, beside = plan_item(following["items"])
    price = plan_price(item["price"]) or PriceAtProvider(str(item["price"]), None)
    at = moment(following["start_date"])
    named = (ident(mapping(each).get("promotion_code")) for each in following.get("discounts") or ())
    code = next((each for each in named if each), None)
    return PendingState(price, item.get("quantity") or 1, at, tuple(map(addon_item, beside)), code)


def payment_progress(payment: Json) -> PaymentProgress:
    """Read where a payment of an invoice, with its intent expanded, stands."""
    intent = mapping(mapping(payment.get("payment")).get("payment_intent"))
    # A renewal that is tried while nobody is there to confirm it ends as a refusal that says so.
    refused = mapping(intent.get("last_payment_error")).get("code") == "authentication_required"
    known = {
        "requires_action": PaymentProgress.REQUIRES_ACTION,
        "requires_payment_method": PaymentProgress.REQUIRES_ACTION if refused else PaymentProgress.WAITING,
        "processing": PaymentProgress.PROCESSING,
    }
    return known.get(str(intent.get("status")), PaymentProgress.WAITING)


def pause(body: Any) -> Pause | None:
    """Read a pause of collecting; None when there is none."""
    if not isinstance(body, Mapping):
        return None
    return Pause(str(body.get("behavior")), time(body.get("resumes_at")))


def checkout(body: Json) -> CheckoutState:
    """Read a checkout session."""
    return CheckoutState(
        id=body["id"],
        url=body.get("url"),
        status=CheckoutStatus(body["status"]),
        customer_id=ident(body.get("customer")),
        subscription_id=ident(body.get("subscription")),
        price_id=parse_id(str(mapping(body.get("metadata")).get(PRICE, ""))),
        success_url=body.get("success_url"),
        cancel_url=body.get("cancel_url"),
        addons=str(mapping(body.get("metadata")).get(ADDONS, "")),
        terms=str(mapping(body.get("metadata")).get(TERMS, "")),
    )


def _organization(body: Json) -> UUID | None:
    return parse_id(str(mapping(body.get("metadata")).get(ORGANIZATION, "")))
