"""What a quantity of a price costs, and what a part of a period is worth. Integer minor units; half away from zero."""

from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal
from typing import Any

Json = dict[str, Any]
_ZERO_DECIMAL = {
    "bif",
    "clp",
    "djf",
    "gnf",
    "jpy",
    "kmf",
    "krw",
    "mga",
    "pyg",
    "rwf",
    "ugx",
    "vnd",
    "vuv",
    "xaf",
    "xof",
}
_THREE_DECIMAL = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
_SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}


def whole(value: Decimal) -> int:
    """The nearest minor unit."""
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))


def cost(price: Json, quantity: int | Decimal) -> int:
    """The full amount of a period for that quantity, counted in packages where the price says so."""
    package = price.get("transform_quantity")
    if package:
        way = ROUND_UP if package["round"] == "up" else ROUND_DOWN
        quantity = (Decimal(quantity) / package["divide_by"]).quantize(Decimal(1), way)
    if price["billing_scheme"] == "tiered":
        return _tiered(price["_tiers"], price["tiers_mode"], quantity)
    return whole(Decimal(price["unit_amount_decimal"] or "0") * quantity)


def _tiered(tiers: list[Json], mode: str, quantity: int | Decimal) -> int:
    total, below = Decimal(0), Decimal(0)
    for tier in tiers:
        top = tier["up_to"]
        inside = top is None or quantity <= top
        flat, unit = Decimal(tier["flat_amount_decimal"] or "0"), Decimal(tier["unit_amount_decimal"] or "0")
        if mode == "graduated":
            upper = Decimal(quantity if inside else top)
            total += flat + unit * (upper - below)
            below = upper
        elif inside:
            total = flat + unit * quantity
        if inside:
            break
    return whole(total)


def share(full: int, moment: int, start: int, end: int) -> int:
    """The worth of what is left of `[start, end)` at the moment, by the second."""
    return whole(Decimal(full) * max(0, end - moment) / (end - start))


def money(amount: int, currency: str) -> str:
    """The amount for people: "$20.00", "1,000 XAF", "6.150 KWD"."""
    places = 0 if currency in _ZERO_DECIMAL else 3 if currency in _THREE_DECIMAL else 2
    number = f"{Decimal(abs(amount)).scaleb(-places):,.{places}f}"
    sign = "-" if amount < 0 else ""
    symbol = _SYMBOLS.get(currency)
    return f"{sign}{symbol}{number}" if symbol else f"{sign}{number} {currency.upper()}"
