"""What callers saw, what the database holds, and when it was what time."""

from dataclasses import dataclass, field
from enum import StrEnum
from math import inf

CLOCK_SECONDS = 1.0
"""Every process has heard of a moved clock within this time: the promise of the projection."""


class What(StrEnum):
    """The kinds of calls."""

    TRACK = "track"
    HOLD = "hold"
    SETTLE = "settle"
    RELEASE = "release"
    CHECK = "check"


class Fate(StrEnum):
    """What a caller knows after a call."""

    DONE = "done"
    """Acknowledged."""
    REFUSED = "refused"
    """The limit would be passed."""
    NOTHING = "nothing"
    """Not done, and told so: nothing was recorded."""
    UNKNOWN = "unknown"
    """No answer, or told that it is not known."""


@dataclass(slots=True)
class Call:
    """One call as its caller saw it. Times are seconds of this machine's monotonic clock; `ended` inf: no answer.

    `key` is the idempotency key of a track or hold, and of a settle or release that of its hold. `used`, `remaining`,
    `reset_at` and `reservation` (its id) are as answered.
    """

    what: What
    customer: str
    feature: str
    count: int
    key: str
    began: float
    ended: float = inf
    status: int = 0
    code: str = ""
    used: int = 0
    remaining: int | None = None
    reset_at: float = 0.0
    allowed: bool = True
    reservation: str = ""

    @property
    def fate(self) -> Fate:
        """What its caller knows."""
        if self.status in {200, 201}:
            return Fate.DONE if self.allowed else Fate.REFUSED
        if self.status == 402:
            return Fate.REFUSED
        return Fate.UNKNOWN if not self.status or self.code == "outcome_unknown" else Fate.NOTHING

    @property
    def counter(self) -> "Counter":
        """What it was counted on, by the caller's lights."""
        return Counter(self.customer, self.feature, self.reset_at)

    def __str__(self) -> str:
        """The call in one line, as evidence."""
        answer = f"{self.status or 'no answer'} {self.code}".strip()
        sent = f"{self.what} {self.count} {self.feature} of {self.customer} [{self.key}]"
        return f"{self.began:.4f} - {self.ended:.4f} s: {sent} -> {answer}, {self.used} used"


@dataclass(frozen=True, slots=True, order=True)
class Counter:
    """One customer's usage of one feature in the period that ends at `reset_at` (Unix seconds of the product)."""

    customer: str
    feature: str
    reset_at: float

    def __str__(self) -> str:
        """As evidence."""
        return f"{self.feature} of {self.customer} until {self.reset_at:.0f}"


@dataclass(frozen=True, slots=True)
class Event:
    """One stored event. `period` is when its counter's period began (Unix seconds of the product)."""

    customer: str
    feature: str
    period: float
    count: int
    key: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """One stored reservation."""

    customer: str
    feature: str
    period: float
    key: str
    held: int
    expires_at: float
    state: str
    settled: int | None


@dataclass(frozen=True, slots=True)
class Told:
    """One threshold that was told."""

    customer: str
    feature: str
    period: float
    percent: int
    limit: int
    used: int


@dataclass(slots=True)
class Stored:
    """What the database holds in the end. Counters: `(customer, feature, period)` to what is used and reserved."""

    events: list[Event] = field(default_factory=list)
    holds: list[Held] = field(default_factory=list)
    counters: dict[tuple[str, str, float], tuple[int, int]] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    untold: int = 0
    """Thresholds whose telling is still waiting or has failed."""


@dataclass(frozen=True, slots=True)
class Move:
    """The clock was moved between these two moments; from then on it stands so many seconds before the machine's."""

    began: float
    ended: float
    ahead: float


@dataclass(slots=True)
class Times:
    """Which time it was for the servers. `wall` is the machine's Unix time when its monotonic clock stood at zero.

    Every process is held to have heard of a moved clock after `heard_within` seconds.
    """

    wall: float
    moves: list[Move] = field(default_factory=list)
    heard_within: float = CLOCK_SECONDS

    def certainly(self, moment: float) -> float:
        """The earliest time any process may have had at a moment."""
        return self.wall + moment + max([0.0, *(m.ahead for m in self.moves if m.ended + self.heard_within <= moment)])

    def perhaps(self, moment: float) -> float:
        """The latest time any process may have had at a moment."""
        return self.wall + moment + max([0.0, *(m.ahead for m in self.moves if m.began <= moment)])

    def certainly_reached(self, time: float) -> float:
        """The moment by which every process had this time."""
        since = [(0.0, 0.0), *((m.ended + self.heard_within, m.ahead) for m in self.moves)]
        return min(max(start, time - ahead - self.wall) for start, ahead in since)

    def perhaps_reached(self, time: float) -> float:
        """The moment from which some process may have had this time."""
        since = [(0.0, 0.0), *((m.began, m.ahead) for m in self.moves)]
        return min(max(start, time - ahead - self.wall) for start, ahead in since)


@dataclass(frozen=True, slots=True)
class Bound:
    """The limit of a feature; None is unlimited."""

    amount: int | None
    hard: bool = True


@dataclass(slots=True)
class History:
    """Everything that was seen."""

    calls: list[Call]
    times: Times
    bounds: dict[str, Bound]
    thresholds: tuple[int, ...] = (80, 90, 100)
