"""Rows of the lists over everybody. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tollkeeper.billing import Charge, Invoice, Refund, Subscription, rests
from tollkeeper.billing.subscriptions import meaning
from tollkeeper.catalog import Price
from tollkeeper.web.portal import CHARGE_STATES, INVOICE_STATES, REFUND_STATES, SUBSCRIPTION_STATES, way_words
from tollkeeper.web.ui import amount, exact

from .naming import Names, Owner


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """A subscription in the list. `until` is what comes next, in the words `next_words`; None: nothing does."""

    id: UUID
    owner: Owner
    plan: str
    state: str
    tone: str
    price: str
    next_words: str
    until: datetime | None
    since: datetime


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """An invoice in the list; `remaining` is empty where nothing is owed."""

    id: UUID
    number: str
    owner: Owner
    state: str
    tone: str
    at: datetime
    remaining: str
    total: str


@dataclass(frozen=True, slots=True)
class MoneyRow:
    """A payment or a refund in the list. `note` says more of its state; `invoice` is our id of what it is for."""

    owner: Owner
    what: str
    state: str
    tone: str
    note: str
    at: datetime
    invoice: UUID | None
    amount: str


def subscription_rows(
    found: Iterable[Subscription], names: Names, plans: Mapping[str, str], prices: Mapping[UUID, Price]
) -> list[SubscriptionRow]:
    """Return subscriptions as they are listed."""
    return [_subscription(each, names, plans, prices) for each in found]


def price_words(subscription: Subscription, prices: Mapping[UUID, Price]) -> str:
    """Say what a subscription costs: `$20 a month`, `3 at $20 a month`; empty at a price that is none of ours."""
    price = prices.get(subscription.price_id) if subscription.price_id else None
    if price is None:
        return ""
    each = f"{amount(price.money)} a {price.interval.value}"
    return each if subscription.quantity == 1 else f"{subscription.quantity} at {each}"


def state_of(subscription: Subscription) -> tuple[str, str]:
    """Return the state of a subscription in words, and its tone."""
    if meaning(subscription.status).over:
        return "Ended", "neutral"
    if subscription.cancel_at_period_end:
        return "Ends soon", "warn"
    if rests(subscription.pause):
        return SUBSCRIPTION_STATES["paused"]
    if subscription.extended_until is not None:
        return "Extended", "good"
    unknown = (subscription.status.replace("_", " ").capitalize(), "neutral")
    return SUBSCRIPTION_STATES.get(subscription.status, unknown)


def next_of(subscription: Subscription) -> tuple[str, datetime | None]:
    """Return what comes next in the life of a subscription, and when; None: nothing, or nobody knows when."""
    if meaning(subscription.status).over:
        return "Ended", subscription.ended_at
    if subscription.cancel_at_period_end:
        return "Ends", subscription.current_period_end
    if subscription.pause is not None and rests(subscription.pause):
        return "Goes on", subscription.pause.until
    if subscription.in_trial:
        return "Trial ends", subscription.trial_end
    if subscription.pending is not None:
        return "Changes", subscription.pending.at
    return "Renews", subscription.current_period_end


def invoice_rows(found: Iterable[Invoice], names: Names) -> list[InvoiceRow]:
    """Return invoices as they are listed."""
    return [
        InvoiceRow(
            id=each.id,
            number=each.number or "Draft",
            owner=names.owners[each.organization_id],
            state=INVOICE_STATES.get(each.status, (each.status.capitalize(), "neutral"))[0],
            tone=INVOICE_STATES.get(each.status, ("", "neutral"))[1],
            at=each.issued_at,
            remaining=exact(each.amount_remaining) if each.amount_remaining.amount and each.status == "open" else "",
            total=exact(each.total),
        )
        for each in found
    ]


def charge_rows(found: Iterable[Charge], names: Names, invoices: Mapping[str, UUID]) -> list[MoneyRow]:
    """Return payments as they are listed."""
    return [_charge(each, names, invoices) for each in found]


def refund_rows(found: Iterable[Refund], names: Names, invoices: Mapping[str, UUID]) -> list[MoneyRow]:
    """Return refunds as they are listed."""
    return [
        MoneyRow(
            owner=names.owners[each.organization_id],
            what=(each.note or (each.reason or "Refund").replace("_", " ").capitalize()),
            state=REFUND_STATES.get(each.status, (each.status.capitalize(), "neutral"))[0],
            tone=REFUND_STATES.get(each.status, ("", "neutral"))[1],
            note=(each.failure_reason or "").replace("_", " "),
            at=each.created_at,
            invoice=invoices.get(each.invoice or ""),
            amount=exact(-each.amount),
        )
        for each in found
    ]


def _subscription(
    each: Subscription, names: Names, plans: Mapping[str, str], prices: Mapping[UUID, Price]
) -> SubscriptionRow:
    state, tone = state_of(each)
    words, until = next_of(each)
    plan = plans.get(each.plan, each.plan) if each.plan else "Price of another catalogue"
    owner, price = names.owners[each.organization_id], price_words(each, prices)
    return SubscriptionRow(each.id, owner, plan, state, tone, price, words, until, each.started_at)


def _charge(each: Charge, names: Names, invoices: Mapping[str, UUID]) -> MoneyRow:
    state, tone = CHARGE_STATES.get(each.status, (each.status.capitalize(), "neutral"))
    note = each.failure_message or "" if each.status == "failed" else ""
    if each.disputed:
        state, tone = "Disputed", "bad"
    elif each.refunded.amount:
        note = f"{exact(each.refunded)} given back"
    return MoneyRow(
        owner=names.owners[each.organization_id],
        what=way_words(each.method),
        state=state,
        tone=tone,
        note=note,
        at=each.created_at,
        invoice=invoices.get(each.invoice or ""),
        amount=exact(each.amount),
    )
