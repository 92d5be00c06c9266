"""Setup intents: saving a card without charging it."""

from collections.abc import Callable

from stripe_twin.core import ids
from stripe_twin.core.errors import invalid
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import page
from stripe_twin.core.operations import operation, retrieval
from stripe_twin.core.params import (
    array,
    boolean,
    choice,
    merge_metadata,
    metadata,
    obj,
    page_params,
    params,
    pick,
    text,
    time_range,
)
from stripe_twin.core.store import equals
from stripe_twin.core.unit import Unit
from stripe_twin.resources import customers, payment_methods
from stripe_twin.resources.payment_intents import next_action
from stripe_twin.resources.payment_methods import card_error, card_of
from stripe_twin.rules.cards import Decline

UNAUTHENTICATED = Decline(
    "setup_intent_authentication_failure",
    None,
    "The latest attempt to set up the payment method has failed because authentication failed.",
)

# Called with every intent that succeeded.
SUCCEEDED: list[Callable[[Unit, Json], None]] = []

register(
    Kind(
        "setup_intent", "setupintent", compose=lambda unit, intent: {**intent, "next_action": next_action(unit, intent)}
    )
)


def make(unit: Unit, customer: str | None, details: Json | None = None) -> Json:
    """A new intent, reported; `details` overrides any field."""
    ident = ids.long("seti")
    intent = unit.save(
        {
            "id": ident,
            "object": "setup_intent",
            "application": None,
            "automatic_payment_methods": None,
            "cancellation_reason": None,
            "client_secret": f"{ident}_secret_{ids.token(25)}",
            "created": unit.now,
            "customer": customer,
            "customer_account": None,
            "description": None,
            "excluded_payment_method_types": None,
            "flow_directions": None,
            "last_setup_error": None,
            "latest_attempt": None,
            "livemode": False,
            "mandate": None,
            "metadata": {},
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": None,
            "payment_method_configuration_details": None,
            "payment_method_options": {
                "card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"}
            },
            "payment_method_types": ["card"],
            "single_use_mandate": None,
            "status": "requires_payment_method",
            "usage": "off_session",
            "_return_url": None,
            **(details or {}),
        }
    )
    unit.emit("setup_intent.created", intent)
    return intent


def attempt(unit: Unit, intent: Json, method: Json) -> None:
    """Set the card up: ends in succeeded, requires_action, or requires_payment_method with last_setup_error."""
    intent.update(payment_method=method["id"], last_setup_error=None)
    refusal = card_of(method).saving
    if refusal:
        _refuse(unit, intent, method, refusal)
    elif card_of(method).challenge != "never" and not method["_set_up"]:
        intent["status"] = "requires_action"
        unit.save(intent)
        unit.emit("setup_intent.requires_action", intent)
    else:
        _succeed(unit, intent, method)


def authenticate(unit: Unit, intent: Json, *, confirmed: bool) -> None:
    """The buyer confirmed at the bank's page, or failed to."""
    method = unit.load("payment_method", intent["payment_method"])
    if confirmed:
        _succeed(unit, intent, method)
    else:
        _refuse(unit, intent, method, UNAUTHENTICATED)


def _succeed(unit: Unit, intent: Json, method: Json) -> None:
    method["_set_up"] = True
    unit.save(method)
    if intent["customer"] and method["customer"] is None:
        payment_methods.bind(unit, method, intent["customer"])
    intent["status"] = "succeeded"
    unit.save(intent)
    unit.emit("setup_intent.succeeded", intent)
    for listen in SUCCEEDED:
        listen(unit, intent)


def _refuse(unit: Unit, intent: Json, method: Json, decline: Decline) -> None:
    error = card_error(decline).body()["error"]
    intent.update(
        status="requires_payment_method",
        payment_method=None,
        last_setup_error={**error, "payment_method": unit.render(method)},
    )
    unit.save(intent)
    unit.emit("setup_intent.setup_failed", intent)


