"""Lines of an invoice calculated anew, from what went into them, in words. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from uuid import UUID

from tollkeeper.billing.invoices import Invoice
from tollkeeper.billing.overage import Beyond, Charge
from tollkeeper.billing.provider import InvoiceLine
from tollkeeper.kit import Money
from tollkeeper.rating import Period, PriceVersion, UsageLine, charge_in_words, prorate, round_half_away


class Kind(StrEnum):
    """What a line is, and so how it is calculated anew."""

    PLAN = "plan"
    PRORATION = "proration"
    USAGE = "usage"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class KnownPrice:
    """A price of ours that a line names: what for, and how much one costs."""

    id: UUID
    name: str
    money: Money
    interval: str


@dataclass(frozen=True, slots=True)
class Replay:
    """A usage charge with what was counted, added up from the events themselves.

    `events` summing to `used` were recorded before the charge was made; `used_before` before the charge preceding it at
    the same price. `now` and `before` are rated anew from these.
    """

    charge: Charge
    price: PriceVersion
    events: int
    used: int
    used_before: int
    beyond: Beyond


@dataclass(frozen=True, slots=True)
class Charged:
    """A whole period that a line charged. `percentages` are those that its discounts took off, in their order."""

    period: Period
    line: InvoiceLine
    percentages: tuple[Decimal, ...] = ()

    def left_of(self, price: Money) -> Money:
        """Return what its discounts leave of a price: by their percentages, else as large a share as of the line."""
        left = price.amount
        for each in self.percentages:
            left -= round_half_away(left * each / 100)
        if not self.percentages and self.line.amount > 0:
            off = sum(each.amount for each in self.line.discounts)
            left = round_half_away(Fraction(left * (self.line.amount - off), self.line.amount))
        return Money(left, price.currency)


@dataclass(frozen=True, slots=True)
class ExplainedLine:
    """A line and how it came about. `replayed` None: it cannot be calculated anew, and `note` says why."""

    kind: Kind
    description: str
    period: Period | None
    inputs: tuple[tuple[str, str], ...]
    steps: tuple[str, ...]
    invoiced: Money
    replayed: Money | None
    note: str

    @property
    def matches(self) -> bool | None:
        """Whether what was calculated anew is what was invoiced; None: it was not calculated."""
        return None if self.replayed is None else self.replayed == self.invoiced


@dataclass(frozen=True, slots=True)
class Sum:
    """One line of how the total came about."""

    text: str
    money: Money


@dataclass(frozen=True, slots=True)
class Explanation:
    """An invoice explained. `adds_up`: lines, discount and tax come to the total, by our own addition."""

    invoice: Invoice
    lines: tuple[ExplainedLine, ...]
    sums: tuple[Sum, ...]
    adds_up: bool

    @property
    def matches(self) -> bool | None:
        """False when any line or the sum differs; None when none does but not every line could be calculated."""
        found = [self.adds_up, *(line.matches for line in self.lines)]
        return False if False in found else None if None in found else True


def plan_line(line: InvoiceLine, currency: str, price: KnownPrice) -> ExplainedLine:
    """Explain a whole period of something bought: the price of one, times how many."""
    quantity = 1 if line.quantity is None else line.quantity
    whole = Money(price.money.amount * quantity, price.money.currency)
    steps = (
        f"{price.name} costs {price.money} a {price.interval}",
        f"{quantity:,} \N{MULTIPLICATION SIGN} {price.money} is {whole}",
    )
    return _explained(Kind.PLAN, line, currency, whole, steps=steps, inputs=_price_inputs(price, quantity))


def proration_line(
    line: InvoiceLine, currency: str, price: KnownPrice, whole: Period, charged: Iterable[Charged] = ()
) -> ExplainedLine:
    """Explain a part of a period: the price times the seconds left; a credit where the line is one.

    `whole` is the period that the part belongs to; the part is the line's own. `charged` is how whole periods
    were: what their discounts left of the price is what the provider takes parts of.
    """
    quantity, moment = 1 if line.quantity is None else line.quantity, line.period_start or whole.start
    full, credit = Money(price.money.amount * quantity, price.money.currency), line.amount < 0
    left, length = (int((whole.end - each).total_seconds()) for each in (moment, whole.start))
    worth = [full, *(each.left_of(full) for each in charged)]
    amount = next((each for each in worth if prorate(each, whole, moment).amount == abs(line.amount)), full)
    part = prorate(amount, whole, moment)
    steps = [
        f"{price.name} costs {price.money} a {price.interval}; for {quantity:,} that is {full}",
        *([f"after the discount that the period was charged with it is {amount}"] if amount != full else []),
        f"from {_when(moment)} {left:,} of the period's {length:,} seconds were left",
        f"{amount} \N{MULTIPLICATION SIGN} {left:,} / {length:,}, rounded half away from zero, is {part}",
    ]
    if credit:
        steps.append("it was paid ahead and not used, so it is given back")
    inputs = (*_price_inputs(price, quantity), ("seconds_left", str(left)), ("seconds_of_period", str(length)))
    return _explained(Kind.PRORATION, line, currency, -part if credit else part, steps=tuple(steps), inputs=inputs)


def usage_line(line: InvoiceLine, currency: str, replay: Replay) -> ExplainedLine:
    """Explain usage beyond a limit, from the events themselves."""
    charge, found = replay.charge, replay.beyond
    words = charge_in_words(replay.price.charge, replay.price.currency)
    events = "1 event" if replay.events == 1 else f"{replay.events:,} events"
    counted = f"{events} since {_when(charge.period_start)}, together {replay.used:,}"
    steps = [counted, _included(charge), f"beyond that, {words}", *_steps(found.now)]
    if found.before:
        steps.append(f"of this, {_total(found.before)} was charged before, for usage up to {replay.used_before:,}")
    if not found.now:
        steps.append("nothing is beyond")
    inputs = (
        ("feature", charge.feature),
        ("plan", charge.plan),
        ("price_version", str(replay.price.id)),
        ("events", str(replay.events)),
        ("sum_of_events", str(replay.used)),
        ("included", str(charge.included)),
        ("charged_before_up_to", str(replay.used_before)),
        ("counter_when_charged", str(charge.used)),
    )
    note = ""
    if replay.used != charge.used:
        note = f"The counter stood at {charge.used:,} when this was charged, the events add up to {replay.used:,}."
    money = Money(found.amount, replay.price.currency)
    return _explained(Kind.USAGE, line, currency, money, steps=tuple(steps), inputs=inputs, note=note)


def foreign_line(line: InvoiceLine, currency: str, kind: Kind, why: str) -> ExplainedLine:
    """Show a line that cannot be calculated anew, and say why."""
    return _explained(kind, line, currency, None, note=why)


def sums(invoice: Invoice) -> tuple[tuple[Sum, ...], bool]:
    """Return how the amount due comes out of the lines, and whether our own addition agrees."""
    currency = invoice.total.currency
    lines = Money(sum(line.amount for line in invoice.lines), currency)
    on_top = Money(sum(tax.amount for tax in invoice.taxes if not tax.inclusive), currency)
    inside = Money(sum(tax.amount for tax in invoice.taxes if tax.inclusive), currency)
    total = lines - invoice.discount_total + on_top
    found = [Sum("All lines together", lines)]
    if invoice.discount_total.amount:
        found.append(Sum("Discount", -invoice.discount_total))
    if on_top.amount:
        found.append(Sum("Tax", on_top))
    found.append(Sum("Total", total))
    if inside.amount:
        found.append(Sum("Tax contained in it", inside))
    if invoice.applied_balance.amount:
        found.append(Sum("From the balance", -invoice.applied_balance))
    if invoice.credited_before_payment.amount:
        found.append(Sum("Credit notes", -invoice.credited_before_payment))
    found.append(Sum("Due", invoice.amount_due))
    return tuple(found), total == invoice.total


def _explained(
    kind: Kind,
    line: InvoiceLine,
    currency: str,
    replayed: Money | None,
    *,
    steps: tuple[str, ...] = (),
    inputs: tuple[tuple[str, str], ...] = (),
    note: str = "",
) -> ExplainedLine:
    invoiced = Money(line.amount, currency)
    if replayed is not None and replayed != invoiced:
        same = replayed.currency == currency
        differs = f"It differs by {invoiced - replayed}." if same else "The currencies are different."
        note = f"{differs} {note}".strip()
    start, end = line.period_start, line.period_end
    period = Period(start, end) if start is not None and end is not None else None
    return ExplainedLine(kind, line.description, period, inputs, steps, invoiced, replayed, note)


def _price_inputs(price: KnownPrice, quantity: int) -> tuple[tuple[str, str], ...]:
    return (("price", str(price.id)), ("unit_price", str(price.money)), ("quantity", str(quantity)))


def _included(charge: Charge) -> str:
    if charge.base and charge.included == charge.base:
        return f"{charge.included:,} had been used before this plan began to count, and are not its to charge"
    return f"the plan includes {charge.included:,}"


def _steps(lines: Sequence[UsageLine]) -> list[str]:
    return [step for line in lines for step in line.explain()]


def _total(lines: Sequence[UsageLine]) -> Money:
    return Money(sum(line.money.amount for line in lines), lines[0].money.currency)


def _when(moment: datetime) -> str:
    return f"{moment:%-d %b %Y, %H:%M:%S} UTC"
