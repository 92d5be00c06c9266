"""Refunds of succeeded charges, whole or in parts."""

from stripe_twin.core import ids
from stripe_twin.core.errors import invalid
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import page
from stripe_twin.core.operations import operation, retrieval
from stripe_twin.core.params import choice, integer, merge_metadata, metadata, page_params, params, text, time_range
from stripe_twin.core.store import equals
from stripe_twin.core.unit import Unit
from stripe_twin.resources import balance_transactions
from stripe_twin.resources.payment_methods import card_of
from stripe_twin.rules.amounts import money

register(Kind("refund", "refund", due=lambda refund: refund.get("_settles_at"), on_due=lambda u, r: _settle(u, r)))  # noqa: PLW0108 -- defined below
_SETTLE_SECONDS = 10


@operation(
    "POST",
    "/v1/refunds",
    params(
        amount=integer(1),
        charge=text(),
        payment_intent=text(),
        metadata=metadata(),
        reason=choice("duplicate", "fraudulent", "requested_by_customer"),
        unsupported="currency customer instructions_email origin refund_application_fee reverse_transfer",
    ),
)
def create(unit: Unit, args: Json) -> Json:
    """Refund a charge, or the charge of a payment intent."""
    charge = _charge(unit, args)
    return unit.render(make(unit, charge, args.get("amount"), args))


def make(unit: Unit, charge: Json, wanted: int | None, args: Json) -> Json:
    """The new refund, reported; None as the amount means all that is left."""
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = left if wanted is None else wanted
    if charge["refunded"]:
        raise invalid(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if any(
        not each["is_charge_refundable"] and each["status"] != "won" for each in unit.of("dispute", charge=charge["id"])
    ):
        raise invalid(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    if amount > left:
        raise invalid(
            f"Refund amount ({money(amount, charge['currency'])}) is greater than unrefunded amount on charge "
            f"({money(left, charge['currency'])})",
            param="amount",
        )
    refund = _refund(unit, charge, amount, args)
    refund["balance_transaction"] = balance_transactions.enter(unit, refund, -amount)
    unit.save(refund)
    before = unit.render(charge)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    unit.save(charge)
    unit.emit("charge.refunded", charge, before)
    unit.emit("refund.created", refund)
    return refund


def _settle(unit: Unit, refund: Json) -> None:
    """A pending refund arrives, or one that seemed to have arrived comes back."""
    before = unit.render(refund)
    failed = refund["status"] == "succeeded"
    refund.update(status="failed" if failed else "succeeded", pending_reason=None, _settles_at=None)
    if failed:
        refund["failure_reason"] = "expired_or_canceled_card"
        charge = unit.load("charge", refund["charge"])
        charge.update(amount_refunded=charge["amount_refunded"] - refund["amount"], refunded=False)
        unit.save(charge)
    unit.updated("refund.updated", refund, before)
    unit.emit("charge.refund.updated", refund, before)
    if failed:
        unit.emit("refund.failed", refund)


def _charge(unit: Unit, args: Json) -> Json:
    if "charge" in args:
        found = unit.load("charge", args["charge"], "charge")
    elif "payment_intent" in args:
        intent = unit.load("payment_intent", args["payment_intent"], "payment_intent")
        if intent["status"] != "succeeded":
            raise invalid(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
                param="payment_intent",
            )
        found = unit.load("charge", intent["latest_charge"], "payment_intent")
    else:
        raise invalid("One of the following params should be provided for this request: payment_intent or charge.")
    if found["status"] != "succeeded":
        raise invalid(f"Charge {found['id']} was not successful and cannot be refunded.", param="charge")
    return found


def _refund(unit: Unit, charge: Json, amount: int, args: Json) -> Json:
    return {
        **_outcome(unit, charge),
        "id": ids.payment("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": unit.now,
        "currency": charge["currency"],
        "destination_details": {
            "card": {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"},
            "type": "card",
        },
        "metadata": merge_metadata({}, args.get("metadata")),
        "payment_intent": charge["payment_intent"],
        "reason": args.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "transfer_reversal": None,
    }


def _outcome(unit: Unit, charge: Json) -> Json:
    method = unit.load("payment_method", charge["payment_method"])
    way = card_of(method).refunding if method["type"] == "card" else "pending"
    later = None if way == "at_once" else unit.now + _SETTLE_SECONDS
    pending = {"pending_reason": "processing"} if way == "pending" else {}
    return {"status": "pending" if way == "pending" else "succeeded", "_settles_at": later, **pending}


@operation("POST", "/v1/refunds/{ident}/cancel", params())
def cancel(unit: Unit, _: Json, ident: str) -> Json:
    """Only a refund that waits for the buyer can be canceled; none here does."""
    refund = unit.load("refund", ident)
    raise invalid(f"This refund is {refund['status']} and cannot be canceled.", code="refund_not_cancelable")


retrieval("refund", "/v1/refunds/{ident}", params())


@operation("POST", "/v1/refunds/{ident}", params(metadata=metadata()))
def update(unit: Unit, args: Json, ident: str) -> Json:
    """Change a refund's metadata, the only thing that can be."""
    refund = unit.load("refund", ident)
    before = unit.render(refund)
    refund["metadata"] = merge_metadata(refund["metadata"], args.get("metadata"))
    for event_type in ("refund.updated", "charge.refund.updated"):
        unit.updated(event_type, refund, before)
    return unit.render(refund)


@operation("GET", "/v1/refunds", page_params(charge=text(), payment_intent=text(), created=time_range()))
def index(unit: Unit, args: Json) -> Json:
    """List refunds."""
    filters = [equals(f"$.{name}", args[name]) for name in ("charge", "payment_intent") if name in args]
    return page(unit, "refund", "/v1/refunds", args, *filters)
