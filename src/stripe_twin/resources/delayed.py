"""Payments from bank accounts: under way for a while, then they arrive or come back."""

from stripe_twin.core.json import Json
from stripe_twin.core.unit import Unit
from stripe_twin.resources import balance_transactions, charges, payment_methods
from stripe_twin.rules.banks import ACCOUNTS


def start(unit: Unit, intent: Json, method: Json) -> None:
    """The debit is on its way."""
    charge = charges.make(unit, intent, method, None, authenticated=False, pending=True)
    account = ACCOUNTS[method["_account"]]
    intent.update(
        latest_charge=charge["id"], status="processing", _delayed=True, _settles_at=unit.now + account.seconds
    )
    unit.save(intent)
    unit.emit("payment_intent.processing", intent)
    if intent["customer"] and method["customer"] is None and intent["setup_future_usage"]:
        payment_methods.bind(unit, method, intent["customer"])


def due(intent: Json) -> int | None:
    """When the debit on its way is decided."""
    moment: int | None = intent.get("_settles_at") if intent["status"] == "processing" else None
    return moment


def decide(unit: Unit, intent: Json) -> None:
    """The debit arrives, or comes back."""
    method = unit.load("payment_method", intent["payment_method"])
    charge = unit.load("charge", intent["latest_charge"])
    before = unit.render(charge)
    failure = ACCOUNTS[method["_account"]].failure
    intent["_settles_at"] = None
    if failure is None:
        charge.update(status="succeeded", paid=True, captured=True, amount_captured=charge["amount"])
        charge["balance_transaction"] = balance_transactions.enter(unit, charge, charge["amount"])
        intent.update(status="succeeded", amount_received=intent["amount"])
    else:
        charge.update(status="failed", failure_code=failure.code, failure_message=failure.message)
        error = {**payment_methods.card_error(failure).body()["error"], "charge": charge["id"]}
        intent["last_payment_error"] = {**error, "payment_method": unit.render(method)}
        intent.update(status="requires_payment_method", payment_method=None)
    unit.save(charge)
    unit.save(intent)
    unit.emit("charge.failed" if failure else "charge.succeeded", charge, before)
    unit.emit("payment_intent.payment_failed" if failure else "payment_intent.succeeded", intent)
