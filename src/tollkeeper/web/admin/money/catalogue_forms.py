"""Forms of the catalogue: plans, features and add-ons as fields, and what is typed as data of the catalogue's file.

A field is named by where it stands below the thing it is of: `prices.month.usd`, `entitlements.prompts.limit`. So is
what is wrong with it, by the same checks that read a file. Pure.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from tollkeeper.catalog import CatalogueFileError, FeatureKind, read_catalogue_file
from tollkeeper.catalog.versions import words_of_data
from tollkeeper.kit import FieldProblem, InvalidInputError, Money

from .reading import Fields, Reader

Data: TypeAlias = dict[str, Any]

INTERVALS = ("month", "year")
UNLIMITED = "unlimited"
_OF_LIMITS = ("grace", "rollover", "per_member")
_KEPT_OF_LIMITS = ("thresholds", "overage")
_KEPT_OF_PLANS = ("default", "concurrency")


@dataclass(frozen=True, slots=True)
class Edited:
    """A catalogue in which one thing is as a form says: the whole as `data` of its file, and the thing's address there.

    `section` is `plans`, `features` or `addons`.
    """

    data: Data
    section: str
    key: str

    def source(self) -> str:
        """Return it as a file.

        Raises:
            InvalidInputError: it cannot be meant; what is wrong with the thing is said by its fields.
        """
        text = words_of_data(self.data)
        try:
            read_catalogue_file(text)
        except CatalogueFileError as error:
            raise InvalidInputError([self._problem(each) for each in error.problems]) from None
        return text

    def _problem(self, found: FieldProblem) -> FieldProblem:
        # Nobody sees the file here, so that its lines say nothing.
        words = found.message.partition(": ")[2] if found.message.startswith("line ") else found.message
        below = f"{self.section}.{self.key}."
        if found.field.startswith(below):
            return FieldProblem(found.field.removeprefix(below), words)
        if found.field == below.rstrip("."):
            return FieldProblem("key", words)
        return FieldProblem("", f"{found.field}: {words}")


def currencies_of(data: Data) -> list[str]:
    """Return the currencies things are sold in, dollars where nothing is sold yet."""
    things = [*data.get("plans", {}).values(), *data.get("addons", {}).values()]
    found = {name: None for each in things for prices in each.get("prices", {}).values() for name in prices}
    return list(found) or ["usd"]


def groups_of(data: Data) -> list[str]:
    """Return the groups of routes that any plan has a rate for."""
    return list({name: None for plan in data.get("plans", {}).values() for name in plan.get("rates", {})})


def plan_values(data: Data, key: str) -> dict[str, str]:
    """Return the fields of a plan as they stand; of one that does not, empty ones."""
    plan = data.get("plans", {}).get(key, {})
    trial = plan.get("trial") or {}
    values = {
        "key": key,
        "name": plan.get("name", ""),
        "description": plan.get("description", ""),
        "public": "yes" if plan.get("public", True) else "",
        "trial.days": _text(trial.get("days")),
        "trial.card": trial.get("card", "required"),
        "trial.without_card": trial.get("without_card", "cancel"),
        **_price_values(data, plan),
    }
    for name, feature in data.get("features", {}).items():
        values |= _entitlement_values(f"entitlements.{name}", feature["kind"], plan.get("entitlements", {}), name)
    rates = plan.get("rates", {})
    return values | {f"rates.{name}": _limit(rates[name]) if name in rates else "" for name in groups_of(data)}


def with_plan(data: Data, key: str, fields: Fields) -> Edited:
    """Return the catalogue with this plan as the fields say; what they do not speak of stays.

    Raises:
        InvalidInputError: a number is none.
    """
    reader, old = Reader(fields), data.get("plans", {}).get(key, {})
    plan: Data = {"name": reader.text("name"), **_if("description", reader.text("description"))}
    plan |= {} if fields.get("public") else {"public": False}
    plan |= {name: old[name] for name in _KEPT_OF_PLANS if name in old}
    plan |= _if("trial", _trial(reader)) | _if("prices", _prices(reader, currencies_of(data)))
    held = old.get("entitlements", {})
    allowed = {
        name: value
        for name, feature in data.get("features", {}).items()
        if (value := _entitlement(reader, feature["kind"], f"entitlements.{name}", held.get(name))) is not None
    }
    plan |= _if("entitlements", allowed) | _if("rates", _rates(reader, groups_of(data)))
    reader.must_be_right()
    return _with(data, "plans", key, plan)


def feature_values(data: Data, key: str) -> dict[str, str]:
    """Return the fields of a feature as they stand."""
    feature = data.get("features", {}).get(key, {})
    told = {name: feature.get(name, "") for name in ("name", "description", "unit", "event_type", "value")}
    kind, how = feature.get("kind", "metered"), feature.get("aggregation", "sum")
    return {"key": key, **told, "kind": kind, "aggregation": how, "group_by": ", ".join(feature.get("group_by", ()))}


def with_feature(data: Data, key: str, fields: Fields) -> Edited:
    """Return the catalogue with this feature as the fields say."""
    reader, old = Reader(fields), data.get("features", {}).get(key, {})
    kind = old.get("kind") or reader.text("kind")
    feature: Data = {"name": reader.text("name"), "kind": kind}
    feature |= {name: reader.text(name) for name in ("unit", "description") if reader.text(name)}
    if kind == FeatureKind.METERED:
        feature |= {name: reader.text(name) for name in ("event_type", "aggregation", "value") if reader.text(name)}
        feature |= _if("group_by", [each.strip() for each in reader.text("group_by").split(",") if each.strip()])
        feature |= _if("filter", old.get("filter"))
    return _with(data, "features", key, feature)


def addon_values(data: Data, key: str) -> dict[str, str]:
    """Return the fields of an add-on as they stand."""
    addon = data.get("addons", {}).get(key, {})
    values = {name: addon.get(name, "") for name in ("name", "description")}
    values |= {"key": key, "max_quantity": _text(addon.get("max_quantity", 100)), **_price_values(data, addon)}
    values |= {f"plans.{name}": "yes" if name in addon.get("plans", ()) else "" for name in data.get("plans", {})}
    gives = addon.get("entitlements", {})
    for name, feature in data.get("features", {}).items():
        if feature["kind"] != FeatureKind.SETTING:
            values[f"entitlements.{name}"] = "yes" if gives.get(name) is True else _text(gives.get(name))
    return values


def with_addon(data: Data, key: str, fields: Fields) -> Edited:
    """Return the catalogue with this add-on as the fields say.

    Raises:
        InvalidInputError: a number is none.
    """
    reader = Reader(fields)
    addon: Data = {"name": reader.text("name"), **_if("description", reader.text("description"))}
    addon["plans"] = [name for name in data.get("plans", {}) if fields.get(f"plans.{name}")]
    addon["prices"] = _prices(reader, currencies_of(data))
    gives: Data = {}
    for name, feature in data.get("features", {}).items():
        where = f"entitlements.{name}"
        if feature["kind"] == FeatureKind.SWITCH and fields.get(where):
            gives[name] = True
        elif feature["kind"] == FeatureKind.METERED and reader.text(where):
            gives[name] = reader.whole(where)
    addon["entitlements"] = gives
    addon |= {"max_quantity": reader.whole("max_quantity")} if reader.text("max_quantity") else {}
    reader.must_be_right()
    return _with(data, "addons", key, addon)


def without(data: Data, section: str, key: str) -> Data:
    """Return the catalogue without a plan, a feature or an add-on, which is archived by that.

    A feature goes from the plans and add-ons that speak of it, too, and a plan from the add-ons beside it.
    """
    kept = {**data, section: {name: each for name, each in data.get(section, {}).items() if name != key}}
    if section == "features":
        for part in ("plans", "addons"):
            kept[part] = {name: _without_feature(each, key) for name, each in kept.get(part, {}).items()}
    if section == "plans" and "addons" in kept:
        beside = {name: [one for one in each["plans"] if one != key] for name, each in kept["addons"].items()}
        kept["addons"] = {name: {**each, "plans": beside[name]} for name, each in kept["addons"].items()}
    return {name: each for name, each in kept.items() if each or name in {"features", "plans"}}


def _with(data: Data, section: str, key: str, thing: Data) -> Edited:
    return Edited({**data, section: {**data.get(section, {}), key: thing}}, section, key)


def _without_feature(thing: Data, feature: str) -> Data:
    allowed = {name: value for name, value in thing.get("entitlements", {}).items() if name != feature}
    return {**thing, **({"entitlements": allowed} if "entitlements" in thing else {})}


def _if(name: str, value: Any) -> Data:
    return {name: value} if value else {}


def _text(value: Any) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _limit(value: int | None) -> str:
    return UNLIMITED if value is None else f"{value:,}"


def _price_values(data: Data, thing: Data) -> dict[str, str]:
    told = thing.get("prices", {})
    return {
        f"prices.{interval}.{currency}": _major(told.get(interval, {}).get(currency), currency)
        for interval in INTERVALS
        for currency in currencies_of(data)
    }


def _major(minor: int | None, currency: str) -> str:
    if minor is None:
        return ""
    decimals = Money(0, currency).decimals
    return f"{Decimal(minor).scaleb(-decimals):.{decimals}f}"


def _prices(reader: Reader, currencies: Iterable[str]) -> Data:
    found: Data = {}
    for interval in INTERVALS:
        amounts = {name: reader.minor(f"prices.{interval}.{name}", name) for name in currencies}
        found |= _if(interval, {name: amount for name, amount in amounts.items() if amount is not None})
    return found


def _trial(reader: Reader) -> Data | None:
    days = reader.whole("trial.days")
    if days is None:
        return None
    return {"days": days, "card": reader.text("trial.card"), "without_card": reader.text("trial.without_card")}


def _rates(reader: Reader, groups: Iterable[str]) -> Data:
    typed = [name for name in groups if reader.text(f"rates.{name}")]
    return {name: _or_unlimited(reader, f"rates.{name}") for name in typed}


def _or_unlimited(reader: Reader, name: str) -> int | None:
    return None if reader.text(name).lower() == UNLIMITED else reader.whole(name)


def _entitlement_values(where: str, kind: str, held: Data, name: str) -> dict[str, str]:
    value = held.get(name)
    if kind != FeatureKind.METERED:
        return {where: str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)}
    told = value or {}
    return {
        f"{where}.limit": _limit(told["limit"]) if name in held else "",
        f"{where}.hard": "" if told.get("hard", True) is False else "yes",
        f"{where}.period": told.get("period", "billing"),
        f"{where}.window": told.get("window", ""),
        **{f"{where}.{part}": _text(told.get(part)) for part in _OF_LIMITS},
    }


def _entitlement(reader: Reader, kind: str, where: str, held: Any) -> Any:
    """Return what a plan allows of a feature, in the file's shape; None: nothing."""
    read: Mapping[str, Callable[[], Any]] = {
        FeatureKind.SWITCH: lambda: {"true": True, "false": False}.get(reader.text(where)),
        FeatureKind.SETTING: lambda: _setting(reader.text(where)),
        FeatureKind.METERED: lambda: _metered(reader, where, held or {}) if reader.text(f"{where}.limit") else None,
    }
    return read[kind]()


def _setting(typed: str) -> int | str | None:
    is_number = typed.removeprefix("-").isdigit() and typed.isascii()
    return int(typed) if is_number else typed or None


def _metered(reader: Reader, where: str, held: Data) -> Data:
    limit: Data = {"limit": _or_unlimited(reader, f"{where}.limit")}
    limit |= {} if reader.text(f"{where}.hard") else {"hard": False}
    limit |= _if("period", reader.text(f"{where}.period")) | _if("window", reader.text(f"{where}.window"))
    numbers = {part: reader.whole(f"{where}.{part}") for part in _OF_LIMITS}
    limit |= {part: number for part, number in numbers.items() if number is not None}
    return limit | {name: held[name] for name in _KEPT_OF_LIMITS if name in held}
