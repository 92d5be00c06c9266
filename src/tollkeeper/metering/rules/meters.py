"""What a meter makes of one event, and what of a meter may change."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from tollkeeper.metering.model import Aggregation, Meter, MeterMismatchError, Scalar

UNFILTERED: Mapping[str, tuple[Scalar, ...]] = MappingProxyType({})
MAX_QUANTITY = 1_000_000_000
"""The most one event may say: a thousand such events still fit a counter's 64 bits a billion times over."""
_DIGITS = len(str(MAX_QUANTITY))
MAX_VALUE = 255
"""Characters of a value that a meter of unique values tells apart."""


class Measured(NamedTuple):
    """What one event says to a meter: how much, and for meters of unique values which one."""

    quantity: int
    value: str | None = None


class UnreadableEventError(ValueError):
    """The event does not say what its meter needs; the words are meant for the caller."""


ONE = Measured(1)


def must_keep_meaning(meter: Meter, wanted: Meter) -> None:
    """Refuse a definition that makes something else of events; more to group by takes nothing away.

    Raises:
        MeterMismatchError: it does.
    """
    if replace(wanted, id=meter.id, group_by=meter.group_by) != meter:
        raise MeterMismatchError(f"The meter {meter.key} {meaning(meter)} already, not {meaning(wanted)}.")
    lost = [name for name in meter.group_by if name not in wanted.group_by]
    if lost:
        raise MeterMismatchError(f"The history of meter {meter.key} is split by {', '.join(lost)} already.")


def meaning(meter: Meter) -> str:
    """Say what a meter counts: `sum of usage.tokens of 'chat' events in token where model is gpt-5`."""
    of = f" of {meter.value}" if meter.value else ""
    where = " and ".join(f"{path} is {' or '.join(map(str, each))}" for path, each in sorted(meter.filters.items()))
    said = f"{meter.aggregation}{of} of {meter.event_type!r} events in {meter.unit or 'units'}"
    return f"counts the {said}{' where ' + where if where else ''}"


def counts(meter: Meter, data: Mapping[str, Any]) -> bool:
    """Whether an event of the meter's type passes its filters."""
    for path, wanted in meter.filters.items():
        found = _at(data, path)
        if not any(found == each and type(found) is type(each) for each in wanted):
            return False
    return True


def measure(meter: Meter, data: Mapping[str, Any]) -> Measured:
    """Return what an event says to a meter that counts it.

    Raises:
        UnreadableEventError: the property is missing, or is nothing that can be counted.
    """
    if meter.value is None:
        return ONE
    found = _at(data, meter.value)
    if meter.aggregation is Aggregation.UNIQUE:
        return Measured(1, _name(meter.value, found))
    if meter.aggregation is Aggregation.COUNT:
        return ONE
    return Measured(_number(meter.value, found))


def _at(data: Mapping[str, Any], path: str) -> Any:
    found: Any = data
    for name in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found


def _number(path: str, found: Any) -> int:
    number = found
    written = isinstance(found, str) and len(found) <= _DIGITS and found.isascii() and found.isdigit()
    if written or (isinstance(found, float) and found.is_integer()):
        number = int(found)
    if found is None:
        raise UnreadableEventError(f"`{path}` is missing")
    if not isinstance(number, int) or isinstance(number, bool):
        raise UnreadableEventError(f"`{path}` must be a whole number")
    if not 0 <= number <= MAX_QUANTITY:
        raise UnreadableEventError(f"`{path}` must lie between 0 and {MAX_QUANTITY}")
    return number


def _name(path: str, found: Any) -> str:
    if found is None:
        raise UnreadableEventError(f"`{path}` is missing")
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise UnreadableEventError(f"`{path}` must be a text or a whole number")
    name = str(found)
    if not 0 < len(name) <= MAX_VALUE or "\x00" in name:
        raise UnreadableEventError(f"`{path}` must have 1 to {MAX_VALUE} characters and no NUL")
    return name
