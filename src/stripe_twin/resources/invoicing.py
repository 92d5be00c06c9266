"""The life of an invoice: draft, open, paid (or void, uncollectible), and what each step reports.

Subscriptions listen in FOLLOWERS; payment intents are listened to through their SETTLED.
"""

from collections.abc import Callable, Sequence
from typing import Literal

from stripe_twin.core import ids
from stripe_twin.core.json import Json
from stripe_twin.core.store import equals
from stripe_twin.core.unit import Unit
from stripe_twin.resources import (
    automatic_tax,
    customer_balance,
    discounts,
    invoice_lines,
    payment_intents,
    tax_rates,
)
from stripe_twin.resources.invoice_blank import blank
from stripe_twin.rules.periods import DAY
from stripe_twin.rules.pricing import price_lines

Outcome = Literal["paid", "processing", "failed", "action_required", "given_up", "voided"]
# Called after an invoice was paid, refused, waits for the buyer, ran out of retries or was voided.
FOLLOWERS: list[Callable[[Unit, Json, Outcome], None]] = []

DRAFT_SECONDS = 3_600
# Eight more tries within two weeks, the recommended setting; a refusal for good is not tried again.
RETRY_DAYS = (1, 1, 1, 2, 2, 2, 2, 3)
_FOR_GOOD = frozenset({"lost_card", "stolen_card", "fraudulent", "incorrect_number", "authentication_required"})


def subscription_of(invoice: Json) -> str | None:
    """The subscription it bills, None for an invoice of its own."""
    parent = invoice["parent"]
    found: str | None = parent["subscription_details"]["subscription"] if parent else None
    return found


def make(
    unit: Unit,
    customer: Json,
    currency: str,
    lines: Sequence[Json],
    reason: str,
    *,
    subscription: Json | None = None,
    period_start: int | None = None,
    details: Json | None = None,
) -> Json:
    """A new draft, reported. `details` overrides any field."""
    ident = ids.long("in")
    invoice: Json = {
        **blank(unit, customer),
        "id": ident,
        "currency": currency,
        "billing_reason": reason,
        "parent": _parent(subscription),
        "period_start": unit.now if period_start is None else period_start,
        **_reductions(unit, customer, subscription),
        **(details or {}),
        "_lines": [{**line, "invoice": ident} for line in lines],
    }
    if subscription:
        invoice["default_payment_method"] = None
        invoice["collection_method"] = subscription["collection_method"]
    place(unit, invoice, customer)
    total(invoice)
    unit.save(invoice)
    unit.emit("invoice.created", invoice)
    return invoice


def _reductions(unit: Unit, customer: Json, subscription: Json | None) -> Json:
    """The discounts and tax rates an invoice starts with: the subscription's, else the customer's discount."""
    own = subscription["discounts"] if subscription else []
    inherited = [customer["_discount"]] if customer.get("_discount") and not own else []
    found = discounts.resolved(unit, [*own, *inherited])
    rates = subscription.get("_tax_rates", []) if subscription else []
    return {
        "discounts": [each["id"] for each in found],
        "_discounts": found,
        "_tax_rates": tax_rates.resolved(unit, rates),
    }


def _parent(subscription: Json | None) -> Json | None:
    if subscription is None:
        return None
    details = {"metadata": subscription["metadata"], "subscription": subscription["id"]}
    return {"quote_details": None, "subscription_details": details, "type": "subscription_details"}


def place(unit: Unit, invoice: Json, customer: Json) -> None:
    """Note who the customer is and, for automatic tax, what is due where they are: until an invoice is final."""
    held = unit.of("tax_id", customer=customer["id"])
    invoice["customer_tax_ids"] = [{"type": each["type"], "value": each["value"]} for each in held]
    for name in ("address", "email", "name", "phone", "tax_exempt"):
        invoice[f"customer_{name}"] = customer[name]
    if invoice["automatic_tax"]["enabled"]:
        invoice["automatic_tax"] = automatic_tax.of_invoice(customer, enabled=True)
        invoice["_tax_rates"], invoice["_exempt"] = automatic_tax.worked_out(unit, customer, held)


