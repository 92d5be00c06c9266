"""Older shapes of what webhooks carry: what moved or was renamed since, where that is simple to turn back.

Before basil (2025-03-31) the period is on the subscription, the invoice names its subscription, charge and payment
intent, a line its price, a charge its invoice. Before clover (2025-09-30) a discount holds its coupon itself.
"""

from collections.abc import Callable
from typing import Any

from stripe_twin.core.json import Json
from stripe_twin.core.store import equals
from stripe_twin.core.unit import Unit
from stripe_twin.core.version import BASIL, CLOVER

Turn = Callable[[Unit, Json], Json]
_NEW_ON_INVOICE = ("parent", "payments", "confirmation_secret", "total_taxes", "amount_overpaid", "status_details")
_NEW_ON_LINE = ("parent", "pricing", "taxes", "subtotal", "quantity_decimal", "pretax_credit_amounts")
_NEW_ON_SUBSCRIPTION = ("billing_mode", "billing_schedules", "managed_payments", "status_details")


def turned_back(unit: Unit, shown: Json, version: str) -> Json:
    """The object as that version had it."""
    if version < CLOVER and shown.get("object") in _BEFORE_CLOVER:
        shown = _BEFORE_CLOVER[shown["object"]](unit, shown)
    if version < BASIL and shown.get("object") in _BEFORE_BASIL:
        shown = _BEFORE_BASIL[shown["object"]](unit, shown)
    return shown


def changes_turned_back(previous: Json, now: Json, version: str) -> Json:
    """`previous_attributes` as that version had them, beside the object as it had it."""
    if version >= BASIL or now.get("object") != "subscription" or "items" not in previous:
        return previous
    item = previous["items"]["data"][0]
    periods = {name: item[name] for name in _PERIOD if item[name] != now[name]}
    return {**previous, "items": _items(previous["items"]), **periods}


_PERIOD = ("current_period_start", "current_period_end")


def _without(shown: Json, names: tuple[str, ...]) -> Json:
    return {name: value for name, value in shown.items() if name not in names}


def _items(items: Json) -> Json:
    return {**items, "data": [_without(item, _PERIOD) for item in items["data"]]}


def _subscription(_: Unit, shown: Json) -> Json:
    items = shown["items"]["data"]
    period = {name: items[0][name] for name in _PERIOD} if items else {}
    old = {**_without(shown, _NEW_ON_SUBSCRIPTION), **period, "items": _items(shown["items"])}
    single = items[0] if len(items) == 1 else None
    return {
        **old,
        "discount": None,
        "plan": single["plan"] if single else None,
        "quantity": single.get("quantity") if single else None,
    }


def _invoice(unit: Unit, shown: Json) -> Json:
    details = (shown.get("parent") or {}).get("subscription_details") or {}
    intent = _intent_of(unit, shown)
    taxes = shown.get("total_taxes") or []
    return {
        **_without(shown, _NEW_ON_INVOICE),
        "subscription": details.get("subscription"),
        "subscription_details": {"metadata": details.get("metadata")},
        "payment_intent": intent["id"] if intent else None,
        "charge": intent.get("latest_charge") if intent else None,
        "paid": shown["status"] == "paid",
        "paid_out_of_band": shown["status"] == "paid" and intent is None and shown["amount_due"] > 0,
        "discount": None,
        "quote": None,
        "tax": sum(tax["amount"] for tax in taxes) if taxes else None,
        "total_tax_amounts": [_tax(tax) for tax in taxes],
        "transfer_data": None,
        "application_fee_amount": None,
        "lines": {**shown["lines"], "data": [_line(unit, line) for line in shown["lines"]["data"]]},
    }


def _intent_of(unit: Unit, invoice: Json) -> Json | None:
    """The payment intent of the invoice's newest payment."""
    for payment in unit.find("invoice_payment", equals("$.invoice", invoice.get("id"))):
        if payment["payment"].get("payment_intent"):
            return unit.store.get(payment["payment"]["payment_intent"])
    return None


