"""Charges: one per attempt that reached the bank. Made by payment intents, never by themselves."""

from stripe_twin.core import ids
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import listing, page
from stripe_twin.core.operations import operation, retrieval
from stripe_twin.core.params import merge_metadata, metadata, page_params, params, text, time_range, unsettable
from stripe_twin.core.store import equals
from stripe_twin.core.unit import Unit
from stripe_twin.resources import balance_transactions
from stripe_twin.resources.payment_methods import card_of
from stripe_twin.rules.cards import Decline

_BOOKED_SECONDS = 60


def _refunds(unit: Unit, charge: Json) -> Json:
    found = unit.find("refund", equals("$.charge", charge["id"]))
    return listing(f"/v1/charges/{charge['id']}/refunds", [unit.render(refund) for refund in found])


def _compose(unit: Unit, charge: Json) -> Json:
    """What is captured asynchronously is on the balance a little later."""
    if unit.now < charge.get("_booked_at", 0):
        return {**charge, "balance_transaction": None}
    return charge


register(Kind("charge", "charge", compose=_compose, includable={"refunds": _refunds}))


def make(
    unit: Unit, intent: Json, method: Json, decline: Decline | None, *, authenticated: bool, pending: bool = False
) -> Json:
    """The record of one attempt, reported as succeeded or failed. An intent captured by hand only holds the amount."""
    paid = decline is None and not pending
    captured = paid and intent["capture_method"] != "manual"
    status = "pending" if pending else "succeeded" if paid else "failed"
    charge = unit.save(
        {
            "id": ids.payment("ch"),
            "object": "charge",
            "amount": intent["amount"],
            "amount_captured": intent["amount"] if captured else 0,
            "amount_refunded": 0,
            "application": None,
            "application_fee": None,
            "application_fee_amount": None,
            "balance_transaction": None,
            "billing_details": method["billing_details"],
            "calculated_statement_descriptor": "TEST PAYMENTS",
            "captured": captured,
            "created": unit.now,
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": False,
            "failure_balance_transaction": None,
            "failure_code": decline.code if decline else None,
            "failure_message": decline.message if decline else None,
            "fraud_details": {},
            "livemode": False,
            "metadata": intent["metadata"],
            "on_behalf_of": None,
            "outcome": _outcome(decline),
            "paid": paid,
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": _details(intent, method, paid=paid, authenticated=authenticated),
            "radar_options": {},
            "receipt_email": intent["receipt_email"],
            "receipt_number": None,
            "receipt_url": None,
            "refunded": False,
            "review": None,
            "shipping": intent["shipping"],
            "source": None,
            "source_transfer": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "status": status,
            "transfer_data": None,
            "transfer_group": None,
        }
    )
    if captured:
        _book(unit, charge, intent)
    unit.emit(f"charge.{status}", charge)
    return charge


def _book(unit: Unit, charge: Json, intent: Json) -> None:
    charge["balance_transaction"] = balance_transactions.enter(unit, charge, charge["amount"])
    if intent["capture_method"] == "automatic_async":
        charge["_booked_at"] = unit.now + _BOOKED_SECONDS
    unit.save(charge)


def capture(unit: Unit, charge: Json, amount: int) -> Json:
    """Take what was held, or a part of it; the rest is let go."""
    before = unit.render(charge)
    charge.update(captured=True, amount_captured=amount, amount_refunded=charge["amount"] - amount)
    charge["balance_transaction"] = balance_transactions.enter(unit, charge, amount)
    unit.save(charge)
    unit.emit("charge.captured", charge, before)
    return charge


def _outcome(decline: Decline | None) -> Json:
    calm = {"advice_code": None, "network_advice_code": None, "risk_level": "normal", "risk_score": 20}
    if decline is None:
        return {
            **calm,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
    return {
        **calm,
        "network_decline_code": decline.network_code,
        "network_status": "declined_by_network",
        "reason": decline.decline_code or decline.code,
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }


def _account_details(method: Json) -> Json:
    kind = method["type"]
    names = {
        "sepa_debit": ("bank_code", "branch_code", "country", "fingerprint", "last4"),
        "us_bank_account": (
            "account_holder_type",
            "account_type",
            "bank_name",
            "fingerprint",
            "last4",
            "routing_number",
        ),
    }[kind]
    shown = {name: method[kind][name] for name in names}
    return {kind: {**shown, "expected_debit_date": None, "mandate": None}, "type": kind}


def _details(intent: Json, method: Json, *, paid: bool, authenticated: bool) -> Json:
    if method["type"] != "card":
        return _account_details(method)
    card, shown = card_of(method), method["card"]
    secure = {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "version": "2.2.0",
    }
    return {
        "card": {
            "amount_authorized": intent["amount"] if paid else None,
            "authorization_code": "424242" if paid else None,
            "brand": card.brand,
            "checks": shown["checks"],
            "country": card.country,
            "exp_month": shown["exp_month"],
            "exp_year": shown["exp_year"],
            "fingerprint": card.fingerprint,
            "funding": card.funding,
            "installments": None,
            "last4": card.last4,
            "mandate": None,
            "network": card.brand,
            "network_token": {"used": False},
            "regulated_status": "unregulated",
            "three_d_secure": secure if authenticated else None,
            "wallet": None,
        },
        "type": "card",
    }


retrieval("charge", "/v1/charges/{ident}", params())


@operation(
    "POST",
    "/v1/charges/{ident}",
    params(
        description=unsettable(text()), metadata=metadata(), unsupported="customer fraud_details receipt_email shipping"
    ),
)
def update(unit: Unit, args: Json, ident: str) -> Json:
    """Change a charge."""
    charge = unit.load("charge", ident)
    before = unit.render(charge)
    if "metadata" in args:
        args["metadata"] = merge_metadata(charge["metadata"], args["metadata"])
    charge.update(args)
    unit.updated("charge.updated", charge, before)
    return unit.render(charge)


@operation("GET", "/v1/charges", page_params(customer=text(), payment_intent=text(), created=time_range()))
def index(unit: Unit, args: Json) -> Json:
    """List charges."""
    filters = [equals(f"$.{name}", args[name]) for name in ("customer", "payment_intent") if name in args]
    return page(unit, "charge", "/v1/charges", args, *filters)
