"""What is counted, and what became of one attempt to count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import ClassVar, NamedTuple, Self, TypeAlias
from uuid import UUID

from tollkeeper.infra import Event
from tollkeeper.kit import ConflictError, TollkeeperError, UnavailableError

THRESHOLDS = (80, 90, 100)
"""At which percentages of a limit somebody is told, unless a plan says otherwise."""


class Aggregation(StrEnum):
    """How a meter makes a number of its events within a period."""

    SUM = "sum"
    """The quantities added up."""
    COUNT = "count"
    """How many events there are, whatever their quantities."""
    MAX = "max"
    """The highest quantity."""
    LATEST = "latest"
    """The quantity of the latest event by the time it happened: a gauge, such as seats or bytes stored."""
    UNIQUE = "unique"
    """How many different values there are."""


ADDITIVE = frozenset({Aggregation.SUM, Aggregation.COUNT})
"""Aggregations whose number over a span is the sum of the numbers of its parts."""


class Bucket(StrEnum):
    """The width of one point of a usage history."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


Scalar: TypeAlias = str | int | bool
"""What a property of an event is compared with."""


@dataclass(frozen=True, slots=True)
class Meter:
    """How events of one type become a number. `id` is small because it stands in every event and counter.

    `value` is the path of the property that holds the number, or what `unique` tells apart (`usage.tokens`); None:
    each event says 1. `group_by` names the properties its history can be split by. `filters` are the values by
    property path an event must have to be counted, any of them; empty: every event is.
    """

    id: int
    key: str
    event_type: str
    aggregation: Aggregation
    unit: str
    value: str | None = None
    group_by: tuple[str, ...] = ()
    filters: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)


NOBODY = UUID(int=0)
"""In place of a member: the organization as a whole."""


class CounterKey(NamedTuple):
    """Which counter: one per organization, meter and period, and one more for each member who has a limit of their own.

    Tuples of this order are also the locking order.
    """

    organization_id: UUID
    meter_id: int
    period_start: datetime
    member_id: UUID = NOBODY


class Standing(NamedTuple):
    """What a counter stands at.

    `reserved` is held by open reservations on top of `used`. `told` is the highest threshold that was told for
    `told_limit`, in percent. `latest_at` is when the event happened that a gauge shows. `since`: of a rolling window,
    what happened until then has left it; None: the counter is a fixed period's. `carried` is unused quota of the period
    before, on top of the limit. `credited` is how much of `used` credits paid for; `topped` is that and what they had
    left when last looked at. `by_member`: the members' own counters are kept with it. `rolled`: a rolling window holds
    its events, too, and is made anew once this moves without it.
    """

    used: int = 0
    reserved: int = 0
    told: int = 0
    told_limit: int | None = None
    latest_at: datetime | None = None
    since: datetime | None = None
    carried: int = 0
    credited: int = 0
    topped: int = 0
    by_member: bool = False
    rolled: bool = False


class Limit(NamedTuple):
    """How far a counter may go. `amount` None means unlimited.

    A hard limit refuses what would pass `amount + grace`; a soft one only informs. `thresholds` are percentages of
    `amount`, ascending.
    """

    amount: int | None
    hard: bool = True
    grace: int = 0
    thresholds: tuple[int, ...] = THRESHOLDS

    @property
    def ceiling(self) -> int | None:
        """What is never passed; None when nothing is refused."""
        return None if self.amount is None or not self.hard else self.amount + self.grace


class Terms(NamedTuple):
    """What bears on a request beside its limit; most have none.

    `previous` is when the period before began at the earliest, of which at most `rollover` of `quota` is carried over;
    None: nothing is. `per_member` is the limit of each member; None: they have none of their own. `undated`: when it
    happened was not told, so that in a rolling window it happens when it is decided.
    """

    previous: datetime | None = None
    rollover: int = 0
    quota: int = 0
    per_member: Limit | None = None
    undated: bool = False


class Consumption(NamedTuple):
    """One request to count an event.

    `quantity` is at least 1, for gauges at least 0. `at` is when the usage happened; the counter's period was chosen by
    it. `idempotency_key` None means the caller does not ask for repeats to be recognised. `value` is what a meter of
    unique values tells apart. `properties` is the event's own JSON object, kept with it. `member_id` is who used it,
    None when that was not told. `credits` is how much of it credits paid for, which is decided.
    """

    counter: CounterKey
    quantity: int
    limit: Limit
    at: datetime
    idempotency_key: str | None = None
    credential_id: UUID | None = None
    aggregation: Aggregation = Aggregation.SUM
    value: str | None = None
    properties: str | None = None
    member_id: UUID | None = None
    terms: Terms | None = None
    credits: int = 0


class Hold(NamedTuple):
    """A request to set `quantity` (>= 1) aside until it is settled, released, or `expires_at` has come."""

    counter: CounterKey
    quantity: int
    limit: Limit
    expires_at: datetime
    idempotency_key: str | None = None
    credential_id: UUID | None = None
    member_id: UUID | None = None
    terms: Terms | None = None


