"""What time does to a subscription: notices, renewal, the end of trials, pauses and waits, its own end."""

from collections.abc import Callable

from stripe_twin.core.json import Json
from stripe_twin.core.unit import Happening, Unit
from stripe_twin.resources import invoice_lines, invoicing, pending_updates
from stripe_twin.resources.subscribing import (
    ENDED,
    INCOMPLETE_SECONDS,
    bill,
    end,
    item_period,
    items_of,
    line_for,
    note_period,
)
from stripe_twin.resources.subscription_changes import Terms, pay_now

# Called with a subscription whose period is over, before its items move on: schedules put the next phase's in.
BEFORE_RENEWAL: list[Callable[[Unit, Json], None]] = []


def due(subscription: Json) -> int | None:
    """When it wants attention next."""
    if subscription["status"] == "incomplete":
        return int(subscription["created"]) + INCOMPLETE_SECONDS
    if subscription["status"] in ENDED:
        return None
    moments = [
        subscription["cancel_at"],
        (subscription["pause_collection"] or {}).get("resumes_at"),
        (subscription["pending_update"] or {}).get("expires_at"),
    ]
    if subscription["status"] != "paused":
        moments += [subscription["_period_end"], subscription.get("_trial_notice_at"), _upcoming(subscription)]
    return min((int(moment) for moment in moments if moment is not None), default=None)


def _upcoming(subscription: Json) -> int | None:
    ends = subscription["cancel_at"] is not None and subscription["cancel_at"] <= subscription["_period_end"]
    if ends or subscription["collection_method"] == "send_invoice":
        return None
    moment: int | None = subscription.get("_upcoming_at")
    return moment


def when_due(unit: Unit, subscription: Json) -> None:
    """Expire, end, go on collecting, give notice, or renew: the first that is due."""
    pending = subscription["pending_update"] or {}
    if subscription["status"] == "incomplete":
        _expire(unit, subscription)
    elif subscription["cancel_at"] is not None and subscription["cancel_at"] <= unit.now:
        _bill_last_usage(unit, subscription)
        end(unit, unit.load("subscription", subscription["id"]), None)
    elif pending.get("expires_at", unit.now + 1) <= unit.now:
        pending_updates.expire(unit, subscription)
    elif _passed(unit, (subscription["pause_collection"] or {}).get("resumes_at")):
        before = unit.render(subscription)
        subscription["pause_collection"] = None
        unit.updated("customer.subscription.updated", subscription, before)
    elif _passed(unit, subscription.get("_trial_notice_at")):
        subscription["_trial_notice_at"] = None
        unit.save(subscription)
        unit.emit("customer.subscription.trial_will_end", subscription)
    elif _passed(unit, _upcoming(subscription)):
        _announce(unit, subscription)
    elif subscription["status"] == "trialing" and not may_bill(unit, subscription):
        pause(unit, subscription, unit.render(subscription))
    else:
        renew(unit, subscription)


def _passed(unit: Unit, moment: int | None) -> bool:
    return moment is not None and moment <= unit.now


def _announce(unit: Unit, subscription: Json) -> None:
    """Report the invoice that the renewal will bring: it is made, looked at, and undone."""
    subscription["_upcoming_at"] = None
    unit.save(subscription)
    told, moment = list(unit.happenings), (unit.now, unit.pinned)
    with unit.store.trial():
        unit.stand_at(subscription["_period_end"])
        shown = unit.render(renew(unit, unit.load("subscription", subscription["id"])))
    unit.happenings, (unit.now, unit.pinned) = told, moment
    shown["id"] = f"upcoming_{shown['id']}"
    unit.happenings.append(Happening("invoice.upcoming", shown, None, unit.now))


def _expire(unit: Unit, subscription: Json) -> None:
    before = unit.render(subscription)
    subscription.update(status="incomplete_expired", ended_at=unit.now)
    unit.updated("customer.subscription.updated", subscription, before)
    invoice = unit.load("invoice", subscription["latest_invoice"])
    if invoice["status"] == "open":
        invoicing.close(unit, invoice, "void")


def may_bill(unit: Unit, subscription: Json) -> bool:
    """Whether a trial that ends now may go over into a paid period; else it pauses or ends (see `pause`)."""
    wanted = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    customer = unit.load("customer", subscription["customer"])
    default = customer["invoice_settings"]["default_payment_method"]
    return wanted == "create_invoice" or bool(subscription["default_payment_method"] or default)


def pause(unit: Unit, subscription: Json, before: Json) -> None:
    """A trial without a payment method is over: the subscription rests, or ends where its settings say so."""
    if subscription["trial_settings"]["end_behavior"]["missing_payment_method"] == "cancel":
        end(unit, subscription, None)
        return
    subscription["status"] = "paused"
    unit.updated("customer.subscription.updated", subscription, before)
    unit.emit("customer.subscription.paused", subscription)


def _metered(unit: Unit, item: Json) -> bool:
    return bool(unit.load("price", item["_price"])["recurring"]["usage_type"] == "metered")


def _bill_last_usage(unit: Unit, subscription: Json) -> None:
    """What was used in the last period has no renewal to go on."""
    lines = usage_lines(unit, subscription)
    if sum(line["amount"] for line in lines) > 0:
        pay_now(unit, subscription, bill(unit, subscription, lines, "subscription_cycle"), Terms(off_session=True))


def usage_lines(unit: Unit, subscription: Json) -> list[Json]:
    """What was used so far of the metered items in their running periods."""
    return [
        invoice_lines.of_usage(unit, subscription, item, (item["current_period_start"], item["current_period_end"]))
        for item in items_of(unit, subscription)
        if _metered(unit, item)
    ]


def renew(unit: Unit, subscription: Json) -> Json:
    """Move the items whose period is over to the next one, and bill them with everything that waited."""
    before = unit.render(subscription)
    for prepare in BEFORE_RENEWAL:
        prepare(unit, subscription)
    lines = []
    earliest, trial = unit.now, subscription["status"] == "trialing"
    for item in items_of(unit, subscription):
        if item["current_period_end"] > unit.now:
            continue
        old = (item["current_period_start"], item["current_period_end"])
        earliest = min(earliest, old[0])
        price = unit.load("price", item["_price"])
        begin, finish = item_period(price, subscription["billing_cycle_anchor"], unit.now)
        item.update(current_period_start=begin, current_period_end=finish)
        unit.save(item)
        if _metered(unit, item):
            lines.append(invoice_lines.of_usage(unit, subscription, item, old, trial=trial))
        else:
            lines.append(line_for(unit, subscription, item))
    if trial:
        subscription["status"] = "active"
    note_period(unit, subscription)
    lines += invoicing.sweep(unit, subscription["customer"], subscription["id"])
    invoice = bill(unit, subscription, lines, "subscription_cycle", period_start=earliest, wait=True)
    unit.updated("customer.subscription.updated", subscription, before)
    return invoice