_UNSUPPORTED = (
    "allowed_payment_method_types attach_to_self confirmation_token customer_account excluded_payment_method_types "
    "flow_directions mandate_data on_behalf_of payment_method_configuration payment_method_data "
    "payment_method_options single_use"
)


@operation(
    "POST",
    "/v1/setup_intents",
    params(
        automatic_payment_methods=obj(enabled=boolean(), allow_redirects=choice("always", "never")),
        confirm=boolean(),
        customer=text(),
        description=text(),
        metadata=metadata(),
        payment_method=text(),
        payment_method_types=array(choice("card", "us_bank_account")),
        return_url=text(),
        usage=choice("off_session", "on_session"),
        use_stripe_sdk=boolean(),
        unsupported=_UNSUPPORTED,
    ),
)
def create(unit: Unit, args: Json) -> Json:
    """Make a setup intent, confirmed at once when asked."""
    if "customer" in args:
        customers.live(unit, args["customer"])
    details = pick(args, "description", "usage", "payment_method_types")
    automatic = args.get("automatic_payment_methods", {"enabled": True})
    details["automatic_payment_methods"] = (
        {"allow_redirects": "always", **automatic} if automatic.get("enabled") else None
    )
    details["metadata"] = merge_metadata({}, args.get("metadata"))
    details["_return_url"] = args.get("return_url")
    if "payment_method" in args:
        method = payment_methods.usable(unit, args["payment_method"], args.get("customer"))
        details.update(payment_method=method["id"], status="requires_confirmation")
    intent = make(unit, args.get("customer"), details)
    return _confirm(unit, intent, args) if args.get("confirm") else unit.render(intent)


retrieval("setup_intent", "/v1/setup_intents/{ident}", params(client_secret=text()))


@operation(
    "POST",
    "/v1/setup_intents/{ident}/confirm",
    params(payment_method=text(), return_url=text(), use_stripe_sdk=boolean(), unsupported=_UNSUPPORTED),
)
def confirm(unit: Unit, args: Json, ident: str) -> Json:
    """Try to set the card up."""
    return _confirm(unit, unit.load("setup_intent", ident), args)


def _confirm(unit: Unit, intent: Json, args: Json) -> Json:
    if intent["status"] in ("succeeded", "canceled"):
        raise _unexpected(intent, "confirmed")
    chosen = args.get("payment_method") or intent["payment_method"]
    if chosen is None:
        raise invalid(
            "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with "
            "a payment "
            "method, or pass one when you confirm it.",
            code="setup_intent_unexpected_state",
        )
    intent["_return_url"] = args.get("return_url") or intent["_return_url"]
    attempt(unit, intent, payment_methods.usable(unit, chosen, intent["customer"]))
    error = intent["last_setup_error"]
    if error:
        decline = Decline(error["code"], error.get("decline_code"), error["message"])
        raise card_error(decline, extra={"setup_intent": unit.render(intent)}, keep=True)
    return unit.render(intent)


def _unexpected(intent: Json, verb: str) -> Exception:
    return invalid(
        f"This SetupIntent's status is {intent['status']}; it could not be {verb}.",
        code="setup_intent_unexpected_state",
    )


@operation(
    "POST",
    "/v1/setup_intents/{ident}/cancel",
    params(cancellation_reason=choice("abandoned", "duplicate", "requested_by_customer")),
)
def cancel(unit: Unit, args: Json, ident: str) -> Json:
    """Give an intent up."""
    intent = unit.load("setup_intent", ident)
    if intent["status"] in ("succeeded", "canceled"):
        raise _unexpected(intent, "canceled")
    intent.update(status="canceled", cancellation_reason=args.get("cancellation_reason"))
    unit.save(intent)
    unit.emit("setup_intent.canceled", intent)
    return unit.render(intent)


@operation("GET", "/v1/setup_intents", page_params(customer=text(), payment_method=text(), created=time_range()))
def index(unit: Unit, args: Json) -> Json:
    """List setup intents."""
    filters = [equals(f"$.{name}", args[name]) for name in ("customer", "payment_method") if name in args]
    return page(unit, "setup_intent", "/v1/setup_intents", args, *filters)
