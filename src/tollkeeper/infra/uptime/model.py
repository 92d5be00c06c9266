"""Values of how the parts of the service were."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Observation:
    """What was found at a moment: the state of each part by its name."""

    at: datetime
    states: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Span:
    """A part was in one state from `since` to `until`; the same moment when it was seen once."""

    id: UUID
    part: str
    state: str
    since: datetime
    until: datetime
