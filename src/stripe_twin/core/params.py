"""Form-encoded parameters: decoding `a[b][0]=c` and checking against a declared shape with Stripe's own error words."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl

from stripe_twin.core.errors import StripeError, invalid
from stripe_twin.core.json import Json

Check = Callable[[Any, str], Any]
_PART = re.compile(r"\[([^\[\]]*)\]")
_MAX_DEPTH = 8
_MAX_INTEGER = 99_999_999_999


def decode(encoded: str) -> Json:
    """Nested dictionaries of a form body or query; list positions become the keys "0", "1", ..."""
    root: Json = {}
    for key, value in parse_qsl(encoded, keep_blank_values=True, errors="replace"):
        name, _, _ = key.partition("[")
        parts = [name, *_PART.findall(key[len(name) :])]
        if len(parts) > _MAX_DEPTH:
            raise invalid(f"Invalid parameter nesting: {name}", param=name)
        _place(root, parts, value)
    return root


def _place(node: Json, parts: list[str], value: str) -> None:
    for part in parts[:-1]:
        child = node.setdefault(part or str(len(node)), {})
        if not isinstance(child, dict):
            raise invalid(f"Invalid parameter: {parts[0]}", param=parts[0])
        node = child
    node[parts[-1] or str(len(node))] = value


@dataclass(frozen=True)
class Field:
    """One parameter: how it is read, whether it must be there, whether an empty string unsets it (then it is None)."""

    check: Check
    required: bool = False
    unsettable: bool = False


@dataclass(frozen=True)
class Params:
    """The parameters of an operation. `unsupported` are those that Stripe takes and this imitation refuses in words."""

    fields: Mapping[str, Field] = field(default_factory=dict)
    unsupported: frozenset[str] = frozenset()

    def read(self, raw: Json, path: str = "") -> Json:
        """The checked values of the parameters that were sent."""
        self._refuse_unknown(raw, path)
        values: Json = {}
        for name, spec in self.fields.items():
            where = f"{path}[{name}]" if path else name
            if name in raw:
                values[name] = _read(spec, raw[name], where)
            elif spec.required:
                raise invalid(f"Missing required param: {where}.", param=where, code="parameter_missing")
        return values

    def _refuse_unknown(self, raw: Json, path: str) -> None:
        names = [name for name in raw if name not in self.fields]
        if not names:
            return
        where = f"{path}[{names[0]}]" if path else names[0]
        if names[0] in self.unsupported:
            raise invalid(
                f"This test double does not imitate the parameter '{where}' yet; Stripe itself accepts it.",
                param=where,
                code="twin_unsupported_parameter",
            )
        plural = "s" if len(names) > 1 else ""
        raise invalid(f"Received unknown parameter{plural}: {', '.join(names)}", param=where, code="parameter_unknown")


def _read(spec: Field, value: Any, where: str) -> Any:
    if value == "":
        if spec.unsettable:
            return None
        raise invalid(
            f"You passed an empty string for '{where}'. We assume empty values are an attempt to unset a parameter; "
            f"however '{where}' cannot be unset. You should remove '{where}' from your request or supply a non-empty "
            "value.",
            param=where,
            code="parameter_invalid_empty",
        )
    return spec.check(value, where)


def params(*, unsupported: str = "", **fields: Field) -> Params:
    """Declare parameters; `unsupported` is a list of names parted by spaces. `expand` is always taken."""
    return Params({**fields, "expand": array(text())}, frozenset(unsupported.split()))


def required(spec: Field) -> Field:
    """The same parameter, compulsory."""
    return replace(spec, required=True)


def unsettable(spec: Field) -> Field:
    """The same parameter, where an empty string means "take the value away"."""
    return replace(spec, unsettable=True)


def text(limit: int = 5000) -> Field:
    """A string of at most `limit` characters."""

    def check(value: Any, where: str) -> str:
        if not isinstance(value, str):
            raise invalid(f"Invalid string: {value}", param=where)
        if len(value) > limit:
            raise invalid(
                f"Invalid string: {value[:20]}...; must be at most {limit} characters",
                param=where,
                code="parameter_invalid_string_too_long",
            )
        return value

    return Field(check)


def integer(low: int = -_MAX_INTEGER, high: int = _MAX_INTEGER) -> Field:
    """A whole number between `low` and `high`, both included. Unix times are integers, too."""

    def check(value: Any, where: str) -> int:
        if not isinstance(value, str) or not re.fullmatch(r"-?\d{1,15}", value):
            raise invalid(f"Invalid integer: {value}", param=where, code="parameter_invalid_integer")
        number = int(value)
        if number < low:
            wanted = f"This value must be greater than or equal to {low}."
            raise invalid(wanted, param=where, code="parameter_invalid_integer")
        if number > high:
            raise invalid(
                f"This value must be less than or equal to {high}.", param=where, code="parameter_invalid_integer"
            )
        return number

    return Field(check)


def decimal() -> Field:
    """A decimal string with at most 12 places after the point, kept exactly."""

    def check(value: Any, where: str) -> str:
        try:
            number = Decimal(value)
        except (InvalidOperation, TypeError) as error:
            raise invalid(f"Invalid decimal: {value}", param=where) from error
        if not number.is_finite() or number < 0:
            raise invalid(f"Invalid decimal: {value}", param=where)
        return plain(number)

    return Field(check)


def plain(number: Decimal) -> str:
    """The decimal without exponent and trailing zeros: "2000", "0.5"."""
    shown = format(number, "f")
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def boolean() -> Field:
    """`true` or `false`."""

    def check(value: Any, where: str) -> bool:
        if value not in ("true", "false"):
            raise invalid(f"Invalid boolean: {value}", param=where, code="parameter_invalid_boolean")
        return bool(value == "true")

    return Field(check)


def choice(*options: str) -> Field:
    """One of the given words."""

    def check(value: Any, where: str) -> str:
        if value not in options:
            wanted = ", ".join(options[:-1]) + f", or {options[-1]}" if len(options) > 1 else options[0]
            raise invalid(f"Invalid {where}: must be one of {wanted}", param=where)
        return str(value)

    return Field(check)


def array(of: Field) -> Field:
    """A list; positions may have gaps, the order is what counts."""

    def check(value: Any, where: str) -> list[Any]:
        if not isinstance(value, dict) or not all(key.isdigit() for key in value):
            raise invalid("Invalid array", param=where)
        ordered = sorted(value.items(), key=lambda entry: int(entry[0]))
        return [_read(of, item, f"{where}[{position}]") for position, item in ordered]

    return Field(check)


def obj(*, unsupported: str = "", **fields: Field) -> Field:
    """A nested object with declared fields."""
    shape = Params(fields, frozenset(unsupported.split()))

    def check(value: Any, where: str) -> Json:
        if not isinstance(value, dict):
            raise invalid("Invalid object", param=where)
        return shape.read(value, where)

    return Field(check)


def keyed(value: Field) -> Field:
    """A nested object whose keys are the caller's, such as currencies."""

    def check(given: Any, where: str) -> Json:
        if not isinstance(given, dict):
            raise invalid("Invalid object", param=where)
        return {key: value.check(item, f"{where}[{key}]") for key, item in given.items()}

    return Field(check)


