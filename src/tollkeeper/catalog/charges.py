"""How a charge is written in the catalogue file, kept in the database and shown by the API: one shape for all three."""

import re
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, model_validator

from tollkeeper.rating import Charge, Flat, Graduated, Model, Package, Percentage, PerUnit, Tier, Volume

MAX_MINOR = 99_999_999
"""The largest amount the provider takes, in minor units."""
MAX_QUANTITY = 10**15
MAX_TIERS = 50
_NUMBER = re.compile(r"[0-9]{1,16}(\.[0-9]{1,12})?")


def _exact(value: Any) -> Any:
    """Let no float through: 0.1 in a file has already become another number when it gets here."""
    if isinstance(value, Decimal) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return Decimal(value)
    raise ValueError("a whole number, or a decimal one in quotes with at most 12 decimals, like '0.05'")


Minor: TypeAlias = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, le=MAX_MINOR)]
Quantity: TypeAlias = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, le=MAX_QUANTITY)]
Size: TypeAlias = Annotated[Decimal, BeforeValidator(_exact), Field(gt=0, le=MAX_QUANTITY)]
Percent: TypeAlias = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, le=100)]


class _Spec(BaseModel):
    """Amounts are minor units and may have decimals; `minimum` and `maximum` bound what a period's usage costs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    minimum: Minor | None = None
    maximum: Minor | None = None

    @model_validator(mode="after")
    def _makes_a_charge(self) -> "_Spec":
        self.charge()
        return self

    def charge(self) -> Charge:
        """Return what is calculated with.

        Raises:
            ValueError: the parts do not fit together, such as tiers that do not rise.
        """
        return Charge(self._model(), self.minimum, self.maximum)

    def _model(self) -> Model:
        raise NotImplementedError


class FlatSpec(_Spec):
    """A fixed amount as soon as anything is beyond the limit."""

    model: Literal["flat"]
    amount: Minor

    def _model(self) -> Model:
        return Flat(self.amount)


class PerUnitSpec(_Spec):
    """So much each unit, after the first `free` ones."""

    model: Literal["per_unit"]
    unit: Minor
    free: Quantity = Decimal(0)

    def _model(self) -> Model:
        return PerUnit(self.unit, self.free)


class PackageSpec(_Spec):
    """So much for each `size` units begun, after the first `free` ones."""

    model: Literal["package"]
    size: Size
    amount: Minor
    free: Quantity = Decimal(0)

    def _model(self) -> Model:
        return Package(self.size, self.amount, self.free)


class TierSpec(BaseModel):
    """Usage up to and with `up_to`; null in the last tier."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    up_to: Size | None
    unit: Minor = Decimal(0)
    flat: Minor = Decimal(0)


class TieredSpec(_Spec):
    """Graduated: each unit at its own tier; volume: all at the tier the total falls into. Units are sold by `block`."""

    model: Literal["graduated", "volume"]
    tiers: Annotated[tuple[TierSpec, ...], Field(max_length=MAX_TIERS)]
    block: Size = Decimal(1)

    def _model(self) -> Model:
        tiers = tuple(Tier(each.up_to, each.unit, each.flat) for each in self.tiers)
        return Graduated(tiers, self.block) if self.model == "graduated" else Volume(tiers, self.block)


class PercentageSpec(_Spec):
    """A share of what was counted, for features that count minor units of money, and a fixed part once a period."""

    model: Literal["percentage"]
    percent: Percent
    fixed: Minor = Decimal(0)

    def _model(self) -> Model:
        return Percentage(self.percent, self.fixed)


ChargeSpec: TypeAlias = Annotated[
    FlatSpec | PerUnitSpec | PackageSpec | TieredSpec | PercentageSpec, Field(discriminator="model")
]
_ADAPTER: TypeAdapter[ChargeSpec] = TypeAdapter(ChargeSpec)


def charge_from_json(value: Any) -> Charge:
    """Return the charge that was kept as this JSON value."""
    return _ADAPTER.validate_python(value).charge()


def charge_to_spec(charge: Charge) -> ChargeSpec:
    """Return a charge as it would be written."""
    return _ADAPTER.validate_python({"minimum": charge.minimum, "maximum": charge.maximum, **_values(charge.model)})


def charge_to_json(charge: Charge) -> dict[str, Any]:
    """Return a charge as the JSON value it is kept as; numbers are strings, so that none is rounded."""
    return charge_to_spec(charge).model_dump(mode="json")


def _values(model: Model) -> dict[str, Any]:
    match model:
        case Flat():
            return {"model": "flat", "amount": model.amount}
        case PerUnit():
            return {"model": "per_unit", "unit": model.unit, "free": model.free}
        case Package():
            return {"model": "package", "size": model.size, "amount": model.amount, "free": model.free}
        case Graduated() | Volume():
            name = "graduated" if isinstance(model, Graduated) else "volume"
            tiers = [{"up_to": each.up_to, "unit": each.unit, "flat": each.flat} for each in model.tiers]
            return {"model": name, "tiers": tiers, "block": model.block}
        case Percentage():
            return {"model": "percentage", "percent": model.percent, "fixed": model.fixed}
