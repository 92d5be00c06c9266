"""Rounding: once a line, half away from zero, to the currency's minor unit.

Convention: DIN 1333 and what shops do; 2.5 becomes 3 and -2.5 becomes -3, so that a credit mirrors its charge to the
cent. Flexprice publishes the same rule. Python's own `round` goes to the even neighbour and is never used for money.
"""

from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, localcontext
from fractions import Fraction

from tollkeeper.kit import Money

EXACT = Context(prec=120, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
"""Decimal arithmetic in which a lost digit is an error. 120 digits hold any usage times any unit amount."""


def round_half_away(value: int | Decimal | Fraction) -> int:
    """Return the nearest integer, a tie the one farther from zero."""
    exact = Fraction(value)
    size = (2 * abs(exact.numerator) + exact.denominator) // (2 * exact.denominator)
    return size if exact >= 0 else -size


def to_money(major: Decimal | Fraction | int, currency: str) -> Money:
    """Return an amount given in whole units of the currency (10.275 dollars), rounded to its minor unit.

    How many decimals that leaves is the currency's: two, none for yen, three for Kuwaiti dinar (ISO 4217; Stripe keeps
    a list of its own for a few currencies, see `tollkeeper.kit.Money`).
    """
    return Money(round_half_away(Fraction(major) * 10 ** Money(0, currency).decimals), currency)


def in_major(minor: Decimal, currency: str) -> str:
    """Write a possibly fractional count of minor units in whole units, exactly: 0.5 cents are `0.005 USD`."""
    decimals = Money(0, currency).decimals
    with localcontext(EXACT):
        major = minor.normalize().scaleb(-decimals)
    exponent = major.as_tuple().exponent
    places = max(decimals, -exponent) if isinstance(exponent, int) else decimals
    return f"{major:,.{places}f} {currency.upper()}"
