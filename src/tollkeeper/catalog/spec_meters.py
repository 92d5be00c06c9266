"""What the catalogue file says of a metered feature's meter."""

from collections.abc import Iterator
from typing import Annotated, Any, TypeAlias

from pydantic import Field, StringConstraints

from tollkeeper.metering import Aggregation, Scalar

from .model import FeatureKind
from .spec_parts import Path, Spec

_NAME = r"[^.$\[\]\s\"'\x00]{1,64}"
PropertyPath: TypeAlias = Annotated[str, StringConstraints(pattern=rf"^(\$\.)?{_NAME}(\.{_NAME}){{0,7}}$")]
"""Where a property of an event's data stands: `tokens`, `usage.tokens`, or the same with `$.` before it."""
PropertyName: TypeAlias = Annotated[str, StringConstraints(pattern=rf"^{_NAME}$")]
Compared: TypeAlias = (
    Annotated[bool, Field(strict=True)]
    | Annotated[int, Field(strict=True, ge=-(2**63), lt=2**63)]
    | Annotated[str, Field(strict=True, max_length=255)]
)
OneOf: TypeAlias = Annotated[tuple[Compared, ...], Field(min_length=1, max_length=100)]


class MeterSpec(Spec):
    """What a meter counts.

    `event_type` names the events that feed it; None: the feature's key. Several meters may take the same events.
    `value` is the property that holds the number, or for `unique` what is told apart; None: each event says 1.
    `group_by` names the properties its history can be split by; more may be added later. `filter` says what properties
    must be (a value, or one of several) for an event to count.
    """

    event_type: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    aggregation: Aggregation = Aggregation.SUM
    value: PropertyPath | None = None
    group_by: Annotated[tuple[PropertyName, ...], Field(max_length=10)] = ()
    filter: Annotated[dict[PropertyPath, Compared | OneOf], Field(max_length=10)] = Field(default_factory=dict)

    @property
    def path(self) -> str | None:
        """Where the number stands, without `$.`."""
        return self.value.removeprefix("$.") if self.value else None

    @property
    def filters(self) -> dict[str, tuple[Scalar, ...]]:
        """What properties must be, by path without `$.`."""
        return {
            path.removeprefix("$."): wanted if isinstance(wanted, tuple) else (wanted,)
            for path, wanted in self.filter.items()
        }


def meter_contradictions(features: dict[Any, Any]) -> Iterator[tuple[Path, str]]:
    """Find what of a meter stands where none is, and what is missing."""
    for key, feature in features.items():
        told = feature if isinstance(feature, dict) else {}
        if told.get("kind") != FeatureKind.METERED:
            for name in MeterSpec.model_fields:
                if told.get(name) is not None:
                    yield ("features", str(key), name), "only metered features count events"
        elif told.get("aggregation") == Aggregation.UNIQUE and told.get("value") is None:
            yield ("features", str(key), "value"), "say which property a meter of unique values tells apart"
        elif told.get("aggregation") == Aggregation.COUNT and told.get("value") is not None:
            yield ("features", str(key), "value"), "a meter that counts events needs no number of theirs"