def total(invoice: Json) -> None:
    """Take discounts off the lines, tax them, and add them up."""
    lines, exempt = invoice["_lines"], invoice.get("_exempt") or invoice["customer_tax_exempt"]
    invoice.update(price_lines(lines, invoice.get("_discounts", []), invoice.get("_tax_rates", []), exempt))
    due = max(0, invoice["total"] + invoice["starting_balance"])
    invoice.update(amount_due=due, amount_remaining=due)


def sweep(unit: Unit, customer: str, subscription: str | None = None) -> list[Json]:
    """The lines of pending items, which from now on belong to the caller's invoice (see `claim`)."""
    items = [item for item in unit.of("invoiceitem", customer=customer) if item["invoice"] is None]
    return [
        {**invoice_lines.of_invoice_item(unit, item), "_item": item["id"]}
        for item in items
        if subscription is None or item.get("_subscription") in (None, subscription)
    ]


def claim(unit: Unit, invoice: Json) -> None:
    """Mark the pending items among the lines as invoiced."""
    for line in invoice["_lines"]:
        item = unit.store.get(line.pop("_item", ""), "invoiceitem")
        if item:
            unit.save({**item, "invoice": invoice["id"]})
    unit.save(invoice)


def finalize(unit: Unit, invoice: Json, intent: Json | None = None) -> None:
    """Rate late usage, number it, apply the balance, open it to be paid (by `intent` if given); nothing due is paid."""
    before = unit.render(invoice)
    customer = unit.load("customer", invoice["customer"])
    invoice_lines.rate_again(unit, invoice)
    invoice["number"] = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04}"
    customer["next_invoice_sequence"] += 1
    place(unit, invoice, customer)
    _apply_balance(unit, invoice, customer)
    invoice.update(status="open", effective_at=unit.now, automatically_finalizes_at=None)
    invoice["status_transitions"] = {**invoice["status_transitions"], "finalized_at": unit.now}
    unit.save(invoice)
    if invoice["amount_due"] > 0:
        _open_payment(unit, invoice, intent)
    unit.emit("invoice.updated", invoice, before)
    unit.emit("invoice.finalized", invoice)
    if invoice["amount_due"] == 0:
        _mark_paid(unit, invoice)


def _apply_balance(unit: Unit, invoice: Json, customer: Json) -> None:
    """A negative balance is credit: it pays first, and what an invoice owes the customer is added to it."""
    start = customer["balance"]
    due = invoice["total"] + start
    end = min(0, due)
    invoice.update(starting_balance=start, ending_balance=end)
    total(invoice)
    customer.update(balance=end, currency=customer["currency"] or invoice["currency"])
    if end != start:
        customer_balance.enter(
            unit, customer, end - start, "applied_to_invoice", invoice["currency"], invoice=invoice["id"]
        )
        unit.emit("customer.updated", customer, unit.render({**customer, "balance": start}))
    unit.save(customer)


def _open_payment(unit: Unit, invoice: Json, intent: Json | None) -> None:
    if intent is None:
        worded = (
            "Subscription creation" if invoice["billing_reason"] == "subscription_create" else "Subscription update"
        )
        intent = payment_intents.make(
            unit,
            invoice["amount_due"],
            invoice["currency"],
            invoice["customer"],
            description=worded if invoice["parent"] else f"Payment for Invoice {invoice['number']}",
            reuse="off_session" if invoice["parent"] else None,
            details={"payment_details": {"customer_reference": None, "order_reference": invoice["id"]}},
        )
    unit.save(
        {
            "id": ids.long("inpay"),
            "object": "invoice_payment",
            "amount_paid": None,
            "amount_requested": invoice["amount_due"],
            "created": unit.now,
            "currency": invoice["currency"],
            "invoice": invoice["id"],
            "is_default": True,
            "livemode": False,
            "payment": {"payment_intent": intent["id"], "type": "payment_intent"},
            "status": "open",
            "status_transitions": {"canceled_at": None, "paid_at": None},
        }
    )


def payment_of(unit: Unit, invoice: Json) -> Json | None:
    """Its invoice_payment, None when nothing was due."""
    found = unit.find("invoice_payment", equals("$.invoice", invoice["id"]), limit=1)
    return found[0] if found else None


