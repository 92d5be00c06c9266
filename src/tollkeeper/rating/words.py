"""A charge in words, complete: two charges that read the same cost the same."""

from decimal import Decimal

from .charges import ONE, Charge, Flat, Graduated, Model, Package, Percentage, PerUnit, Volume, number, tier_name
from .rounding import in_major


def charge_in_words(charge: Charge, currency: str) -> str:
    """Say what a charge asks for: `0.50 USD for each 1,000`, `0.10 USD each, at least 5.00 USD`."""
    return _model(charge.model, currency) + _limits(charge.minimum, charge.maximum, currency)


def _model(model: Model, currency: str) -> str:
    match model:
        case Flat():
            return f"{in_major(model.amount, currency)} flat"
        case PerUnit():
            return f"{in_major(model.unit, currency)} each{_free(model.free)}"
        case Package():
            return f"{in_major(model.amount, currency)} for each {number(model.size)}{_free(model.free)}"
        case Graduated():
            return _tiers(model, currency)
        case Volume():
            return f"all at the last rate reached: {_tiers(model, currency)}"
        case Percentage():
            return _percentage(model, currency)


def _tiers(model: Graduated | Volume, currency: str) -> str:
    per = "each" if model.block == ONE else f"for each {number(model.block)}"
    said = []
    for place, tier in enumerate(model.tiers):
        flat = f" and {in_major(tier.flat, currency)} once" if tier.flat else ""
        said.append(f"{tier_name(model.tiers, place)} {in_major(tier.unit, currency)} {per}{flat}")
    return ", ".join(said)


def _percentage(model: Percentage, currency: str) -> str:
    fixed = f" and {in_major(model.fixed, currency)}" if model.fixed else ""
    free = [f"{model.free_events:,} payments"] if model.free_events is not None else []
    if model.free_units is not None:
        free.append(in_major(model.free_units, currency))
    said = f"{number(model.percent)} %{fixed} of each payment" + (f", first {' or '.join(free)} free" if free else "")
    return said + _limits(model.minimum, model.maximum, currency, " a payment")


def _free(units: Decimal) -> str:
    return f", first {number(units)} free" if units else ""


def _limits(minimum: Decimal | None, maximum: Decimal | None, currency: str, per: str = "") -> str:
    least = f", at least {in_major(minimum, currency)}{per}" if minimum is not None else ""
    most = f", at most {in_major(maximum, currency)}{per}" if maximum is not None else ""
    return least + most
