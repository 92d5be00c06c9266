"""The circuit to the provider: after several failures in a row it is not asked for a while, then tried with one call.

The rules are pure; `Circuit` keeps where one process stands, the moment coming from the clock it is given.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import ceil

import structlog
from prometheus_client import Counter, Gauge, Histogram

from .model import ProviderUnavailableError

log = structlog.get_logger(__name__)
STATE = Gauge("tollkeeper_provider_circuit", "0: calls go to the payment provider; 1: one is tried; 2: none goes.")
OPENED = Counter("tollkeeper_provider_circuit_opened", "How often calls to the payment provider were stopped.")
SECONDS = Histogram(
    "tollkeeper_provider_seconds",
    "Time a call of the payment provider took, its retries included, in seconds.",
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)
SPARED = Counter("tollkeeper_provider_calls_spared", "Calls answered 'unavailable' without asking the provider.")


class Phase(StrEnum):
    """Whether calls go through."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


_LEVEL = {Phase.CLOSED: 0, Phase.HALF_OPEN: 1, Phase.OPEN: 2}


@dataclass(frozen=True, slots=True)
class Limits:
    """When it opens and for how long.

    Attributes:
        failures: so many in a row, at least 1.
        window: a row of failures begins anew after a silence of this length.
        pause: how long the provider is left alone before one call tries again.
        timeout: how long one call may take in all, its retries included.
    """

    failures: int = 5
    window: timedelta = timedelta(minutes=1)
    pause: timedelta = timedelta(seconds=30)
    timeout: timedelta = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where it stands. `since` is the last failure, the opening, or the beginning of the trial, by phase."""

    phase: Phase = Phase.CLOSED
    row: int = 0
    since: datetime | None = None


def admitted(standing: Standing, now: datetime, limits: Limits) -> Standing | None:
    """Return how it stands with one more call on its way; None: the call may not go."""
    if standing.phase is Phase.CLOSED or standing.since is None:
        return standing
    # A trial whose caller was never heard of again gives way to another; so does a clock that was set back.
    wait = limits.pause if standing.phase is Phase.OPEN else limits.timeout
    return replace(standing, phase=Phase.HALF_OPEN, since=now) if not now - wait < standing.since <= now else None


def failed(standing: Standing, now: datetime, limits: Limits) -> Standing:
    """Return how it stands after a call came to nothing."""
    if standing.phase is Phase.OPEN:  # a call that was on its way when it opened: no news
        return standing
    in_row = standing.since is not None and now - limits.window <= standing.since
    row = standing.row + 1 if in_row or standing.phase is Phase.HALF_OPEN else 1
    opens = standing.phase is Phase.HALF_OPEN or row >= limits.failures
    return Standing(Phase.OPEN if opens else Phase.CLOSED, row, now)


def remaining(standing: Standing, now: datetime, limits: Limits) -> timedelta:
    """Return for how long no call goes yet; zero when one may."""
    if admitted(standing, now, limits) is not None or standing.since is None:
        return timedelta()
    return standing.since + (limits.pause if standing.phase is Phase.OPEN else limits.timeout) - now


def _world() -> datetime:
    return datetime.now(UTC)


class Circuit:
    """One process's circuit, shared by everything in it that speaks to the provider."""

    def __init__(self, limits: Limits | None = None, now: Callable[[], datetime] = _world) -> None:
        """Closed at first."""
        self.limits = limits or Limits()
        self._now = now
        self._standing = Standing()
        STATE.set(_LEVEL[Phase.CLOSED])

    @property
    def phase(self) -> Phase:
        """Whether calls go through. An opening that lasted its time still counts as open until a call is tried."""
        return self._standing.phase

    @contextmanager
    def call(self) -> Iterator["Call"]:
        """Around one call; an exception that leaves it is a failure.

        Raises:
            ProviderUnavailableError: the call does not go, with when to come again.
        """
        stands = admitted(self._standing, self._now(), self.limits)
        if stands is None:
            SPARED.inc()
            seconds = max(1, ceil(remaining(self._standing, self._now(), self.limits).total_seconds()))
            raise ProviderUnavailableError(
                f"The payment provider did not answer {self._standing.row} times in a row; "
                f"it is asked again in {seconds} s.",
                retry_after=seconds,
            )
        self._become(stands)
        call = Call()
        try:
            with SECONDS.time():
                yield call
        except BaseException as error:
            # A caller who went away proves nothing, but ends the trial.
            if isinstance(error, Exception) or self.phase is Phase.HALF_OPEN:
                self._become(failed(self._standing, self._now(), self.limits))
            raise
        now = self._now()
        self._become(failed(self._standing, now, self.limits) if call.failed else Standing())

    def _become(self, standing: Standing) -> None:
        before, self._standing = self._standing, standing
        if before.phase is standing.phase:
            return
        STATE.set(_LEVEL[standing.phase])
        if standing.phase is Phase.OPEN:
            OPENED.inc()
            log.warning("the payment provider is left alone for a while", failures=standing.row)
        elif standing.phase is Phase.CLOSED:
            log.info("the payment provider answers again")


@dataclass(slots=True)
class Call:
    """One call on its way. `failed` is set where an answer came that means the provider is not available."""

    failed: bool = False
