"""The life of a subscription: start, first invoice, renewal, failure, end. The API calls are in `subscriptions`."""

from collections.abc import Callable, Sequence
from typing import NotRequired, TypedDict

from stripe_twin.core import ids
from stripe_twin.core.errors import invalid
from stripe_twin.core.json import Json
from stripe_twin.core.params import choice, obj, required
from stripe_twin.core.store import equals
from stripe_twin.core.unit import Unit
from stripe_twin.resources import automatic_tax, customers, discounts, invoice_lines, invoicing
from stripe_twin.resources.invoicing import Outcome
from stripe_twin.rules.periods import DAY, period_at

INCOMPLETE_SECONDS = 23 * 3_600
TRIAL_SETTINGS = obj(
    end_behavior=required(obj(missing_payment_method=required(choice("cancel", "create_invoice", "pause"))))
)
UPCOMING_SECONDS = 7 * DAY
TRIAL_NOTICE_SECONDS = 3 * DAY
# Called with every subscription that ended, after its own event.
ON_END: list[Callable[[Unit, Json], None]] = []
ENDED = ("canceled", "incomplete_expired")


class WantedItem(TypedDict):
    """One line of what is subscribed to. `quantity` is None for metered prices."""

    price: Json
    quantity: int | None
    metadata: Json
    tax_rates: NotRequired[list[str]]


def items_of(unit: Unit, subscription: Json) -> list[Json]:
    """Its items, oldest first."""
    return unit.of("subscription_item", subscription=subscription["id"])


def recurring_price(unit: Unit, ident: str, param: str, *, on_sale: bool = True) -> Json:
    """The price, if it can be subscribed to; `on_sale` False: one that is subscribed to already may be off sale."""
    price = unit.load("price", ident, param)
    if price["type"] != "recurring":
        raise invalid(
            "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.",
            param=param,
        )
    if on_sale and not price["active"]:
        raise invalid("The price specified is inactive. This field only accepts active prices.", param=param)
    return price


def item_period(price: Json, anchor: int, moment: int) -> tuple[int, int]:
    """The period of this price that holds the moment, counted from the anchor."""
    recurring = price["recurring"]
    return period_at(anchor, recurring["interval"], recurring["interval_count"], moment)


def start(
    unit: Unit,
    customer: Json,
    wanted: list[WantedItem],
    *,
    trial_end: int | None = None,
    first_status: str = "incomplete",
    sweep: bool = True,
    discounted: Sequence[Json] = (),
    details: Json | None = None,
) -> Json:
    """A new subscription with its items and the draft of its first invoice, both reported.

    `sweep` bills pending items of the customer, too; `discounted` are wanted discounts; `details` overrides any field.
    """
    ident = ids.long("sub")
    anchor = trial_end or unit.now
    currency = wanted[0]["price"]["currency"]
    subscription: Json = {
        **_blank(unit, customer, currency),
        "id": ident,
        "billing_cycle_anchor": anchor,
        "status": "trialing" if trial_end else first_status,
        "trial_start": unit.now if trial_end else None,
        "trial_end": trial_end,
        "discounts": discounts.attach(unit, discounted, customer["id"], currency, subscription=ident),
        **(details or {}),
    }
    for one in wanted:
        period = (unit.now, trial_end) if trial_end else item_period(one["price"], anchor, unit.now)
        add_item(unit, ident, one, period)
    note_period(unit, subscription)
    if subscription["cancel_at_period_end"]:
        schedule_end(unit, subscription)
    items = items_of(unit, subscription)
    lines = [line_for(unit, subscription, item, trial=trial_end is not None) for item in items]
    waiting = invoicing.sweep(unit, customer["id"]) if sweep else []
    bill(unit, subscription, [*lines, *waiting], "subscription_create")
    unit.emit("customer.subscription.created", subscription)
    if trial_end:
        note_trial(unit, subscription)
    return subscription


def note_trial(unit: Unit, subscription: Json) -> None:
    """Three days before a trial ends its end is told; at once for a shorter one."""
    moment = subscription["trial_end"] - TRIAL_NOTICE_SECONDS
    subscription["_trial_notice_at"] = moment if moment > unit.now else None
    unit.save(subscription)
    if moment <= unit.now:
        unit.emit("customer.subscription.trial_will_end", subscription)


