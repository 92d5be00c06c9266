"""Add-ons in the catalogue file: what is bought beside a plan, as the file has it, and what cannot be meant."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from tollkeeper.rating import Interval

from .spec_parts import MAX_LIMIT, Amount, Currency, Key, Path, Prose, Spec, Words

MAX_UNITS = 10_000
Raw = Mapping[Any, Any]


class AddonSpec(Spec):
    """An add-on as the file has it. Prices are minor units a unit, by interval and currency.

    An entitlement is how much each unit adds to a metered feature's limit, or `true`, which turns a switch on.
    """

    name: Words
    description: Prose = ""
    plans: Annotated[list[Key], Field(min_length=1)]
    prices: dict[Literal["month", "year"], dict[Currency, Amount]]
    entitlements: Annotated[
        dict[Key, Annotated[int, Field(strict=True, ge=1, le=MAX_LIMIT)] | Literal[True]], Field(min_length=1)
    ]
    max_quantity: Annotated[int, Field(strict=True, ge=1, le=MAX_UNITS)] = 100

    def amounts(self) -> dict[tuple[Interval, str], int]:
        """Return the amount per interval and currency, in the file's order."""
        return {
            (Interval(interval), currency): amount
            for interval, by_currency in self.prices.items()
            for currency, amount in by_currency.items()
        }


def addon_contradictions(raw: Raw) -> Iterator[tuple[Path, str]]:
    """Find what does not go together with the features and plans of the file; works on unchecked data."""
    plans, features = _mapping(raw.get("plans")), _mapping(raw.get("features"))
    for key, told in _mapping(raw.get("addons")).items():
        addon = _mapping(told)
        for feature, value in _mapping(addon.get("entitlements")).items():
            if message := _misfit(features, feature, value):
                yield ("addons", str(key), "entitlements", str(feature)), message
        if _mapping(addon.get("entitlements")) and isinstance(addon.get("plans"), list):
            for plan in addon["plans"]:
                yield from _misfits_of_plan(str(key), addon, str(plan), plans)


def _misfit(features: Raw, feature: Any, value: Any) -> str | None:
    if feature not in features:
        return "no feature of this key is defined under `features`"
    kind = _mapping(features[feature]).get("kind")
    if kind == "setting":
        return "an add-on adds to metered features and turns switches on; a setting is neither"
    if kind == "metered" and isinstance(value, bool):
        return "of a metered feature an add-on adds an amount, such as `10000`"
    if kind == "switch" and value is not True:
        return "an add-on can only turn a switch on: `true`"
    return None


def _misfits_of_plan(key: str, addon: Raw, plan: str, plans: Raw) -> Iterator[tuple[Path, str]]:
    path = ("addons", key, "plans")
    if plan not in plans:
        yield path, f"there is no plan `{plan}`"
        return
    sold, priced = _priced(_mapping(plans[plan])), _priced(addon)
    if not sold:
        yield path, f"`{plan}` has no price, so that nothing can be bought beside it"
    missing = [each for each in sold if each not in priced]
    if missing:
        named = ", ".join(f"{interval} in {currency}" for interval, currency in missing)
        yield ("addons", key, "prices"), f"it needs a price for everything `{plan}` is sold by: {named} is missing"
    has = _mapping(_mapping(plans[plan]).get("entitlements"))
    if all(_has_all(has.get(feature)) for feature in _mapping(addon.get("entitlements"))):
        yield path, f"`{plan}` has all of this without it"


def _has_all(entitlement: Any) -> bool:
    return entitlement is True or (isinstance(entitlement, dict) and entitlement.get("limit", 0) is None)


def _priced(told: Raw) -> list[tuple[str, str]]:
    prices = _mapping(told.get("prices"))
    return [(str(interval), str(each)) for interval, amounts in prices.items() for each in _mapping(amounts)]


def _mapping(value: Any) -> Raw:
    return value if isinstance(value, dict) else {}
