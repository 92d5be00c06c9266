"""The catalogue file: reading YAML into a checked value, naming every mistake with its line."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeAlias

import yaml
from pydantic import Discriminator, Field, StringConstraints, Tag, ValidationError

from tollkeeper.kit import FieldProblem
from tollkeeper.metering import Meter
from tollkeeper.rating import Interval

from .model import CatalogueFileError, FeatureKind
from .offers import Code, CodeSpec, CouponSpec, TrialSpec
from .offers import contradictions as offers_contradict
from .spec_addons import AddonSpec, addon_contradictions
from .spec_limits import ENDLESS, LimitSpec, misfit_limit
from .spec_meters import MeterSpec, meter_contradictions
from .spec_parts import MAX_LIMIT, Amount, Currency, Key, Path, Prose, Spec, Words

MAX_FILE_CHARACTERS = 512 * 1024

PerMinute: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=10_000_000)]
AtOnce: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=100_000)]
Setting: TypeAlias = (
    Annotated[bool, Field(strict=True)]
    | Annotated[int, Field(strict=True, ge=-MAX_LIMIT, le=MAX_LIMIT)]
    | Annotated[str, Field(strict=True, max_length=500)]
)


class FeatureSpec(MeterSpec):
    """A feature as the file has it; what its meter counts is for metered ones only."""

    name: Words
    kind: FeatureKind
    description: Prose = ""
    unit: Annotated[str, StringConstraints(max_length=40)] = ""

    def meter(self, key: str) -> Meter:
        """Return the meter of a metered feature, with no id of its own yet."""
        event_type, value = self.event_type or key, self.path
        return Meter(0, key, event_type, self.aggregation, self.unit, value, self.group_by, self.filters)


def _entitlement_shape(value: Any) -> str:
    return "amount" if isinstance(value, dict | LimitSpec) else "setting"


EntitlementSpec: TypeAlias = Annotated[
    Annotated[LimitSpec, Tag("amount")] | Annotated[Setting, Tag("setting")], Discriminator(_entitlement_shape)
]


class PlanSpec(Spec):
    """A plan as the file has it. Prices are minor units by interval and currency; rates are requests a minute.

    `concurrency` is how much long work of each kind is allowed at once.
    """

    name: Words
    description: Prose = ""
    default: Annotated[bool, Field(strict=True)] = False
    public: Annotated[bool, Field(strict=True)] = True
    prices: dict[Literal["month", "year"], dict[Currency, Amount]] = Field(default_factory=dict)
    entitlements: dict[Key, EntitlementSpec] = Field(default_factory=dict)
    rates: dict[Key, PerMinute | None] = Field(default_factory=dict)
    concurrency: dict[Key, AtOnce | None] = Field(default_factory=dict)
    trial: TrialSpec | None = None

    def amounts(self) -> dict[tuple[Interval, str], int]:
        """Return the amount per interval and currency, in the file's order."""
        return {
            (Interval(interval), currency): amount
            for interval, by_currency in self.prices.items()
            for currency, amount in by_currency.items()
        }


class CatalogueSpec(Spec):
    """A whole catalogue; the order of plans and features is the order they are shown in.

    `currencies` are those every plan that is sold must have; None: those any plan has.
    """

    features: dict[Key, FeatureSpec]
    plans: dict[Key, PlanSpec]
    coupons: dict[Key, CouponSpec] = Field(default_factory=dict)
    codes: dict[Code, CodeSpec] = Field(default_factory=dict)
    currencies: tuple[Currency, ...] | None = None
    addons: dict[Key, AddonSpec] = Field(default_factory=dict)


def read_catalogue_file(text: str) -> CatalogueSpec:
    """Read and check a catalogue.

    Raises:
        CatalogueFileError: naming every mistake at once, each with its path and line.
    """
    raw, lines = _parse(text)
    problems: list[tuple[Path, str]] = []
    spec = None
    try:
        spec = CatalogueSpec.model_validate(raw)
    except ValidationError as error:
        for item in error.errors(include_url=False, include_input=False):
            where = _path_in(raw, item["loc"], keep_last=item["type"] == "missing")
            problems.append((where, item["msg"].removeprefix("Value error, ")))
    problems.extend(_contradictions(raw))
    if problems or spec is None:
        raise CatalogueFileError([_problem(path, message, lines) for path, message in dict.fromkeys(problems)])
    return spec


def _problem(path: Path, message: str, lines: dict[Path, int]) -> FieldProblem:
    known = next(lines[path[:size]] for size in range(len(path), -1, -1) if path[:size] in lines)
    return FieldProblem(".".join(path), f"line {known}: {message}")