class Settle(NamedTuple):
    """A request to count what was really used in place of what was held; `consumption.quantity` may be 0."""

    reservation_id: UUID
    consumption: Consumption

    @property
    def counter(self) -> CounterKey:
        """The counter it moves."""
        return self.consumption.counter


class Release(NamedTuple):
    """A request to give back what was held."""

    reservation_id: UUID
    counter: CounterKey


Request: TypeAlias = Consumption | Hold | Settle | Release


class Entry(NamedTuple):
    """One event of a bundle; see Consumption. `properties` is the text of a JSON object that the database can read."""

    quantity: int
    at: datetime
    idempotency_key: str | None = None
    value: str | None = None
    properties: bytes | None = None


class Bundle(NamedTuple):
    """Many events for one counter, in the order they came; decided like as many consumptions, and much faster.

    `like` says what they have in common; its own quantity, time, key, value and properties stand for nothing.
    """

    like: Consumption
    entries: Sequence[Entry]

    @property
    def counter(self) -> CounterKey:
        """The counter it moves."""
        return self.like.counter

    def consumptions(self) -> list[Consumption]:
        """Return the same as single requests."""
        return [
            self.like._replace(
                quantity=each.quantity,
                at=each.at,
                idempotency_key=each.idempotency_key,
                value=each.value,
                properties=None if each.properties is None else each.properties.decode(),
            )
            for each in self.entries
        ]


class ReservationState(StrEnum):
    """What became of a reservation."""

    HELD = "held"
    SETTLED = "settled"
    RELEASED = "released"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Reservation:
    """Usage set aside. `settled` is what was counted in the end; None unless it is settled.

    `member_id` is who asked for it; None: that was not told.
    """

    id: UUID
    counter: CounterKey
    held: int
    expires_at: datetime
    state: ReservationState
    settled: int | None = None
    idempotency_key: str | None = None
    credential_id: UUID | None = None
    member_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """Credits: what may be used of a meter once a hard limit is reached, soonest expiring first.

    `expires_at` None: never; `voided_at` set: the rest was taken back then. `external_id` is the granter's own name for
    it, unique within the organization.
    """

    id: UUID
    organization_id: UUID
    meter_id: int
    amount: int
    used: int
    reason: str
    external_id: str | None
    created_at: datetime
    created_by: UUID | None
    expires_at: datetime | None
    voided_at: datetime | None

    def left(self, now: datetime) -> int:
        """Return how much of it can be used now."""
        over = self.voided_at is not None or (self.expires_at is not None and self.expires_at <= now)
        return 0 if over else self.amount - self.used


class Verdict(Enum):
    """What became of a request."""

    ADMITTED = "admitted"
    REPEATED = "repeated"
    """The same was recorded before; nothing was counted now."""
    REFUSED = "refused"
    """A hard limit would be passed; nothing was recorded."""
    GONE = "gone"
    """There is no such reservation, or it was closed another way."""


class Outcome(NamedTuple):
    """The verdict, and what the counter stands at after it. `reservation` for requests about one.

    `credits` is what credits have left, known when they were looked at. `member` is what the member's own counter
    stands at, if it is kept; `of_member` that it is the member's limit that refused.
    """

    verdict: Verdict
    used: int
    reserved: int = 0
    reservation: Reservation | None = None
    counted: Standing = Standing()
    credits: int | None = None
    member: Standing | None = None
    of_member: bool = False


class Tally(NamedTuple):
    """What became of a bundle: a verdict an entry, and what the counter stands at after it."""

    verdicts: Sequence[Verdict]
    used: int
    reserved: int = 0
    counted: Standing = Standing()


class Crossing(NamedTuple):
    """A threshold that a counter reached with this batch: `used * 100 >= percent * limit` for the first time."""

    counter: CounterKey
    percent: int
    limit: int
    used: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdReached(Event):
    """Usage reached so many percent of its limit, told once per threshold, limit and period."""

    name: ClassVar[str] = "metering.threshold_reached"
    organization_id: UUID
    meter_id: int
    period_start: datetime
    percent: int
    limit: int
    used: int
    at: datetime

    @classmethod
    def of(cls, crossing: Crossing) -> Self:
        """Tell of a crossing."""
        counter = crossing.counter
        return cls(
            organization_id=counter.organization_id,
            meter_id=counter.meter_id,
            period_start=counter.period_start,
            percent=crossing.percent,
            limit=crossing.limit,
            used=crossing.used,
            at=crossing.at,
        )


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """Usage within `[start, start + bucket)`.

    `group` has a value for each property the history was split by; None: the events have none.
    """

    start: datetime
    used: int
    group: Mapping[str, str | None] = field(default_factory=dict)


class TooMuchHistoryError(TollkeeperError):
    """A history has more points than are answered at once."""

    code = "too_much_history"
    status = 422
    title = "Too many points"
    hint = "Ask for a shorter span, a wider bucket, or fewer groups."


class HistoryMovesError(UnavailableError):
    """Usage was rolled up again and again while a history was read."""

    code = "history_moves"
    title = "Try again in a moment"


class MeterMismatchError(ConflictError):
    """A meter of this key exists and counts something else."""

    code = "meter_mismatch"
    title = "The meter already counts something else"
    hint = "Give the changed meter a new key: what was counted stays what it was."
