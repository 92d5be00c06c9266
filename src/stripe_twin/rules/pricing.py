"""Discounts and taxes on invoice lines. Integer minor units; each line is rounded by itself, half away from zero.

A discount is `{"id", "percent_off", "amount_off", "products"}` (one of the first two is None; `products` None means
all), a rate is `{"id", "percentage", "inclusive"}`. Discounts come before taxes; credits are never discounted again.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from stripe_twin.rules.amounts import whole

Json = dict[str, Any]
_EXEMPT = {"exempt": "customer_exempt", "reverse": "reverse_charge"}


def percent(amount: int, share: str | float) -> int:
    """That many percent of the amount."""
    return whole(Decimal(amount) * Decimal(str(share)) / 100)


def price_lines(lines: Sequence[Json], discounts: Sequence[Json], rates: Sequence[Json], exempt: str | None) -> Json:
    """Fill `discount_amounts` and `taxes` of every line; the invoice's sums.

    `rates` tax the lines that bring none of their own (`_tax_rates`); `exempt` is the customer's `tax_exempt`.
    """
    for line in lines:
        line.update(discount_amounts=[], taxes=[])
        line["discounts"] = [each["id"] for each in line.get("_discounts", [])]
    for line in lines:
        for own in line.get("_discounts", []):
            _discount([line], own)
    for discount in discounts:
        _discount(lines, discount)
    for line in lines:
        line["pretax_credit_amounts"] = [{**part, "type": "discount"} for part in line["discount_amounts"]]
        line["taxes"] = _taxes(line, line.get("_tax_rates") or rates, exempt)
    return _sums(lines)


def net(line: Json) -> int:
    """The amount of a line less its discounts."""
    off: int = sum(part["amount"] for part in line["discount_amounts"])
    return int(line["amount"]) - off


def covers(discount: Json, line: Json) -> bool:
    """Whether the discount may lower this line."""
    products = discount["products"]
    named = ((line["pricing"] or {}).get("price_details") or {}).get("product")
    return bool(line["discountable"] and line["amount"] > 0 and (products is None or named in products))


def _discount(lines: Sequence[Json], discount: Json) -> None:
    eligible = [line for line in lines if covers(discount, line) and net(line) > 0]
    if discount["percent_off"] is not None:
        parts = [percent(net(line), discount["percent_off"]) for line in eligible]
    else:
        parts = spread(discount["amount_off"], [net(line) for line in eligible])
    for line, amount in zip(eligible, parts, strict=True):
        line["discount_amounts"].append({"amount": amount, "discount": discount["id"]})


def spread(amount: int, over: Sequence[int]) -> list[int]:
    """The amount, at most their sum, parted in proportion; the last takes what rounding leaves."""
    total = sum(over)
    left = min(amount, total)
    parts = []
    for each in over:
        part = whole(Decimal(left) * each / total) if total else 0
        parts.append(part)
        left, total = left - part, total - each
    return parts


def _taxes(line: Json, rates: Sequence[Json], exempt: str | None) -> list[Json]:
    base = net(line)
    inclusive = sum(Decimal(str(rate["percentage"])) for rate in rates if rate["inclusive"])
    taxable = whole(Decimal(base) * 100 / (100 + inclusive))
    shown = []
    for rate in rates:
        share = Decimal(str(rate["percentage"]))
        amount = whole(Decimal(base) * share / (100 + inclusive)) if rate["inclusive"] else percent(taxable, str(share))
        shown.append(
            {
                "amount": 0 if exempt in _EXEMPT else amount,
                "tax_behavior": "inclusive" if rate["inclusive"] else "exclusive",
                "tax_rate_details": {"tax_rate": rate["id"]},
                "taxability_reason": _EXEMPT.get(exempt or "", "standard_rated"),
                "taxable_amount": 0 if exempt in _EXEMPT else taxable,
                "type": "tax_rate_details",
            }
        )
    return shown


def _sums(lines: Sequence[Json]) -> Json:
    subtotal = sum(line["amount"] for line in lines)
    off: dict[str, int] = {}
    taxes: dict[str, Json] = {}
    for line in lines:
        for part in line["discount_amounts"]:
            off[part["discount"]] = off.get(part["discount"], 0) + part["amount"]
        for tax in line["taxes"]:
            known = taxes.setdefault(tax["tax_rate_details"]["tax_rate"], {**tax, "amount": 0, "taxable_amount": 0})
            known["amount"] += tax["amount"]
            known["taxable_amount"] += tax["taxable_amount"]
    added = sum(tax["amount"] for tax in taxes.values() if tax["tax_behavior"] == "exclusive")
    inside = sum(tax["amount"] for tax in taxes.values() if tax["tax_behavior"] == "inclusive")
    discounted = subtotal - sum(off.values())
    return {
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - inside,
        "total": discounted + added,
        "total_excluding_tax": discounted - inside,
        "total_discount_amounts": [{"amount": amount, "discount": ident} for ident, amount in off.items()],
        "total_pretax_credit_amounts": [
            {"amount": amount, "discount": ident, "type": "discount"} for ident, amount in off.items()
        ],
        "total_taxes": list(taxes.values()),
    }
