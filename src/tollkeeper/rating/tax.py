"""Tax on a line.

Convention: tax is taken of each line after its discounts, each rate rounded on its own, half away from zero; the
invoice's tax is the sum of its lines' (Stripe's default; rounding per invoice can differ by a unit a line). A credit
has negative tax.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tollkeeper.kit import Money

from .rounding import round_half_away

HUNDRED = 100


@dataclass(frozen=True, slots=True)
class TaxRate:
    """So many per cent, contained in the price (`inclusive`) or put on top of it."""

    percent: Decimal
    inclusive: bool = False

    def __post_init__(self) -> None:
        if not self.percent.is_finite() or self.percent < 0:
            raise ValueError(f"a tax rate is zero per cent or more, not {self.percent}")


@dataclass(frozen=True, slots=True)
class Taxed:
    """A line with its taxes: `net + sum(taxes) == gross` exactly. `taxes` are in the order of the rates."""

    net: Money
    taxes: tuple[Money, ...]
    gross: Money


def tax_line(line: Money, rates: Sequence[TaxRate]) -> Taxed:
    """Return the taxes of a line (after discounts).

    Several inclusive rates share one net amount: each is `line * rate / (100 + all inclusive rates)`. A rate on top is
    of the net amount before rounding.
    """
    contained = sum((Fraction(rate.percent) for rate in rates if rate.inclusive), Fraction(0))
    base = Fraction(line.amount) / (HUNDRED + contained)  # one per cent of the net amount
    taxes = tuple(Money(round_half_away(base * Fraction(rate.percent)), line.currency) for rate in rates)
    inside = sum(tax.amount for tax, rate in zip(taxes, rates, strict=True) if rate.inclusive)
    net = Money(line.amount - inside, line.currency)
    return Taxed(net, taxes, Money(net.amount + sum(tax.amount for tax in taxes), line.currency))
