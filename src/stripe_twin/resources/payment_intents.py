"""Payment intents: one amount to be paid, through as many attempts as it takes.

`attempt` and `authenticate` change the intent and report; they never raise for a refusal. What hangs on an intent (an
invoice) listens in SETTLED. The API calls turn a refusal into Stripe's 402, keeping what happened.
"""

from collections.abc import Callable

from stripe_twin.core import ids
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.unit import Unit
from stripe_twin.resources import charges, delayed, payment_methods
from stripe_twin.resources.payment_methods import card_error, card_of
from stripe_twin.rules.cards import AUTHENTICATION_REQUIRED, Decline

UNAUTHENTICATED = Decline(
    "payment_intent_authentication_failure",
    None,
    "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
)
# Called after every attempt with the intent: succeeded, refused (requires_payment_method) or waiting (requires_action).
SETTLED: list[Callable[[Unit, Json], None]] = []


def next_action(unit: Unit, intent: Json) -> Json | None:
    """Where the buyer confirms, while the bank waits for it."""
    if intent["status"] != "requires_action":
        return None
    url = f"{unit.public_url}/authenticate/{intent['id']}"
    if intent["_return_url"]:
        return {"redirect_to_url": {"return_url": intent["_return_url"], "url": url}, "type": "redirect_to_url"}
    return {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url}}


register(
    Kind(
        "payment_intent",
        "payment_intent",
        compose=lambda unit, intent: {**intent, "next_action": next_action(unit, intent)},
        due=delayed.due,
        on_due=lambda unit, intent: _decide(unit, intent),  # noqa: PLW0108 -- defined below
    )
)


def make(
    unit: Unit,
    amount: int,
    of_currency: str,
    customer: str | None,
    *,
    description: str | None = None,
    reuse: str | None = None,
    details: Json | None = None,
) -> Json:
    """A new intent, reported. `reuse` is Stripe's setup_future_usage; `details` overrides any other field."""
    ident = ids.payment("pi")
    intent = unit.save(
        {
            "id": ident,
            "object": "payment_intent",
            **_unused(),
            "amount": amount,
            "amount_capturable": 0,
            "amount_received": 0,
            "automatic_payment_methods": None,
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": "automatic",
            "client_secret": f"{ident}_secret_{ids.token(25)}",
            "confirmation_method": "automatic",
            "created": unit.now,
            "currency": of_currency,
            "customer": customer,
            "description": description,
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "metadata": {},
            "next_action": None,
            "payment_details": {"customer_reference": None, "order_reference": None},
            "payment_method": None,
            "payment_method_types": ["card"],
            "receipt_email": None,
            "setup_future_usage": reuse,
            "status": "requires_payment_method",
            "_return_url": None,
            **(details or {}),
        }
    )
    unit.emit("payment_intent.created", intent)
    return intent


def _unused() -> Json:
    """Fields that nothing here sets; an intent shows them all the same."""
    return {
        "amount_details": {"tip": {}},
        "application": None,
        "application_fee_amount": None,
        "customer_account": None,
        "excluded_payment_method_types": None,
        "on_behalf_of": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {
                "installments": None,
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        "processing": None,
        "review": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "transfer_data": None,
        "transfer_group": None,
    }


def challenged(method: Json, *, off_session: bool) -> bool:
    """Whether the bank wants the buyer to confirm."""
    challenge = card_of(method).challenge
    if challenge == "until_set_up":
        return not method["_set_up"]
    return challenge == "always" or (challenge != "never" and not off_session)


def attempt(unit: Unit, intent: Json, method: Json, *, off_session: bool = False) -> None:
    """Charge the method: ends in succeeded, requires_action, or requires_payment_method with last_payment_error."""
    intent["payment_method"] = method["id"]
    intent["last_payment_error"] = None
    if not challenged(method, off_session=off_session):
        _charge(unit, intent, method, authenticated=False)
    elif off_session:
        _refuse(unit, intent, method, AUTHENTICATION_REQUIRED, reached_bank=True)
    else:
        intent["status"] = "requires_action"
        unit.save(intent)
        unit.emit("payment_intent.requires_action", intent)
    _settled(unit, intent)


def authenticate(unit: Unit, intent: Json, *, confirmed: bool) -> None:
    """The buyer confirmed at the bank's page, or failed to."""
    method = unit.load("payment_method", intent["payment_method"])
    if confirmed:
        _charge(unit, intent, method, authenticated=True)
    else:
        _refuse(unit, intent, method, UNAUTHENTICATED, reached_bank=False)
    _settled(unit, intent)


def _decide(unit: Unit, intent: Json) -> None:
    """A payment that was under way arrived or came back."""
    delayed.decide(unit, intent)
    _settled(unit, intent)


def _settled(unit: Unit, intent: Json) -> None:
    for listen in SETTLED:
        listen(unit, intent)


def _charge(unit: Unit, intent: Json, method: Json, *, authenticated: bool) -> None:
    if method["type"] != "card":
        delayed.start(unit, intent, method)
        return
    refusal = card_of(method).charging
    if refusal:
        _refuse(unit, intent, method, refusal, reached_bank=True)
        return
    charge = charges.make(unit, intent, method, None, authenticated=authenticated)
    if charge["captured"]:
        intent.update(latest_charge=charge["id"], status="succeeded", amount_received=intent["amount"])
    else:
        intent.update(latest_charge=charge["id"], status="requires_capture", amount_capturable=intent["amount"])
    unit.save(intent)
    if intent["setup_future_usage"]:
        method["_set_up"] = True
        unit.save(method)
        if intent["customer"] and method["customer"] is None:
            payment_methods.bind(unit, method, intent["customer"])
    elif method["customer"] is None:
        unit.save({**method, "_spent": True})
    unit.emit("payment_intent.succeeded" if charge["captured"] else "payment_intent.amount_capturable_updated", intent)


def _refuse(unit: Unit, intent: Json, method: Json, decline: Decline, *, reached_bank: bool) -> None:
    charge = charges.make(unit, intent, method, decline, authenticated=False) if reached_bank else None
    error = card_error(decline).body()["error"]
    if charge:
        error["charge"] = charge["id"]
        intent["latest_charge"] = charge["id"]
    intent["last_payment_error"] = {**error, "payment_method": unit.render(method)}
    intent.update(status="requires_payment_method", payment_method=None)
    unit.save(intent)
    unit.emit("payment_intent.payment_failed", intent)


def refusal_of(unit: Unit, intent: Json) -> Exception:
    """The last refusal as Stripe's 402, with the intent inside."""
    error = intent["last_payment_error"]
    decline = Decline(error["code"], error.get("decline_code"), error["message"])
    extra = {name: error[name] for name in ("charge", "payment_method") if name in error}
    return card_error(decline, extra={**extra, "payment_intent": unit.render(intent)}, keep=True)


def abandon(unit: Unit, intent: Json, reason: str | None) -> None:
    """Cancel the intent."""
    intent.update(status="canceled", canceled_at=unit.now, cancellation_reason=reason, amount_capturable=0)
    unit.save(intent)
    unit.emit("payment_intent.canceled", intent)
