"""Charge models: what a quantity of something costs, and how that came about.

Conventions, each held by a test: amounts are minor units of one currency and may have decimals (0.05 cents a token);
they are rounded once, when the line is made, never inside. A tier's upper bound belongs to the tier. A tier's flat fee
is charged once when the tier is entered, the first tier's even at zero usage (as Lago; OpenMeter only from the
first unit on). Usage below zero counts as none. Sources of each rule are named in `docs/concepts/money.md`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import TypeAlias

from .rounding import EXACT

ZERO = Decimal(0)
ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Flat:
    """A fixed amount a period, whatever was used."""

    amount: Decimal

    def __post_init__(self) -> None:
        _not_negative(self.amount)


@dataclass(frozen=True, slots=True)
class PerUnit:
    """Each unit beyond the first `free` ones costs `unit`. Fractions of a unit cost their share."""

    unit: Decimal
    free: Decimal = ZERO

    def __post_init__(self) -> None:
        _not_negative(self.unit, self.free)


@dataclass(frozen=True, slots=True)
class Package:
    """Units beyond the first `free` ones are sold in packages of `size`; one begun is paid whole."""

    size: Decimal
    amount: Decimal
    free: Decimal = ZERO

    def __post_init__(self) -> None:
        _positive(self.size)
        _not_negative(self.amount, self.free)


@dataclass(frozen=True, slots=True)
class Tier:
    """A range of usage up to and with `up_to` (None: without end), each unit `unit`, once `flat`."""

    up_to: Decimal | None
    unit: Decimal = ZERO
    flat: Decimal = ZERO

    def __post_init__(self) -> None:
        _not_negative(self.unit, self.flat)


@dataclass(frozen=True, slots=True)
class _Tiered:
    """Tiers in rising order, the last one without end.

    With a `block`, usage is rounded up to whole blocks first and unit amounts are per block; bounds are in units still
    and must be whole blocks.
    """

    tiers: tuple[Tier, ...]
    block: Decimal = ONE

    def __post_init__(self) -> None:
        _positive(self.block)
        bounds = [tier.up_to for tier in self.tiers]
        if not bounds or bounds[-1] is not None:
            raise ValueError("the last tier has no upper bound")
        inner = [ZERO, *(bound for bound in bounds[:-1] if bound is not None)]
        if len(inner) != len(bounds) or any(low >= high for low, high in pairwise(inner)):
            raise ValueError("tiers must have rising upper bounds above zero")
        if self.block != ONE and any(bound % self.block for bound in inner):
            raise ValueError("upper bounds must be whole blocks")


@dataclass(frozen=True, slots=True)
class Graduated(_Tiered):
    """Each unit costs what the tier says that it falls into."""


@dataclass(frozen=True, slots=True)
class Volume(_Tiered):
    """All units cost what the tier says that the total falls into. More usage can cost less."""


@dataclass(frozen=True, slots=True)
class Percentage:
    """A share of each payment and a fixed part for it, both only for what is not free.

    Free are the first `free_events` payments or the first `free_units` of their sum, whichever ends first (None: that
    one does not count; both None: nothing is free). A payment that is free in part pays the fixed part. `minimum` and
    `maximum` bound the charge for each payment that is not free. As Lago.
    """

    percent: Decimal
    fixed: Decimal = ZERO
    free_events: int | None = None
    free_units: Decimal | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None

    def __post_init__(self) -> None:
        _not_negative(self.percent, self.fixed, Decimal(self.free_events or 0), self.free_units or ZERO)
        _bounds(self.minimum, self.maximum)


Model: TypeAlias = Flat | PerUnit | Package | Graduated | Volume | Percentage


@dataclass(frozen=True, slots=True)
class Charge:
    """A model, and the least and the most a period's total may be, in minor units; None: no bound."""

    model: Model
    minimum: Decimal | None = None
    maximum: Decimal | None = None

    def __post_init__(self) -> None:
        _bounds(self.minimum, self.maximum)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an explanation: `quantity` times `unit_amount` minor units is `amount`, and why."""

    text: str
    quantity: Decimal
    unit_amount: Decimal
    amount: Decimal

    def __neg__(self) -> "Step":
        return Step(self.text, -self.quantity, self.unit_amount, -self.amount)


def step(text: str, quantity: Decimal, unit_amount: Decimal) -> Step:
    """Make a step; the caller sees to exact arithmetic."""
    return Step(text, quantity, unit_amount, quantity * unit_amount)


def number(value: Decimal) -> str:
    """Write a quantity as people do: `1,000`, `0.5`."""
    with localcontext(EXACT):
        return f"{value.normalize():,f}"


def steps_of(model: Model, units: Decimal) -> Iterator[Step]:
    """Yield how the charge for `units` (>= 0) comes about; for a percentage, `units` is one payment."""
    match model:
        case Flat():
            yield step("fixed amount", ONE, model.amount)
        case PerUnit():
            yield from _free(min(units, model.free))
            yield step("each unit", max(units - model.free, ZERO), model.unit)
        case Package():
            yield from _free(min(units, model.free))
            count = whole_blocks(max(units - model.free, ZERO), model.size)
            yield step(f"packages of {number(model.size)}", count, model.amount)
        case Graduated():
            yield from _graduated(model, units)
        case Volume():
            yield from volume_steps(model, units, units)
        case Percentage():
            yield from percentage_steps(model, [units])


def percentage_steps(model: Percentage, payments: Sequence[Decimal]) -> Iterator[Step]:
    """Yield how the charge for these payments, in order, comes about."""
    _not_negative(*payments)
    hundredth = model.percent.scaleb(-2)
    nothing = model.free_events is None and model.free_units is None
    left = ZERO if nothing else model.free_units  # None: as much as comes in the free payments
    for place, payment in enumerate(payments, start=1):
        if model.free_events is not None and place > model.free_events:
            left = ZERO
        freed = payment if left is None else min(payment, left)
        if freed:
            yield step(f"payment {place}: free", freed, ZERO)
        if left is None or 0 < left >= payment:
            left = None if left is None else left - freed
            continue
        left -= freed
        share = step(f"payment {place}: {number(model.percent)} %", payment - freed, hundredth)
        yield share
        if model.fixed:
            yield step(f"payment {place}: fixed part", ONE, model.fixed)
        yield from bounding(share.amount + model.fixed, model.minimum, model.maximum, f"payment {place}: ")


def volume_steps(model: Volume, units: Decimal, quantity: Decimal) -> Iterator[Step]:
    """Yield the charge for `quantity` at the tier that `units` falls into; they differ when time is counted in."""
    units, quantity = _begun(model, units), _begun(model, quantity)
    place = next(i for i, tier in enumerate(model.tiers) if tier.up_to is None or units <= tier.up_to)
    tier = model.tiers[place]
    name = tier_name(model.tiers, place)
    if tier.flat:
        yield step(f"{name}: fixed fee", ONE, tier.flat)
    yield step(f"all of it at {name}", _in_blocks(model, quantity), tier.unit)


def bounding(total: Decimal, minimum: Decimal | None, maximum: Decimal | None, where: str = "") -> Iterator[Step]:
    """Yield the step that brings a total within its bounds, if one is needed."""
    if minimum is not None and total < minimum:
        yield step(f"{where}raised to the minimum", ONE, minimum - total)
    if maximum is not None and total > maximum:
        yield step(f"{where}lowered to the maximum", ONE, maximum - total)


def whole_blocks(units: Decimal, size: Decimal) -> Decimal:
    """Return how many blocks of `size` hold `units` (>= 0); one begun counts."""
    count, rest = divmod(units, size)
    return count + ONE if rest else count


def tier_name(tiers: Sequence[Tier], place: int) -> str:
    """Say which usage a tier is about: `up to 100`, `above 100 up to 500`, `above 500`, `any usage`."""
    upper, lower = tiers[place].up_to, tiers[place - 1].up_to if place else None
    words = [f"above {number(lower)}" if lower is not None else "", f"up to {number(upper)}" if upper else ""]
    return " ".join(filter(None, words)) or "any usage"


def _graduated(model: Graduated, units: Decimal) -> Iterator[Step]:
    units = _begun(model, units)
    lower = ZERO
    for place, tier in enumerate(model.tiers):
        if place and units <= lower:
            return
        name = tier_name(model.tiers, place)
        upper = units if tier.up_to is None else min(units, tier.up_to)
        if tier.flat:
            yield step(f"{name}: fixed fee", ONE, tier.flat)
        yield step(name, _in_blocks(model, upper - lower), tier.unit)
        lower = upper


def _begun(model: _Tiered, units: Decimal) -> Decimal:
    """Round up to whole blocks, if there are blocks."""
    return units if model.block == ONE else whole_blocks(units, model.block) * model.block


def _in_blocks(model: _Tiered, units: Decimal) -> Decimal:
    return units / model.block


def _free(units: Decimal) -> Iterator[Step]:
    if units:
        yield step("free", units, ZERO)


def _not_negative(*values: Decimal) -> None:
    if any(not value.is_finite() or value < 0 for value in values):
        raise ValueError(f"amounts and quantities are numbers of zero or more, not {values}")


def _positive(value: Decimal) -> None:
    if not value.is_finite() or value <= 0:
        raise ValueError(f"sizes are numbers above zero, not {value}")


def _bounds(minimum: Decimal | None, maximum: Decimal | None) -> None:
    _not_negative(minimum or ZERO, maximum or ZERO)
    if minimum is not None and maximum is not None and minimum > maximum:
        raise ValueError(f"a minimum of {minimum} is above the maximum of {maximum}")