def intent_of(unit: Unit, invoice: Json) -> Json | None:
    """The payment intent that pays it."""
    payment = payment_of(unit, invoice)
    return unit.load("payment_intent", payment["payment"]["payment_intent"]) if payment else None


def method_for(unit: Unit, invoice: Json) -> Json | None:
    """Invoice, subscription, customer: the first that names a payment method, if that is still the customer's."""
    subscription = unit.store.get(subscription_of(invoice) or "", "subscription")
    customer = unit.load("customer", invoice["customer"])
    names = [
        invoice["default_payment_method"],
        subscription["default_payment_method"] if subscription else None,
        customer["invoice_settings"]["default_payment_method"],
    ]
    chosen = next((name for name in names if name), None)
    method = unit.store.get(chosen, "payment_method") if chosen else None
    return method if method and method["customer"] == invoice["customer"] else None


def collect(unit: Unit, invoice: Json, method: Json | None, *, off_session: bool) -> Json:
    """Try to be paid; the invoice afterwards. Without a method it counts as a failed attempt."""
    intent = intent_of(unit, invoice)
    if intent is None or method is None:
        _mark_failed(unit, invoice, None)
    else:
        payment_intents.attempt(unit, intent, method, off_session=off_session)
    return unit.load("invoice", invoice["id"])


def follow_intent(unit: Unit, intent: Json) -> None:
    """What an attempt on a payment intent means for its invoice, if it has one."""
    payments = unit.find("invoice_payment", equals("$.payment.payment_intent", intent["id"]), limit=1)
    if not payments or payments[0]["status"] != "open":
        return
    invoice = unit.load("invoice", payments[0]["invoice"])
    if intent["status"] == "succeeded":
        settle(unit, invoice, payments[0])
    elif intent["status"] == "requires_action":
        _wait_for_buyer(unit, invoice)
    elif intent["status"] == "processing":
        _note_attempt(unit, invoice, counted=True)
        _tell(unit, invoice, "processing")
    else:
        _mark_failed(unit, invoice, intent)


payment_intents.SETTLED.append(follow_intent)


def settle(unit: Unit, invoice: Json, payment: Json) -> None:
    """The payment arrived."""
    payment.update(status="paid", amount_paid=payment["amount_requested"])
    payment["status_transitions"] = {**payment["status_transitions"], "paid_at": unit.now}
    unit.save(payment)
    _note_attempt(unit, invoice, counted=True)
    _mark_paid(unit, invoice)
    unit.emit("invoice_payment.paid", payment)


def settle_without_payment(unit: Unit, invoice: Json) -> None:
    """Credit notes took everything that was left; the payment intent is given up."""
    _cancel_payment(unit, invoice)
    _mark_paid(unit, invoice)


def _note_attempt(unit: Unit, invoice: Json, *, counted: bool) -> None:
    before = unit.render(invoice)
    invoice.update(attempted=True, attempt_count=invoice["attempt_count"] + counted)
    unit.updated("invoice.updated", invoice, before)


def _mark_paid(unit: Unit, invoice: Json) -> None:
    before = unit.render(invoice)
    invoice.update(status="paid", attempted=True, amount_paid=invoice["amount_due"], amount_remaining=0)
    invoice.update(next_payment_attempt=None, auto_advance=False)
    invoice["status_transitions"] = {**invoice["status_transitions"], "paid_at": unit.now}
    unit.save(invoice)
    unit.emit("invoice.paid", invoice)
    unit.emit("invoice.updated", invoice, before)
    unit.emit("invoice.payment_succeeded", invoice)
    _tell(unit, invoice, "paid")


def _wait_for_buyer(unit: Unit, invoice: Json) -> None:
    _note_attempt(unit, invoice, counted=False)
    unit.emit("invoice.payment_action_required", invoice)
    _tell(unit, invoice, "action_required")


