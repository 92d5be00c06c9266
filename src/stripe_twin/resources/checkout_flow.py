"""What submitting the checkout page does: pay or save the card, subscribe, and report in Stripe's order."""

from dataclasses import dataclass
from typing import Literal

from stripe_twin.core.json import Json
from stripe_twin.core.params import merge_metadata
from stripe_twin.core.unit import Unit
from stripe_twin.resources import (
    automatic_tax,
    checkout_tax,
    customers,
    discounts,
    invoicing,
    payment_intents,
    payment_methods,
    setup_intents,
    subscribing,
)
from stripe_twin.resources.payment_intents import challenged
from stripe_twin.resources.subscribing import WantedItem
from stripe_twin.rules.cards import Card, words

Result = Literal["complete", "challenge", "refused"]

# As recorded from Stripe for a subscription bought through Checkout.
ORDER = (
    "charge.succeeded",
    "payment_method.attached",
    "invoice.created",
    "customer.subscription.created",
    "invoice.updated",
    "invoice.updated",
    "invoice.finalized",
    "customer.subscription.updated",
    "invoice.paid",
    "invoice.updated",
    "invoice.payment_succeeded",
    "invoice_payment.paid",
    "payment_intent.created",
    "payment_intent.succeeded",
    "checkout.session.completed",
)


@dataclass(frozen=True)
class Buyer:
    """What the form said, checked."""

    email: str
    name: str
    postal_code: str
    card: Card
    month: int
    year: int


def submit(unit: Unit, session: Json, buyer: Buyer) -> Result:
    """One try of an open session. A refusal leaves words in `_problem` and the attempt, and changes nothing else."""
    billing = {"email": buyer.email, "name": buyer.name, "address": {"postal_code": buyer.postal_code}}
    method = payment_methods.make(
        unit, buyer.card, buyer.month, buyer.year, cvc=True, args={"billing_details": billing}
    )
    session["_buyer"] = {"email": buyer.email, "name": buyer.name, "postal_code": buyer.postal_code}
    return pay(unit, session, method)


def needs_card(unit: Unit, session: Json) -> bool:
    """Whether the page asks for a card: always, but where nothing is due and the session says `if_required`."""
    return session["payment_method_collection"] != "if_required" or due_now(unit, session) > 0


def start_without_card(unit: Unit, session: Json, email: str) -> None:
    """The buyer begins a subscription of which nothing is due now, and leaves nothing to pay with."""
    session.update(_buyer={"email": email, "name": "", "postal_code": ""}, _problem=None)
    if session["customer"] is None:
        session["customer"] = customers.make(unit, {"email": email, "name": None})["id"]
    _complete(unit, session, None)


def pay(unit: Unit, session: Json, method: Json) -> Result:
    """One try with this method; who the buyer is stands in `_buyer`."""
    session["_problem"] = None
    intent = _intent(unit, session)
    if not challenged(method, off_session=False) and not _refusing(intent, method):
        _ensure_customer(unit, session, intent)
    if intent["object"] == "payment_intent":
        payment_intents.attempt(unit, intent, method)
    else:
        setup_intents.attempt(unit, intent, method)
    return _conclude(unit, session, intent)


def authenticated(unit: Unit, session: Json, intent: Json, *, confirmed: bool) -> Result:
    """The buyer is back from the bank's page."""
    method = unit.load("payment_method", intent["payment_method"])
    if confirmed and not _refusing(intent, method):
        _ensure_customer(unit, session, intent)
    if intent["object"] == "payment_intent":
        payment_intents.authenticate(unit, intent, confirmed=confirmed)
    else:
        setup_intents.authenticate(unit, intent, confirmed=confirmed)
    return _conclude(unit, session, intent)


def _refusing(intent: Json, method: Json) -> bool:
    card = payment_methods.card_of(method)
    return (card.charging if intent["object"] == "payment_intent" else card.saving) is not None


def _conclude(unit: Unit, session: Json, intent: Json) -> Result:
    unit.save(session)
    if intent["status"] in ("succeeded", "processing"):
        _complete(unit, session, intent)
        return "complete"
    if intent["status"] == "requires_action":
        return "challenge"
    error = intent.get("last_payment_error") or intent.get("last_setup_error") or {}
    session["_problem"] = words(error.get("code"), error.get("decline_code"))
    unit.save(session)
    return "refused"


def due_now(unit: Unit, session: Json) -> int:
    """What the buyer pays today, in minor units: a customer's credit counts against a subscription."""
    amount: int = session["amount_total"] or 0
    if session["mode"] == "subscription" and session["customer"]:
        amount = max(0, amount + int(unit.load("customer", session["customer"])["balance"]))
    return amount


