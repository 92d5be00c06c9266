"""Payment intents: one amount to be paid, through as many attempts as it takes.

`attempt` and `authenticate` change the intent and report; they never raise for a refusal. What hangs on an intent (an
invoice) listens in SETTLED. The API calls turn a refusal into Stripe's 402, keeping what happened.
"""

from collections.abc import Callable

from stripe_twin.core import ids
from stripe_twin.core.errors import invalid
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import page
from stripe_twin.core.operations import operation, retrieval
from stripe_twin.core.params import (
    boolean,
    choice,
    first_of,
    integer,
    merge_metadata,
    metadata,
    obj,
    page_params,
    params,
    pick,
    required,
    text,
    time_range,
    unsettable,
)
from stripe_twin.core.store import equals
from stripe_twin.core.unit import Unit
from stripe_twin.resources import charges, customers, payment_methods
from stripe_twin.resources.payment_methods import card_error, card_of
from stripe_twin.resources.prices import currency
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


def _settled(unit: Unit, intent: Json) -> None:
    for listen in SETTLED:
        listen(unit, intent)


def _charge(unit: Unit, intent: Json, method: Json, *, authenticated: bool) -> None:
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


# the API

_SHARED = {
    "customer": text(),
    "description": text(),
    "metadata": metadata(),
    "payment_method": text(),
    "receipt_email": unsettable(text()),
    "setup_future_usage": unsettable(choice("off_session", "on_session")),
    "shipping": customers.delivery(),
}
_UNSUPPORTED = (
    "allowed_payment_method_types amount_details application_fee_amount customer_account "
    "excluded_payment_method_types hooks "
    "payment_details payment_method_configuration payment_method_data payment_method_options "
    "statement_descriptor "
    "statement_descriptor_suffix transfer_data transfer_group"
)
_CONFIRM = {
    "off_session": first_of(choice("one_off", "recurring"), boolean()),
    "return_url": text(),
    "error_on_requires_action": boolean(),
    "use_stripe_sdk": boolean(),
}
_CONFIRM_UNSUPPORTED = "confirmation_token mandate mandate_data radar_options"


@operation(
    "POST",
    "/v1/payment_intents",
    params(
        amount=required(integer(1, 99_999_999)),
        currency=required(currency()),
        automatic_payment_methods=obj(enabled=required(boolean()), allow_redirects=choice("always", "never")),
        capture_method=choice("automatic", "automatic_async", "manual"),
        confirm=boolean(),
        confirmation_method=choice("automatic", "manual"),
        unsupported=f"{_UNSUPPORTED} {_CONFIRM_UNSUPPORTED} on_behalf_of",
        **_SHARED,
        **_CONFIRM,
    ),
)
def create(unit: Unit, args: Json) -> Json:
    """Make a payment intent, confirmed at once when asked."""
    if "customer" in args:
        customers.live(unit, args["customer"])
    details: Json = {"capture_method": "automatic_async"}
    details |= pick(args, "receipt_email", "capture_method", "confirmation_method", "shipping")
    automatic = args.get("automatic_payment_methods", {"enabled": True})
    details["automatic_payment_methods"] = {"allow_redirects": "always", **automatic} if automatic["enabled"] else None
    details["metadata"] = merge_metadata({}, args.get("metadata"))
    details["_return_url"] = args.get("return_url")
    if "payment_method" in args:
        method = payment_methods.usable(unit, args["payment_method"], args.get("customer"))
        details.update(payment_method=method["id"], status="requires_confirmation")
    intent = make(
        unit,
        args["amount"],
        args["currency"],
        args.get("customer"),
        description=args.get("description"),
        reuse=args.get("setup_future_usage"),
        details=details,
    )
    if args.get("confirm"):
        return _confirm(unit, intent, args)
    if "off_session" in args:
        raise invalid("The parameter `off_session` cannot be passed when `confirm` is not `true`.", param="off_session")
    return unit.render(intent)


retrieval("payment_intent", "/v1/payment_intents/{ident}", params(client_secret=text()))


@operation(
    "POST",
    "/v1/payment_intents/{ident}",
    params(amount=integer(1, 99_999_999), currency=currency(), unsupported=f"{_UNSUPPORTED} capture_method", **_SHARED),
)
def update(unit: Unit, args: Json, ident: str) -> Json:
    """Change an intent that is not settled."""
    intent = unit.load("payment_intent", ident)
    if intent["status"] in ("succeeded", "canceled"):
        raise _unexpected(intent, "updated", "requires_payment_method, requires_confirmation, requires_action")
    if "payment_method" in args:
        method = payment_methods.usable(unit, args["payment_method"], args.get("customer", intent["customer"]))
        args.update(payment_method=method["id"], status="requires_confirmation")
    if "metadata" in args:
        args["metadata"] = merge_metadata(intent["metadata"], args["metadata"])
    intent.update(args)
    return unit.render(unit.save(intent))


