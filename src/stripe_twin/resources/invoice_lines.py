"""Invoice lines and pending invoice items: how amounts are worded and shaped."""

from datetime import UTC, datetime

from stripe_twin.core import ids
from stripe_twin.core.json import Json
from stripe_twin.core.params import plain
from stripe_twin.core.unit import Unit
from stripe_twin.resources import discounts, meters, tax_rates
from stripe_twin.rules.amounts import cost, money


def pricing(price: Json | None, unit_amount_decimal: str | None) -> Json | None:
    """The `pricing` of a line or an item."""
    if price is None:
        return None
    details = {"price": price["id"], "product": price["product"]}
    return {"price_details": details, "type": "price_details", "unit_amount_decimal": unit_amount_decimal}


def _line(amount: int, currency: str, description: str, period: tuple[int, int], **details: object) -> Json:
    return {
        "id": ids.long("il"),
        "object": "line_item",
        "amount": amount,
        "currency": currency,
        "description": description,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "parent": None,
        "period": {"end": period[1], "start": period[0]},
        "pretax_credit_amounts": [],
        "pricing": None,
        "quantity": 1,
        "quantity_decimal": "1",
        "subtotal": amount,
        "taxes": [],
        **details,
    }


def of_subscription_item(
    unit: Unit, subscription: Json, item: Json, period: tuple[int, int], *, trial: bool = False
) -> Json:
    """The line for one period of a subscription item; nothing is charged for a trial, nor for metered use here."""
    price = unit.load("price", item["_price"])
    name = unit.load("product", price["product"])["name"]
    metered = price["recurring"]["usage_type"] == "metered"
    quantity = 0 if metered else item["quantity"]
    amount = 0 if trial or metered else cost(price, quantity)
    each = money(price["unit_amount"] or 0, price["currency"])
    every = price["recurring"]["interval"]
    count = price["recurring"]["interval_count"]
    rhythm = f"{each} / {every}" if count == 1 else f"{each} every {count} {every}s"
    worded = f"Trial period for {name}" if trial else f"{quantity} × {name} (at {rhythm})"  # noqa: RUF001 -- Stripe's sign
    return _line(
        amount,
        price["currency"],
        worded,
        period,
        metadata=subscription["metadata"],
        parent=_item_parent(subscription["id"], item["id"]),
        pricing=pricing(price, "0" if trial else price["unit_amount_decimal"]),
        quantity=quantity,
        quantity_decimal=str(quantity),
        _tax_rates=tax_rates.resolved(unit, item.get("_tax_rates", [])),
    )


def of_usage(unit: Unit, subscription: Json, item: Json, period: tuple[int, int], *, trial: bool = False) -> Json:
    """The line for what was used of a metered item in a period that is over; a trial is free."""
    line = of_subscription_item(unit, subscription, item, period, trial=trial)
    if not trial:
        line["_usage"] = {"customer": subscription["customer"], "price": item["_price"]}
        _rate(unit, line)
    return line


def _rate(unit: Unit, line: Json) -> None:
    price = unit.load("price", line["_usage"]["price"])
    name = unit.load("product", price["product"])["name"]
    used = meters.usage(unit, price, line["_usage"]["customer"], (line["period"]["start"], line["period"]["end"]))
    amount = cost(price, used)
    line.update(amount=amount, subtotal=amount, quantity=int(used), quantity_decimal=plain(used))
    line["description"] = f"{plain(used)} × {name}"  # noqa: RUF001 -- Stripe's sign


def rate_again(unit: Unit, invoice: Json) -> None:
    """Usage that was reported while the invoice was a draft still counts."""
    for line in invoice["_lines"]:
        if line.get("_usage"):
            _rate(unit, line)


def _item_parent(subscription: str, item: str, invoice_item: str | None = None, *, proration: bool = False) -> Json:
    return {
        "invoice_item_details": None,
        "subscription_item_details": {
            "invoice_item": invoice_item,
            "proration": proration,
            "proration_details": {"credited_items": None},
            "subscription": subscription,
            "subscription_item": item,
        },
        "type": "subscription_item_details",
    }


def of_invoice_item(unit: Unit, item: Json) -> Json:
    """The line that a pending invoice item becomes."""
    subscription_item = item.get("_subscription_item")
    if subscription_item:
        parent = _item_parent(item["_subscription"], subscription_item, item["id"], proration=item["proration"])
    else:
        details = {
            "invoice_item": item["id"],
            "proration": item["proration"],
            "proration_details": {"credited_items": None},
            "subscription": item.get("_subscription"),
        }
        parent = {"invoice_item_details": details, "subscription_item_details": None, "type": "invoice_item_details"}
    period = (item["period"]["start"], item["period"]["end"])
    return _line(
        item["amount"],
        item["currency"],
        item["description"] or "",
        period,
        discountable=item["discountable"],
        metadata=item["metadata"],
        parent=parent,
        pricing=item["pricing"],
        quantity=item["quantity"],
        quantity_decimal=item["quantity_decimal"],
        _tax_rates=tax_rates.resolved(unit, item.get("_tax_rates", [])),
        _discounts=discounts.resolved(unit, item["discounts"]),
    )


def pending(
    unit: Unit,
    customer: str,
    amount: int,
    currency: str,
    *,
    description: str | None,
    period: tuple[int, int],
    **details: object,
) -> Json:
    """A new invoice item that waits for the next invoice, reported. `details` overrides any field."""
    item = unit.save(
        {
            "id": ids.long("ii"),
            "object": "invoiceitem",
            "amount": amount,
            "currency": currency,
            "customer": customer,
            "customer_account": None,
            "date": unit.now,
            "description": description,
            "discountable": True,
            "discounts": [],
            "invoice": None,
            "livemode": False,
            "metadata": {},
            "net_amount": amount,
            "parent": None,
            "period": {"end": period[1], "start": period[0]},
            "pricing": None,
            "proration": False,
            "proration_details": None,
            "quantity": 1,
            "quantity_decimal": "1",
            "tax_rates": [],
            "test_clock": unit.load("customer", customer)["test_clock"],
            **details,
        }
    )
    unit.emit("invoiceitem.created", item)
    return item


def proration(unit: Unit, subscription: Json, item: Json, price: Json, *, amount: int, period: tuple[int, int]) -> Json:
    """The pending item for what is left of a period: a credit when the amount is negative, else a charge."""
    name = unit.load("product", price["product"])["name"]
    moment = datetime.fromtimestamp(period[0], UTC)
    kind = "Unused" if amount < 0 else "Remaining"
    quantity = item["quantity"]
    count = f"{quantity} × " if quantity != 1 else ""  # noqa: RUF001 -- Stripe's sign
    details = {"subscription": subscription["id"], "subscription_item": item["id"]}
    return pending(
        unit,
        subscription["customer"],
        amount,
        price["currency"],
        description=f"{kind} time on {count}{name} after {moment:%d %b %Y}",
        period=period,
        discountable=False,
        parent={"subscription_details": details, "type": "subscription_details"},
        pricing=pricing(price, None),
        proration=True,
        proration_details={"discount_amounts": []},
        quantity=quantity,
        quantity_decimal=str(quantity),
        _subscription=subscription["id"],
        _subscription_item=item["id"],
    )