def _intent(unit: Unit, session: Json) -> Json:
    """The session's intent, made at the first try; one that pays if something is due, else one that saves the card."""
    known = unit.store.get(session["_intent"] or "")
    amount = due_now(unit, session)
    if known:
        # The place, and with it the tax, may be another than at the try before.
        return unit.save({**known, "amount": amount}) if known.get("amount") and amount else known
    data = session["_intent_data"]
    details = {"metadata": merge_metadata({}, data.get("metadata")), "_checkout": session["id"]}
    if amount > 0:
        subscribes = session["mode"] == "subscription"
        intent = payment_intents.make(
            unit,
            amount,
            session["currency"],
            session["customer"],
            description="Subscription creation" if subscribes else data.get("description"),
            reuse="off_session" if subscribes else data.get("setup_future_usage"),
            details=details,
        )
    else:
        intent = setup_intents.make(unit, session["customer"], {**details, "description": data.get("description")})
    session["_intent"] = intent["id"]
    return intent


def _ensure_customer(unit: Unit, session: Json, intent: Json) -> None:
    """A buyer without a customer gets one, just before the money moves."""
    if session["customer"] is None and session["customer_creation"] == "always":
        buyer = session["_buyer"]
        session["customer"] = customers.make(unit, {"email": buyer["email"], "name": buyer["name"] or None})["id"]
    if session["customer"]:
        intent["customer"] = session["customer"]


def _complete(unit: Unit, session: Json, intent: Json | None) -> None:
    """The session is done; without an intent a subscription began for which nothing is due."""
    checkout_tax.keep(unit, session)
    pays = intent is not None and intent["object"] == "payment_intent"
    if session["mode"] == "subscription" or intent is None:
        _subscribe(unit, session, intent)
    elif session["mode"] == "payment":
        session["payment_intent"] = intent["id"] if pays else None
        wanted, owner = session["_wanted_discounts"], session["id"]
        discounts.attach(unit, wanted, session["customer"], session["currency"], report=False, checkout_session=owner)
    else:
        session["setup_intent"] = intent["id"]
    buyer = session["_buyer"]
    address = {**customers.NO_ADDRESS, "postal_code": buyer["postal_code"] or None}
    session["customer_details"] = {
        "address": address,
        "business_name": None,
        "email": buyer["email"],
        "individual_name": None,
        "name": buyer["name"] or None,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
        **checkout_tax.details(session),
    }
    nothing_due = session["mode"] == "setup" or not session["amount_total"]
    settled = "unpaid" if intent and intent["status"] == "processing" else "paid"
    session.update(status="complete", payment_status="no_payment_required" if nothing_due else settled)
    unit.save(session)
    unit.emit("checkout.session.completed", session)
    unit.arrange(ORDER)


def _follow_delayed(unit: Unit, intent: Json) -> None:
    """A bank debit that a session was completed with arrived or came back."""
    session = unit.store.get(intent.get("_checkout", ""), "checkout.session")
    if session is None or session["status"] != "complete" or session["payment_status"] != "unpaid":
        return
    if intent["status"] == "succeeded":
        session["payment_status"] = "paid"
        unit.save(session)
        unit.emit("checkout.session.async_payment_succeeded", session)
    elif intent["status"] == "requires_payment_method":
        unit.emit("checkout.session.async_payment_failed", session)


payment_intents.SETTLED.append(_follow_delayed)


def _subscribe(unit: Unit, session: Json, intent: Json | None) -> None:
    customer = unit.load("customer", session["customer"])
    data = session["_subscription_data"]
    wanted = [
        WantedItem(
            price=unit.load("price", line["price"]),
            quantity=line["quantity"],
            metadata=line["metadata"],
            tax_rates=line["tax_rates"],
        )
        for line in session["_lines"]
    ]
    subscription = subscribing.start(
        unit,
        customer,
        wanted,
        trial_end=session["_trial"],
        sweep=False,
        discounted=session["_wanted_discounts"],
        details={
            "default_payment_method": intent["payment_method"] if intent else None,
            **({"trial_settings": data["trial_settings"]} if "trial_settings" in data else {}),
            "description": data.get("description"),
            "_tax_rates": data.get("default_tax_rates") or [],
            "metadata": merge_metadata({}, data.get("metadata")),
            "automatic_tax": automatic_tax.of_subscription(customer, enabled=session["automatic_tax"]["enabled"]),
        },
    )
    invoice = unit.load("invoice", subscription["latest_invoice"])
    if intent and intent["object"] == "payment_intent":
        intent["payment_details"] = {"customer_reference": None, "order_reference": invoice["id"]}
        unit.save(intent)
        invoicing.finalize(unit, invoice, intent)
        invoicing.follow_intent(unit, intent)
    else:
        invoicing.finalize(unit, invoice)
    session.update(subscription=subscription["id"], invoice=invoice["id"])
