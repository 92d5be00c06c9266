"""What is counted, and what became of one attempt to count."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from typing import NamedTuple
from uuid import UUID

from tollkeeper.kit import ConflictError


class Aggregation(StrEnum):
    """How a meter makes a number of its events."""

    SUM = "sum"


class Bucket(StrEnum):
    """The width of one point of a usage history."""

    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Meter:
    """How events of one type become a number. `id` is small because it stands in every event and counter."""

    id: int
    key: str
    event_type: str
    aggregation: Aggregation
    unit: str


class CounterKey(NamedTuple):
    """Which counter: one per organization, meter and period. Tuples of this order are also the locking order."""

    organization_id: UUID
    meter_id: int
    period_start: datetime


@dataclass(frozen=True, slots=True)
class Consumption:
    """One request to take `count` (>= 1) from a counter.

    `limit` None means unlimited. A hard limit refuses what would pass it; a soft one only informs.
    `at` is when the usage happened; the counter's period was chosen by it.
    `idempotency_key` None means the caller does not ask for repeats to be recognised.
    """

    counter: CounterKey
    count: int
    limit: int | None
    hard: bool
    at: datetime
    idempotency_key: str | None = None
    credential_id: UUID | None = None


class Verdict(Enum):
    """What became of a consumption."""

    ADMITTED = "admitted"
    REPEATED = "repeated"
    REFUSED = "refused"


class Outcome(NamedTuple):
    """The verdict, and what the counter stands at after it."""

    verdict: Verdict
    used: int


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """Usage within `[start, start + bucket)`."""

    start: datetime
    used: int


class MeterMismatchError(ConflictError):
    """A meter of this key exists and counts something else."""

    code = "meter_mismatch"
    title = "The meter already counts something else"
    hint = "Give the changed meter a new key: what was counted stays what it was."