def _blank(unit: Unit, customer: Json, currency: str) -> Json:
    return {
        "object": "subscription",
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor_config": None,
        "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible", "updated_at": unit.now},
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "collection_method": "charge_automatically",
        "created": unit.now,
        "currency": currency,
        "customer": customer["id"],
        "customer_account": None,
        "days_until_due": None,
        "default_payment_method": None,
        "default_source": None,
        "description": None,
        "discounts": [],
        "ended_at": None,
        "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
        "latest_invoice": None,
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": {},
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None,
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "schedule": None,
        "start_date": unit.now,
        "test_clock": customer["test_clock"],
        "transfer_data": None,
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
    }


def add_item(unit: Unit, subscription: str, wanted: WantedItem, period: tuple[int, int]) -> Json:
    """A new item of the subscription."""
    return unit.save(
        {
            "id": ids.short("si"),
            "object": "subscription_item",
            "billing_thresholds": None,
            "created": unit.now,
            "current_period_end": period[1],
            "current_period_start": period[0],
            "discounts": [],
            "metadata": wanted["metadata"],
            "quantity": wanted["quantity"],
            "subscription": subscription,
            "_price": wanted["price"]["id"],
            "_tax_rates": wanted.get("tax_rates", []),
        }
    )


def note_period(unit: Unit, subscription: Json) -> None:
    """Save it with the moment at which its earliest item renews; an end at period end moves along."""
    upcoming = min(item["current_period_end"] for item in items_of(unit, subscription)) - UPCOMING_SECONDS
    subscription["_upcoming_at"] = upcoming if upcoming > unit.now else None
    subscription["_period_end"] = min(item["current_period_end"] for item in items_of(unit, subscription))
    if subscription["cancel_at_period_end"]:
        subscription["cancel_at"] = subscription["_period_end"]
    unit.save(subscription)


def line_for(unit: Unit, subscription: Json, item: Json, *, trial: bool = False) -> Json:
    """The line for the period the item is in."""
    period = (item["current_period_start"], item["current_period_end"])
    return invoice_lines.of_subscription_item(unit, subscription, item, period, trial=trial)


def bill(
    unit: Unit,
    subscription: Json,
    lines: list[Json],
    reason: str,
    *,
    period_start: int | None = None,
    wait: bool = False,
) -> Json:
    """The draft of an invoice for the subscription, now its latest. `wait` leaves it a draft for its hour."""
    customer = unit.load("customer", subscription["customer"])
    kept = (subscription["pause_collection"] or {}).get("behavior") == "keep_as_draft"
    waits = wait and not kept
    details: Json = {"automatically_finalizes_at": unit.now + invoicing.DRAFT_SECONDS if waits else None}
    if kept:
        details["auto_advance"] = False
    if subscription["automatic_tax"]["enabled"] or subscription["automatic_tax"]["disabled_reason"]:
        details["automatic_tax"] = automatic_tax.of_invoice(customer, enabled=True)
    if subscription["collection_method"] == "send_invoice":
        details["due_date"] = unit.now + (subscription["days_until_due"] or 0) * DAY
    invoice = invoicing.make(
        unit,
        customer,
        subscription["currency"],
        lines,
        reason,
        subscription=subscription,
        period_start=period_start,
        details=details,
    )
    invoicing.claim(unit, invoice)
    subscription["latest_invoice"] = invoice["id"]
    _use_up(unit, subscription, customer, invoice)
    unit.save(subscription)
    return invoice


def _use_up(unit: Unit, subscription: Json, customer: Json, invoice: Json) -> None:
    """A discount for one invoice goes once it lowered one, any other when its time is over."""
    lowered = {part["discount"] for part in invoice["total_discount_amounts"]}
    over = {each["id"] for each in invoice["_discounts"] if each["once"] and each["id"] in lowered}
    in_force = {each["id"] for each in invoice["_discounts"]}
    for ident in [ident for ident in subscription["discounts"] if ident in over or ident not in in_force]:
        subscription["discounts"] = [other for other in subscription["discounts"] if other != ident]
        discounts.drop(unit, ident)
    if customer.get("_discount") in over:
        customers.drop_discount(unit, customer)


