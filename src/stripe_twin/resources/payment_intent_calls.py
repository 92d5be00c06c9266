"""Payment intents as an API: making, confirming, capturing and canceling them. Their life is in `payment_intents`."""

from stripe_twin.core.errors import invalid
from stripe_twin.core.json import Json
from stripe_twin.core.lists import page
from stripe_twin.core.operations import operation, retrieval
from stripe_twin.core.params import (
    array,
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
from stripe_twin.resources.payment_intents import _settled, abandon, attempt, challenged, make, refusal_of
from stripe_twin.resources.payment_methods import card_error
from stripe_twin.resources.prices import currency
from stripe_twin.rules.cards import AUTHENTICATION_REQUIRED

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
    "mandate_data": unsettable(
        obj(
            customer_acceptance=required(
                obj(
                    type=required(choice("offline", "online")),
                    accepted_at=integer(0),
                    online=obj(ip_address=required(text()), user_agent=required(text())),
                    unsupported="offline",
                )
            )
        )
    ),
    "off_session": first_of(choice("one_off", "recurring"), boolean()),
    "return_url": text(),
    "error_on_requires_action": boolean(),
    "use_stripe_sdk": boolean(),
}
_CONFIRM_UNSUPPORTED = "confirmation_token mandate radar_options"


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
        payment_method_types=array(choice("card", "sepa_debit", "us_bank_account")),
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
    details |= pick(args, "receipt_email", "capture_method", "confirmation_method", "payment_method_types", "shipping")
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
