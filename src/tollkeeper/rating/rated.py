"""From a charge and a quantity to an amount, with every step in between."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction

from .charges import (
    ONE,
    ZERO,
    Charge,
    Graduated,
    Percentage,
    Step,
    Volume,
    bounding,
    percentage_steps,
    steps_of,
    volume_steps,
)
from .rounding import EXACT, round_half_away


@dataclass(frozen=True, slots=True)
class Rating:
    """What something costs: the steps, their exact sum, and that sum rounded to whole minor units."""

    steps: tuple[Step, ...]
    exact: Decimal
    amount: int


def rate(charge: Charge, units: Decimal | int, *, credit: bool = False) -> Rating:
    """Return what `units` cost in a period.

    Usage below zero counts as none, or with `credit` as minus what the same usage above zero costs. Exact: a digit
    that would be lost raises `decimal.Inexact`.
    """
    with localcontext(EXACT):
        quantity = Decimal(units)
        if quantity < 0 and credit:
            mirrored = _bounded(charge, steps_of(charge.model, -quantity))
            return _rating([-each for each in mirrored])
        return _rating(_bounded(charge, steps_of(charge.model, max(quantity, ZERO))))


def rate_payments(charge: Percentage, payments: Sequence[Decimal]) -> Rating:
    """Return what the payments of a period, in the order they came, cost by percentage."""
    with localcontext(EXACT):
        return _rating(percentage_steps(charge, payments))


def rate_volume_over_time(model: Volume, units: Decimal, prorated_units: Decimal) -> Rating:
    """Return what `prorated_units` (units times the share of the period they were there) cost.

    The tier is that of the full `units`, and its flat fee is charged whole. As Lago.
    """
    with localcontext(EXACT):
        return _rating(volume_steps(model, units, prorated_units))


@dataclass(frozen=True, slots=True)
class QuantityChange:
    """Units that came (or, below zero, went), and what that counts for, given the rest of the period."""

    units: Decimal
    prorated: Decimal


def rate_graduated_over_time(model: Graduated, changes: Sequence[QuantityChange]) -> Fraction:
    """Return the exact cost, in minor units, of a quantity that changes within the period (seats).

    Each change is split over the tiers it passes through, and counts there by its share; what falls below zero belongs
    to the first tier. The flat fee of each tier ever entered is charged once and whole, the first one's always. The
    total is never below zero. As Lago. Blocks do not apply.
    """
    if model.block != ONE:
        raise ValueError("quantities over time have no blocks")
    total, level, highest = Fraction(0), Fraction(0), Fraction(0)
    for change in changes:
        after = level + Fraction(change.units)
        if change.units:
            part = Fraction(change.prorated) / Fraction(change.units)
            total += part * (_cost(model, after) - _cost(model, level))
        level, highest = after, max(highest, after)
    lower = Fraction(0)
    for place, tier in enumerate(model.tiers):
        if not place or highest > lower:
            total += Fraction(tier.flat)
        lower = Fraction(tier.up_to or 0)
    return max(total, Fraction(0))


def _cost(model: Graduated, level: Fraction) -> Fraction:
    """What the units up to a level cost without flat fees; below zero at the first tier's rate."""
    cost, lower = min(level, Fraction(0)) * Fraction(model.tiers[0].unit), Fraction(0)
    for tier in model.tiers:
        upper = level if tier.up_to is None else min(level, Fraction(tier.up_to))
        cost += max(upper - lower, Fraction(0)) * Fraction(tier.unit)
        lower = max(lower, upper)
    return cost


def _bounded(charge: Charge, steps: Iterable[Step]) -> list[Step]:
    found = list(steps)
    total = sum((each.amount for each in found), ZERO)
    return [*found, *bounding(total, charge.minimum, charge.maximum)]


def _rating(steps: Iterable[Step]) -> Rating:
    found = tuple(steps)
    exact = sum((each.amount for each in found), ZERO)
    return Rating(found, exact, round_half_away(exact))