@operation(
    "POST",
    "/v1/payment_intents/{ident}/confirm",
    params(
        payment_method=text(),
        receipt_email=unsettable(text()),
        setup_future_usage=unsettable(choice("off_session", "on_session")),
        shipping=customers.delivery(),
        unsupported=f"{_CONFIRM_UNSUPPORTED} {_UNSUPPORTED}",
        **_CONFIRM,
    ),
)
def confirm(unit: Unit, args: Json, ident: str) -> Json:
    """Try to pay."""
    return _confirm(unit, unit.load("payment_intent", ident), args)


def _confirm(unit: Unit, intent: Json, args: Json) -> Json:
    if intent["status"] not in ("requires_payment_method", "requires_confirmation", "requires_action"):
        raise _unexpected(intent, "confirmed", "requires_confirmation, requires_action")
    intent["shipping"] = args.get("shipping", intent["shipping"])
    chosen = args.get("payment_method") or intent["payment_method"]
    if chosen is None:
        raise invalid(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
            "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a "
            "payment method "
            "or ConfirmationToken.",
            code="payment_intent_unexpected_state",
        )
    method = payment_methods.usable(unit, chosen, intent["customer"])
    intent["_return_url"] = args.get("return_url") or intent["_return_url"]
    intent["setup_future_usage"] = args.get("setup_future_usage", intent["setup_future_usage"])
    if args.get("error_on_requires_action") and challenged(method, off_session=bool(args.get("off_session"))):
        raise card_error(AUTHENTICATION_REQUIRED)
    attempt(unit, intent, method, off_session=bool(args.get("off_session")))
    if intent["last_payment_error"]:
        raise refusal_of(unit, intent)
    return unit.render(intent)


def _unexpected(intent: Json, verb: str, wanted: str) -> Exception:
    return invalid(
        f"This PaymentIntent's status is {intent['status']}; it could not be {verb}. "
        f"Only a PaymentIntent with one of the following statuses may be {verb}: {wanted}.",
        code="payment_intent_unexpected_state",
    )


def abandon(unit: Unit, intent: Json, reason: str | None) -> None:
    """Cancel the intent."""
    intent.update(status="canceled", canceled_at=unit.now, cancellation_reason=reason, amount_capturable=0)
    unit.save(intent)
    unit.emit("payment_intent.canceled", intent)


@operation(
    "POST",
    "/v1/payment_intents/{ident}/capture",
    params(
        amount_to_capture=integer(1),
        metadata=metadata(),
        unsupported="amount_details application_fee_amount final_capture hooks payment_details statement_descriptor "
        "statement_descriptor_suffix transfer_data",
    ),
)
def capture(unit: Unit, args: Json, ident: str) -> Json:
    """Take what the intent holds, or a part of it."""
    intent = unit.load("payment_intent", ident)
    if intent["status"] != "requires_capture":
        raise _unexpected(intent, "captured", "requires_capture")
    amount = int(args.get("amount_to_capture") or intent["amount_capturable"])
    if amount > intent["amount_capturable"]:
        raise invalid("The amount to capture is greater than what can be captured.", param="amount_to_capture")
    charges.capture(unit, unit.load("charge", intent["latest_charge"]), amount)
    intent["metadata"] = merge_metadata(intent["metadata"], args.get("metadata"))
    intent.update(status="succeeded", amount_received=amount, amount_capturable=0)
    unit.save(intent)
    unit.emit("payment_intent.succeeded", intent)
    _settled(unit, intent)
    return unit.render(intent)


@operation(
    "POST",
    "/v1/payment_intents/{ident}/cancel",
    params(cancellation_reason=choice("abandoned", "duplicate", "fraudulent", "requested_by_customer")),
)
def cancel(unit: Unit, args: Json, ident: str) -> Json:
    """Give an intent up."""
    intent = unit.load("payment_intent", ident)
    if intent["status"] in ("succeeded", "canceled"):
        raise _unexpected(intent, "canceled", "requires_payment_method, requires_confirmation, requires_action")
    abandon(unit, intent, args.get("cancellation_reason"))
    return unit.render(intent)


@operation(
    "GET", "/v1/payment_intents", page_params(customer=text(), created=time_range(), unsupported="customer_account")
)
def index(unit: Unit, args: Json) -> Json:
    """List payment intents."""
    filters = [equals("$.customer", args["customer"])] if "customer" in args else []
    return page(unit, "payment_intent", "/v1/payment_intents", args, *filters)
