"""Usage beyond what a plan includes: from a count and a price version to lines of an invoice, explained."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext
from uuid import UUID

from tollkeeper.kit import Money

from .charges import ZERO, Charge, Step, number
from .rated import rate
from .rounding import EXACT, in_major
from .words import charge_in_words


@dataclass(frozen=True, slots=True)
class PriceVersion:
    """What usage beyond the limit costs: one immutable version. `unit` (`prompt`) may be empty."""

    id: UUID
    feature: str
    unit: str
    currency: str
    charge: Charge


@dataclass(frozen=True, slots=True)
class Usage:
    """How much was used in a period, and how much of it the plan includes; both >= 0."""

    used: Decimal
    included: Decimal

    @property
    def beyond(self) -> Decimal:
        """How much is beyond what is included; zero when nothing is."""
        with localcontext(EXACT):
            return max(self.used - self.included, ZERO)


@dataclass(frozen=True, slots=True)
class UsageLine:
    """One line of an invoice. `exact` is the amount before its only rounding, the sum of the steps' amounts."""

    price_id: UUID
    description: str
    quantity: Decimal
    money: Money
    exact: Decimal
    steps: tuple[Step, ...]

    def explain(self) -> Iterator[str]:
        """Say how the amount came about, a sentence a step."""
        currency = self.money.currency
        for each in self.steps:
            unit, amount = in_major(each.unit_amount, currency), in_major(each.amount, currency)
            yield f"{each.text}: {number(each.quantity)} at {unit} is {amount}"
        yield f"together {in_major(self.exact, currency)}, as charged {self.money}"


def rate_overage(price: PriceVersion, usage: Usage) -> tuple[UsageLine, ...]:
    """Return the lines that usage beyond what is included costs.

    None when nothing is beyond: then no flat fee and no minimum is due, either. An amount that rounds to zero is
    still a line, so that the invoice shows that the usage was counted.
    """
    beyond = usage.beyond
    if not beyond:
        return ()
    rated = rate(price.charge, beyond)
    included = Step(f"{number(usage.used)} used, included", min(usage.used, usage.included), ZERO, ZERO)
    name = f"{number(beyond)} {price.unit or 'units'} of {price.feature} beyond {number(usage.included)}"
    words = charge_in_words(price.charge, price.currency)
    money = Money(rated.amount, price.currency)
    steps = (included, *rated.steps)
    return (UsageLine(price.id, f"{name} ({words})", beyond, money, rated.exact, steps),)