def metadata() -> Field:
    """Up to 50 keys of 40 characters with values of 500; an empty value removes the key (None here)."""

    def check(value: Any, where: str) -> Json:
        if not isinstance(value, dict):
            raise invalid(f"Invalid {where}: must be a hash", param=where)
        for key, item in value.items():
            if not isinstance(item, str) or len(item) > 500 or len(key) > 40:
                raise invalid(
                    "Metadata keys have at most 40 characters, and values are strings of at most 500.",
                    param=f"{where}[{key[:40]}]",
                )
        if len(value) > 50:
            raise invalid("You can have at most 50 metadata keys.", param=where)
        return {key: item or None for key, item in value.items()}

    return Field(check, unsettable=True)


def first_of(*options: Field) -> Field:
    """The first shape that fits; the error is that of the last."""

    def check(value: Any, where: str) -> Any:
        for option in options[:-1]:
            try:
                return option.check(value, where)
            except StripeError:
                continue
        return options[-1].check(value, where)

    return Field(check)


def time_range() -> Field:
    """A Unix time, or an object with gt, gte, lt, lte."""
    bounds = {name: integer() for name in ("gt", "gte", "lt", "lte")}

    def check(value: Any, where: str) -> Json:
        if isinstance(value, dict):
            return Params(bounds).read(value, where)
        exact = integer().check(value, where)
        return {"gte": exact, "lte": exact}

    return Field(check)


def page_params(*, unsupported: str = "", **filters: Field) -> Params:
    """The parameters of a list: its filters and the cursor."""
    return params(
        unsupported=unsupported,
        limit=integer(1, 100),
        starting_after=text(),
        ending_before=text(),
        **filters,
    )


def pick(args: Json, *names: str) -> Json:
    """The named parameters among those that were sent."""
    return {name: args[name] for name in names if name in args}


def merge_metadata(current: Json, change: Json | None) -> Json:
    """Metadata after an update: None clears all, a None value removes its key."""
    if change is None:
        return {}
    return {key: value for key, value in {**current, **change}.items() if value is not None}