def _mark_failed(unit: Unit, invoice: Json, intent: Json | None) -> None:
    before = unit.render(invoice)
    error = (intent["last_payment_error"] if intent else None) or {}
    reason = error.get("decline_code") or error.get("code")
    invoice.update(attempted=True, attempt_count=invoice["attempt_count"] + 1)
    invoice["next_payment_attempt"] = _next_try(unit, invoice, reason) if intent else None
    unit.updated("invoice.updated", invoice, before)
    if reason == "authentication_required":
        unit.emit("invoice.payment_action_required", invoice)
    unit.emit("invoice.payment_failed", invoice)
    _tell(unit, invoice, "failed")
    if invoice["attempt_count"] > len(RETRY_DAYS):
        _tell(unit, invoice, "given_up")


def _next_try(unit: Unit, invoice: Json, reason: str | None) -> int | None:
    tried = invoice["attempt_count"]
    automatic = invoice["auto_advance"] and invoice["collection_method"] == "charge_automatically"
    if not automatic or invoice["billing_reason"] == "subscription_create":
        return None
    if tried > len(RETRY_DAYS) or reason in _FOR_GOOD:
        return None
    return unit.now + RETRY_DAYS[tried - 1] * DAY


def close(unit: Unit, invoice: Json, status: Literal["void", "uncollectible"]) -> None:
    """Stop asking for the money; the payment intent is given up with it."""
    before = unit.render(invoice)
    moment, event = {
        "void": ("voided_at", "invoice.voided"),
        "uncollectible": ("marked_uncollectible_at", "invoice.marked_uncollectible"),
    }[status]
    invoice.update(status=status, next_payment_attempt=None)
    if status == "void":
        invoice["auto_advance"] = False
        _cancel_payment(unit, invoice)
    invoice["status_transitions"] = {**invoice["status_transitions"], moment: unit.now}
    unit.save(invoice)
    unit.emit("invoice.updated", invoice, before)
    unit.emit(event, invoice)
    if status == "void":
        _tell(unit, invoice, "voided")


def _cancel_payment(unit: Unit, invoice: Json) -> None:
    payment, intent = payment_of(unit, invoice), intent_of(unit, invoice)
    if payment and intent and payment["status"] == "open":
        moments = {**payment["status_transitions"], "canceled_at": unit.now}
        unit.save({**payment, "status": "canceled", "status_transitions": moments})
        payment_intents.abandon(unit, intent, "failed_invoice")


def _tell(unit: Unit, invoice: Json, outcome: Outcome) -> None:
    for follow in FOLLOWERS:
        follow(unit, invoice, outcome)


def _hold(unit: Unit, invoice: Json) -> None:
    """Where the subscription's collection is paused, the invoice ends unpaid at once."""
    subscription = unit.store.get(subscription_of(invoice) or "", "subscription")
    paused = (subscription or {}).get("pause_collection") or {}
    if invoice["status"] == "open" and paused.get("behavior") == "void":
        close(unit, invoice, "void")
    elif invoice["status"] == "open" and paused.get("behavior") == "mark_uncollectible":
        close(unit, invoice, "uncollectible")


def _is_overdue(unit: Unit, invoice: Json) -> bool:
    return invoice["due_date"] is not None and invoice["due_date"] <= unit.now and not invoice.get("_overdue_told")


def due(invoice: Json) -> int | None:
    """When a draft becomes final, an open one is tried again or becomes overdue."""
    if invoice["status"] == "draft":
        finalizes: int | None = invoice["automatically_finalizes_at"]
        return finalizes
    if invoice["status"] != "open":
        return None
    late = None if invoice.get("_overdue_told") else invoice["due_date"]
    moments = [int(moment) for moment in (invoice["next_payment_attempt"], late) if moment is not None]
    return min(moments, default=None)


def when_due(unit: Unit, invoice: Json) -> None:
    """A draft whose hour is over, an open invoice whose next attempt has come or whose term is over."""
    if invoice["status"] == "draft":
        finalize(unit, invoice)
        _hold(unit, invoice)
    elif _is_overdue(unit, invoice):
        invoice["_overdue_told"] = True
        unit.save(invoice)
        unit.emit("invoice.overdue", invoice)
        return
    else:
        invoice["next_payment_attempt"] = None
        unit.save(invoice)
    if invoice["status"] == "open" and invoice["collection_method"] == "charge_automatically":
        collect(unit, invoice, method_for(unit, invoice), off_session=True)
