"""Discounts, and sharing an amount out over lines so that nothing is lost.

Conventions: a discount is never more than what it is taken from; per cent are taken line by line, each rounded half
away from zero, an amount is shared out over the lines in proportion (as Polar and Stripe do for amounts). Lines that
are credits are left alone: the discount is inside them already.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

from tollkeeper.kit import Money

from .rounding import round_half_away

HUNDRED = 100


@dataclass(frozen=True, slots=True)
class PercentOff:
    """So many per cent, 0 to 100."""

    percent: Decimal

    def __post_init__(self) -> None:
        if not 0 <= self.percent <= HUNDRED:
            raise ValueError(f"a discount is 0 to 100 per cent, not {self.percent}")


@dataclass(frozen=True, slots=True)
class AmountOff:
    """A fixed amount, zero or more, of the whole invoice."""

    money: Money

    def __post_init__(self) -> None:
        if self.money.amount < 0:
            raise ValueError(f"a discount is no surcharge: {self.money}")


Discount: TypeAlias = PercentOff | AmountOff


def percent_of(amount: int | Decimal, percent: Decimal) -> int:
    """Return so many per cent of an amount in (possibly fractional) minor units, rounded to whole ones."""
    return round_half_away(Fraction(amount) * Fraction(percent) / HUNDRED)


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Share `total` out in proportion to the weights (each >= 0); the parts always sum to the total.

    Each part is the proportional one cut towards zero; the units that are left go to the largest remainders, the
    earlier line first on a tie. So no part is off by a whole unit, and none is of the other sign.

    Raises:
        ValueError: a weight is below zero, or all are zero while there is something to share.
    """
    whole = sum(weights)
    if any(weight < 0 for weight in weights) or (total and not whole):
        raise ValueError("sharing out needs weights of zero or more, and one above zero")
    if not total:
        return [0] * len(weights)
    size, sign = abs(total), 1 if total > 0 else -1
    parts = [size * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda place: (-(size * weights[place] % whole), place))
    for place in order[: size - sum(parts)]:
        parts[place] += 1
    return [sign * part for part in parts]


def discount_lines(lines: Sequence[Money], discount: Discount) -> list[Money]:
    """Return what is taken off each line (each >= 0), in order; all lines are of one currency."""
    open_amounts = [max(line.amount, 0) for line in lines]
    if isinstance(discount, PercentOff):
        taken = [percent_of(amount, discount.percent) for amount in open_amounts]
    else:
        if any(line.currency != discount.money.currency for line in lines):
            raise ValueError(f"a discount in {discount.money.currency} needs lines in it")
        taken = allocate(min(discount.money.amount, sum(open_amounts)), open_amounts)
    return [Money(amount, line.currency) for amount, line in zip(taken, lines, strict=True)]