def _tax(tax: Json) -> Json:
    rate = (tax.get("tax_rate_details") or {}).get("tax_rate")
    return {
        "amount": tax["amount"],
        "inclusive": tax["tax_behavior"] == "inclusive",
        "tax_rate": rate,
        "taxability_reason": tax["taxability_reason"],
        "taxable_amount": tax["taxable_amount"],
    }


def _line(unit: Unit, line: Json) -> Json:
    parent = line["parent"] or {}
    item = parent.get("subscription_item_details") or {}
    loose = parent.get("invoice_item_details") or {}
    price = _of_price(unit, line)
    return {
        **_without(line, _NEW_ON_LINE),
        "type": "subscription" if item and not item.get("invoice_item") else "invoiceitem",
        "subscription": item.get("subscription") or loose.get("subscription"),
        "subscription_item": item.get("subscription_item"),
        "invoice_item": item.get("invoice_item") or loose.get("invoice_item"),
        "proration": bool(item.get("proration") or loose.get("proration")),
        "proration_details": item.get("proration_details") or loose.get("proration_details"),
        "price": price,
        "plan": None,
        "tax_amounts": [_tax(tax) for tax in line["taxes"] or []],
        "tax_rates": [],
    }


def _invoice_item(unit: Unit, shown: Json) -> Json:
    details = (shown.get("parent") or {}).get("subscription_details") or {}
    price = _of_price(unit, shown)
    return {
        **_without(shown, ("parent", "pricing", "quantity_decimal", "net_amount")),
        "price": price,
        "plan": None,
        "subscription": details.get("subscription"),
        "unit_amount": price["unit_amount"] if price else shown["amount"],
    }


def _of_price(unit: Unit, priced: Json) -> Json | None:
    ident: Any = ((priced.get("pricing") or {}).get("price_details") or {}).get("price")
    found = unit.store.get(ident, "price") if isinstance(ident, str) else None
    return unit.render(found) if found else None


def _charge(unit: Unit, shown: Json) -> Json:
    return {**shown, "invoice": _invoice_paid_by(unit, shown.get("payment_intent"))}


def _payment_intent(unit: Unit, shown: Json) -> Json:
    return {**shown, "invoice": _invoice_paid_by(unit, shown["id"])}


def _invoice_paid_by(unit: Unit, intent: str | None) -> str | None:
    found = unit.find("invoice_payment", equals("$.payment.payment_intent", intent), limit=1) if intent else []
    return found[0]["invoice"] if found else None


def _credit_note(_: Unit, shown: Json) -> Json:
    refunds = shown.get("refunds") or []
    return {**_without(shown, ("refunds",)), "refund": refunds[0]["refund"] if refunds else None}


def _discount(unit: Unit, shown: Json) -> Json:
    return {**_without(shown, ("source",)), "coupon": _coupon(unit, shown.get("source"))}


def _promotion_code(unit: Unit, shown: Json) -> Json:
    return {**_without(shown, ("promotion",)), "coupon": _coupon(unit, shown.get("promotion"))}


def _customer(unit: Unit, shown: Json) -> Json:
    discount = shown.get("discount")
    return {**shown, "discount": _discount(unit, discount) if discount else None}


def _coupon(unit: Unit, holder: Json | None) -> Json | None:
    found = unit.store.get(str((holder or {}).get("coupon")), "coupon")
    return unit.render(found) if found else None


_BEFORE_CLOVER: dict[str, Turn] = {"discount": _discount, "promotion_code": _promotion_code, "customer": _customer}
_BEFORE_BASIL: dict[str, Turn] = {
    "subscription": _subscription,
    "invoice": _invoice,
    "invoiceitem": _invoice_item,
    "charge": _charge,
    "payment_intent": _payment_intent,
    "credit_note": _credit_note,
}
