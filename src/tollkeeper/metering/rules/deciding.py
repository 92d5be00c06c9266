"""What a batch of requests comes to, in the order they came. Pure: decides on values read under lock."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from tollkeeper.kit import new_id
from tollkeeper.metering.model import (
    Aggregation,
    Bundle,
    Consumption,
    CounterKey,
    Crossing,
    Hold,
    Limit,
    Outcome,
    Release,
    Request,
    Reservation,
    ReservationState,
    Settle,
    Standing,
    Verdict,
)

Identity: TypeAlias = tuple[UUID, int, str]
"""Organization, meter and idempotency key."""
_NEW = Standing()


@dataclass(frozen=True, slots=True)
class Known:
    """What was recorded before the batch and bears on it.

    `keys` of events; `values` seen by meters of unique values, per counter; reservations that are named by id, and
    those made under an idempotency key that a hold of the batch repeats; `expired` ones still held, to be given up.
    """

    keys: AbstractSet[tuple[object, ...]] = frozenset()
    values: AbstractSet[tuple[CounterKey, str]] = frozenset()
    reservations: Mapping[UUID, Reservation] = field(default_factory=dict)
    held_under: Mapping[Identity, Reservation] = field(default_factory=dict)
    expired: Sequence[Reservation] = ()


@dataclass(slots=True)
class Decision:
    """What a whole batch comes to: one outcome a request, and everything that is to be written."""

    outcomes: list[Outcome]
    admitted: list[Consumption]
    counters: dict[CounterKey, Standing]
    crossings: list[Crossing]
    values: set[tuple[CounterKey, str]]
    made: list[Reservation]
    closed: list[Reservation]


def fits(used: int, count: int, limit: Limit, *, reserved: int = 0) -> bool:
    """Whether `count` more may be taken when so much is taken and reserved. Reaching the limit exactly is allowed."""
    ceiling = limit.ceiling
    return ceiling is None or used + reserved + count <= ceiling


def counters_of(requests: Iterable[Request | Bundle]) -> list[CounterKey]:
    """The counters a batch touches, once each, in locking order."""
    return sorted({request.counter for request in requests})


def decide(requests: Sequence[Request], standing: Mapping[CounterKey, Standing], known: Known) -> Decision:
    """Decide a batch in arrival order.

    Args:
        requests: in the order they arrived.
        standing: what each counter stands at, locked by the caller; a missing one stands at zero.
        known: what was recorded before.
    """
    run = _Run(standing, known)
    for each in known.expired:
        run.close(each, ReservationState.EXPIRED)
    outcomes = [run.take(each) if type(each) is Consumption else run.other(each) for each in requests]
    return run.decision(outcomes)


class _Run:
    """One batch being decided."""

    def __init__(self, standing: Mapping[CounterKey, Standing], known: Known) -> None:
        self.standing = dict(standing)
        self._keys = set(known.keys)
        self._seen = set(known.values)
        self._reservations = dict(known.reservations)
        self._held_under = dict(known.held_under)
        self.moved: set[CounterKey] = set()
        self.admitted: list[Consumption] = []
        self.crossings: list[Crossing] = []
        self.values: set[tuple[CounterKey, str]] = set()
        self.made: list[Reservation] = []
        self.closed: dict[UUID, Reservation] = {}

    def decision(self, outcomes: list[Outcome]) -> Decision:
        """Return what everything decided so far comes to."""
        counters = {key: self.standing[key] for key in sorted(self.moved)}
        closed = list(self.closed.values())
        return Decision(outcomes, self.admitted, counters, self.crossings, self.values, self.made, closed)

    def other(self, request: Request) -> Outcome:
        """Decide what is no consumption."""
        if isinstance(request, Hold):
            return self._hold(request)
        if isinstance(request, Settle):
            return self._settle(request)
        if isinstance(request, Release):
            return self._release(request)
        return self.take(request)

    def take(self, request: Consumption, *, freed: int = 0) -> Outcome:
        """Decide a consumption; `freed` is what a reservation of its own held for it."""
        counter, count, limit, at, key, _, aggregation, value, _ = request
        before = self.standing.get(counter) or _NEW
        if key is not None and (counter[0], counter[1], key) in self._keys:
            return Outcome(Verdict.REPEATED, before.used, before.reserved)
        used = before.used
        after = used + count if aggregation is Aggregation.SUM else self._folded(request, before)
        ceiling = limit.ceiling
        # What does not grow is always taken, however far usage is over a limit that came down.
        if ceiling is not None and after > used and after + before.reserved - freed > ceiling:
            return Outcome(Verdict.REFUSED, used, before.reserved)
        if key is not None:
            self._keys.add((counter[0], counter[1], key))
        if value is not None and aggregation is Aggregation.UNIQUE and (counter, value) not in self._seen:
            self._seen.add((counter, value))
            self.values.add((counter, value))
        told, told_limit = before.told, before.told_limit
        amount = limit.amount
        if amount:
            told = self._tell(counter, before, after, limit, at)
            told_limit = amount
        latest = before.latest_at
        if aggregation is Aggregation.LATEST and (latest is None or at >= latest):
            latest = at
        self.standing[counter] = Standing(after, before.reserved, told, told_limit, latest)
        self.moved.add(counter)
        self.admitted.append(request)
        return Outcome(Verdict.ADMITTED, after, before.reserved)

    def _folded(self, request: Consumption, before: Standing) -> int:
        match request.aggregation:
            case Aggregation.COUNT:
                return before.used + 1
            case Aggregation.MAX:
                return max(before.used, request.quantity)
            case Aggregation.LATEST:
                newer = before.latest_at is None or request.at >= before.latest_at
                return request.quantity if newer else before.used
            case Aggregation.UNIQUE:
                return before.used + ((request.counter, request.value or "") not in self._seen)
        return before.used + request.quantity

    def _tell(self, counter: CounterKey, before: Standing, after: int, limit: Limit, at: datetime) -> int:
        """Note the thresholds reached; returns the highest told so far.

        A limit that has changed since is measured anew: what usage no longer reaches may be told again.
        """
        amount = limit.amount or 0
        told = before.told
        if told and before.told_limit != amount:
            told = min(told, max((each for each in limit.thresholds if before.used * 100 >= each * amount), default=0))
        share = after * 100
        if not limit.thresholds or share < amount * limit.thresholds[0]:
            return told  # the usual case
        for percent in limit.thresholds:
            if percent > told and share >= percent * amount:
                self.crossings.append(Crossing(counter, percent, amount, after, at))
                told = percent
        return told

    def _hold(self, request: Hold) -> Outcome:
        counter, count, limit, expires_at, key, credential_id = request
        before = self.standing.get(counter) or _NEW
        identity = (counter[0], counter[1], key or "")
        if key is not None and identity in self._held_under:
            return Outcome(Verdict.REPEATED, before.used, before.reserved, self._held_under[identity])
        if not fits(before.used, count, limit, reserved=before.reserved):
            return Outcome(Verdict.REFUSED, before.used, before.reserved)
        made = Reservation(new_id(), counter, count, expires_at, ReservationState.HELD, None, key, credential_id)
        if key is not None:
            self._held_under[identity] = made
        self._reservations[made.id] = made
        self.made.append(made)
        return self._reserved(counter, count, made)

    def _settle(self, request: Settle) -> Outcome:
        """Count the real figure. One that has expired is counted as any other usage: the work was done."""
        found = self._reservations.get(request.reservation_id)
        wanted = request.consumption
        before = self.standing.get(wanted.counter) or _NEW
        if found is None or found.counter != wanted.counter or found.state is ReservationState.RELEASED:
            return Outcome(Verdict.GONE, before.used, before.reserved, found)
        if found.state is ReservationState.SETTLED:
            verdict = Verdict.REPEATED if found.settled == wanted.quantity else Verdict.GONE
            return Outcome(verdict, before.used, before.reserved, found)
        held = found.held if found.state is ReservationState.HELD else 0
        if wanted.quantity:
            outcome = self.take(wanted, freed=held)
            if outcome.verdict is Verdict.REFUSED:
                return outcome._replace(reservation=found)
        return self.close(found, ReservationState.SETTLED, settled=wanted.quantity)

    def _release(self, request: Release) -> Outcome:
        found = self._reservations.get(request.reservation_id)
        before = self.standing.get(request.counter) or _NEW
        if found is None or found.counter != request.counter or found.state is ReservationState.SETTLED:
            return Outcome(Verdict.GONE, before.used, before.reserved, found)
        if found.state is not ReservationState.HELD:
            return Outcome(Verdict.REPEATED, before.used, before.reserved, found)
        return self.close(found, ReservationState.RELEASED)

    def close(self, found: Reservation, state: ReservationState, *, settled: int | None = None) -> Outcome:
        """End a reservation; what it still holds is given back."""
        done = replace(found, state=state, settled=settled)
        self._reservations[done.id] = done
        self.closed[done.id] = done
        return self._reserved(found.counter, -found.held if found.state is ReservationState.HELD else 0, done)

    def _reserved(self, counter: CounterKey, more: int, about: Reservation) -> Outcome:
        before = self.standing.get(counter) or _NEW
        after = before._replace(reserved=before.reserved + more)
        self.standing[counter] = after
        self.moved.add(counter)
        return Outcome(Verdict.ADMITTED, after.used, after.reserved, about)