def _parse(text: str) -> tuple[dict[str, Any], dict[Path, int]]:
    if len(text) > MAX_FILE_CHARACTERS:
        raise CatalogueFileError(f"The file has {len(text)} characters; {MAX_FILE_CHARACTERS} are allowed.")
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise CatalogueFileError("The file must hold a mapping with `features` and `plans`.")
        lines: dict[Path, int] = {(): 1}
        twice = list(_walk(node, (), lines, set()))
        if twice:
            raise CatalogueFileError(twice)
        raw: dict[str, Any] = loader.construct_document(node)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: an impossible date, a number of 5,000 digits
        raise CatalogueFileError(f"This is not YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise CatalogueFileError("The file is nested too deeply.") from None
    return raw, lines


def _walk(node: yaml.Node, path: Path, lines: dict[Path, int], seen: set[int]) -> Iterator[FieldProblem]:
    """Note the line of every path; yield keys written twice and aliases, which YAML itself lets pass."""
    if id(node) in seen:
        yield FieldProblem(".".join(path), f"line {lines[path]}: aliases are not used here; write the value out")
        return
    seen.add(id(node))
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        here = (*path, str(key.value))
        line = key.start_mark.line + 1
        if here in lines:
            yield FieldProblem(".".join(here), f"line {line}: written twice, first in line {lines[here]}")
            continue
        lines[here] = line
        yield from _walk(value, here, lines, seen)


def _path_in(raw: Any, loc: tuple[int | str, ...], *, keep_last: bool) -> Path:
    """Return pydantic's location without its own tags, which stand nowhere in the file."""
    path: list[str] = []
    for index, part in enumerate(loc):
        if isinstance(raw, dict) and part in raw:
            raw = raw[part]
            path.append(str(part))
        elif keep_last and index == len(loc) - 1:
            path.append(str(part))
    return tuple(path)


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _contradictions(raw: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    """Find what each part alone cannot know; works on unchecked data so that all mistakes are named at once."""
    plans, features = _mapping(raw.get("plans")), _mapping(raw.get("features"))
    defaults = [key for key, plan in plans.items() if _mapping(plan).get("default") is True]
    if len(defaults) != 1:
        named = ", ".join(str(key) for key in defaults) or "none"
        yield ("plans",), f"exactly one plan must be the default one; {named} is marked `default: true`"
    for key in defaults:
        if _mapping(plans[key]).get("prices"):
            yield ("plans", str(key), "prices"), "the default plan is what nobody pays for; it cannot have a price"
    for key, plan in plans.items():
        for feature, value in _mapping(_mapping(plan).get("entitlements")).items():
            path = ("plans", str(key), "entitlements", str(feature))
            if feature not in features:
                yield path, "no feature of this key is defined under `features`"
            elif message := _misfit(_mapping(features[feature]), value):
                yield path, message
            elif message := _misfit_overage(_mapping(plan), _mapping(value)):
                yield (*path, "overage"), message
    yield from addon_contradictions(raw)
    yield from meter_contradictions(features)
    yield from offers_contradict(raw)


def _misfit(feature: dict[Any, Any], value: Any) -> str | None:
    kind = feature.get("kind")
    shape = {
        "switch": (isinstance(value, bool), "a switch is `true` or `false`"),
        "metered": (isinstance(value, dict), "a metered feature takes `{limit: ..., hard: ..., period: ...}`"),
        "setting": (isinstance(value, int | str) and not isinstance(value, bool), "a setting is a number or text"),
    }
    fits, message = shape.get(kind, (True, "")) if isinstance(kind, str) else (True, "")
    return misfit_limit(feature, _mapping(value)) if fits else message


def _misfit_overage(plan: dict[Any, Any], entitlement: dict[Any, Any]) -> str | None:
    overage = _mapping(entitlement.get("overage"))
    if not overage:
        return None
    if entitlement.get("hard") is not False:
        return "nothing passes a hard limit that could cost something; write `hard: false`"
    if entitlement.get("limit") is None:
        return "nothing is beyond an unlimited amount"
    if entitlement.get("period") in ENDLESS:
        return "it has no period at whose end usage beyond it could be charged"
    sold = {currency for prices in _mapping(plan.get("prices")).values() for currency in _mapping(prices)}
    if set(overage) != sold:
        named = ", ".join(sorted(map(str, sold))) or "none, so that nobody could be charged"
        return f"it needs the currencies the plan is sold in: {named}"
    return None