def schedule_end(unit: Unit, subscription: Json) -> None:
    """Mark it to end with its period; the caller reports."""
    subscription.update(cancel_at_period_end=True, canceled_at=unit.now)
    note_period(unit, subscription)
    subscription["cancellation_details"] = {**subscription["cancellation_details"], "reason": "cancellation_requested"}


def unschedule_end(subscription: Json) -> None:
    """Take the mark away; the caller saves and reports."""
    subscription.update(cancel_at_period_end=False, cancel_at=None, canceled_at=None)
    subscription["cancellation_details"] = {"comment": None, "feedback": None, "reason": None}


def end(unit: Unit, subscription: Json, reason: str | None) -> None:
    """It is over; what is still unpaid is no longer collected by itself."""
    for invoice in unit.find("invoice", equals("$.parent.subscription_details.subscription", subscription["id"])):
        if invoice["status"] in ("draft", "open"):
            invoice.update(auto_advance=False, next_payment_attempt=None, automatically_finalizes_at=None)
            unit.save(invoice)
    details = subscription["cancellation_details"]
    subscription["cancellation_details"] = {**details, "reason": reason or details["reason"]}
    subscription.update(status="canceled", ended_at=unit.now, canceled_at=subscription["canceled_at"] or unit.now)
    if not subscription["cancel_at"] or subscription["cancel_at"] > unit.now:
        subscription.update(cancel_at=None, cancel_at_period_end=False)
    unit.save(subscription)
    unit.emit("customer.subscription.deleted", subscription)
    for react in ON_END:
        react(unit, subscription)


def end_all_of(unit: Unit, customer: str) -> None:
    """A deleted customer has no subscriptions."""
    for subscription in unit.of("subscription", customer=customer):
        if subscription["status"] not in ENDED:
            end(unit, subscription, None)


customers.ON_DELETE.append(end_all_of)


# what invoices mean for their subscription


def follow_invoice(unit: Unit, invoice: Json, outcome: Outcome) -> None:
    """Paid brings it to life, a failure makes it past due, running out of retries ends it."""
    subscription = unit.store.get(invoicing.subscription_of(invoice) or "", "subscription")
    if subscription is None or subscription["status"] in ENDED:
        return
    if outcome == "processing":
        _trust(unit, subscription)
    elif outcome == "paid":
        _mark_good(unit, invoice, subscription)
    elif outcome in ("failed", "action_required"):
        _mark_bad(unit, invoice, subscription)
    elif outcome == "given_up":
        end(unit, subscription, "payment_failed")


invoicing.FOLLOWERS.append(follow_invoice)


def _mark_good(unit: Unit, invoice: Json, subscription: Json) -> None:
    _delinquent(unit, invoice["customer"], delinquent=False)
    if invoice["id"] != subscription["latest_invoice"]:
        return
    before = unit.render(subscription)
    if subscription["status"] in ("incomplete", "past_due", "unpaid"):
        subscription["status"] = "active"
    intent = invoicing.intent_of(unit, invoice)
    saves = subscription["payment_settings"]["save_default_payment_method"] == "on_subscription"
    if saves and intent and intent["payment_method"]:
        subscription["default_payment_method"] = intent["payment_method"]
    unit.updated("customer.subscription.updated", subscription, before)


def _trust(unit: Unit, subscription: Json) -> None:
    """A bank debit is on its way: the subscription does not wait for it."""
    if subscription["status"] == "incomplete":
        before = unit.render(subscription)
        subscription["status"] = "active"
        unit.updated("customer.subscription.updated", subscription, before)


def _mark_bad(unit: Unit, invoice: Json, subscription: Json) -> None:
    _delinquent(unit, invoice["customer"], delinquent=True)
    if subscription["status"] in ("active", "trialing"):
        before = unit.render(subscription)
        subscription["status"] = "past_due"
        unit.updated("customer.subscription.updated", subscription, before)


def _delinquent(unit: Unit, ident: str, *, delinquent: bool) -> None:
    customer = unit.load("customer", ident)
    before = unit.render(customer)
    customer["delinquent"] = delinquent
    unit.updated("customer.updated", customer, before)
