"""What a batch of requests comes to, in the order they came. Pure: decides on values read under lock."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from tollkeeper.kit import new_id
from tollkeeper.metering.model import (
    NOBODY,
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

from .further import is_rearmed, short_by, window_of

Identity: TypeAlias = tuple[UUID, int, str]
"""Organization, meter and idempotency key."""
_NEW = Standing()


@dataclass(frozen=True, slots=True)
class Known:
    """What was recorded before the batch and bears on it.

    `keys` of events; `values` seen by meters of unique values, per counter; reservations that are named by id, and
    those made under an idempotency key that a hold of the batch repeats; `expired` ones still held, to be given up.
    `grants` is what open ones have left, by organization and meter in the order they are drawn from; None: nobody
    looked, and nothing is drawn.
    """

    keys: AbstractSet[tuple[object, ...]] = frozenset()
    values: AbstractSet[tuple[CounterKey, str]] = frozenset()
    reservations: Mapping[UUID, Reservation] = field(default_factory=dict)
    held_under: Mapping[Identity, Reservation] = field(default_factory=dict)
    expired: Sequence[Reservation] = ()
    grants: Mapping[tuple[UUID, int], Sequence[tuple[UUID, int]]] | None = None


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
    drawn: dict[UUID, int] = field(default_factory=dict)
    """How much was drawn from which grant."""
    credited: dict[CounterKey, Standing] = field(default_factory=dict)
    """Counters, of those in `counters`, whose credits moved."""


def fits(used: int, count: int, limit: Limit, *, reserved: int = 0, beside: int = 0) -> bool:
    """Whether `count` more may be taken when so much is taken and reserved. Reaching the limit exactly is allowed.

    `beside` is what comes on top of the limit: carried over, or paid for by credits.
    """
    ceiling = limit.ceiling
    return ceiling is None or used + reserved + count <= ceiling + beside


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
        self._grants = {of: dict(left) for of, left in (known.grants or {}).items()}
        self._looked = known.grants is not None
        self.drawn: dict[UUID, int] = {}
        self._began = self.standing.copy() if self._looked else {}
        if self._looked:
            self.standing = {key: self._topped(key, each) for key, each in self.standing.items()}
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
        made, drawn = self.made, self.drawn
        credited = {
            key: each for key, each in counters.items() if self._looked and each[6:9] != self._began.get(key, _NEW)[6:9]
        }
        return Decision(outcomes, self.admitted, counters, self.crossings, self.values, made, closed, drawn, credited)

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
        counter, key, member_id = request.counter, request.idempotency_key, request.member_id
        before = self.standing.get(counter) or _NEW
        if key is not None and (counter[0], counter[1], key) in self._keys:
            return Outcome(Verdict.REPEATED, before.used, before.reserved, None, before)
        if before.since is not None:
            request = _dated(request, before.since)
        used = before.used
        quick = request.aggregation is Aggregation.SUM and before.since is None
        after = used + request.quantity if quick else self._folded(request, counter, before)
        lacking = short_by(before, after, request.limit, freed=freed)
        # What was held was admitted then: a limit that came down since, or credits that ended, do not undo that. They
        # are looked at all the same, since they may have been what admitted it.
        if lacking and lacking > self._left(counter) and not (self._looked and 0 < request.quantity <= freed):
            return self._refused(counter, before)
        share = None
        if before.by_member and member_id is not None:
            share = self._share(request, before, freed)
            if share is None:
                return self._refused_of_member(counter, before, member_id)
            self._keep_share(share, request)
        if lacking:
            drawn = min(lacking, after - used, self._left(counter))
            request = request._replace(credits=self._draw(counter, drawn) if drawn else 0)
        now = self._take(request, before, after)
        return Outcome(
            Verdict.ADMITTED,
            after,
            before.reserved,
            None,
            now,
            self._left(counter) if lacking else None,
            share and share[1],
        )

    def _take(self, request: Consumption, before: Standing, after: int) -> Standing:
        """Move the counter by what is admitted."""
        counter, _, limit, at, key, _, aggregation, value, _, _, _, drawn = request
        if key is not None:
            self._keys.add((counter[0], counter[1], key))
        if value is not None and aggregation is Aggregation.UNIQUE:
            self._see(counter, value)
        _, reserved, told, told_limit, latest, since, carried, credited, topped, by_member, rolled = before
        if limit.amount is not None and (measure := limit.amount + carried + topped):
            told = self._tell(request, before, after, measure)
            told_limit = measure
        if aggregation is Aggregation.LATEST and (latest is None or at >= latest):
            latest = at
        credited += drawn
        now = Standing(after, reserved, told, told_limit, latest, since, carried, credited, topped, by_member, rolled)
        self.standing[counter] = now
        self.moved.add(counter)
        self.admitted.append(request)
        return now

    def _refused(self, counter: CounterKey, before: Standing) -> Outcome:
        return Outcome(Verdict.REFUSED, before.used, before.reserved, None, before, self._left(counter))

    def _refused_of_member(self, counter: CounterKey, before: Standing, member_id: UUID) -> Outcome:
        own = self.standing.get(counter._replace(member_id=member_id)) or _NEW
        return Outcome(Verdict.REFUSED, before.used, before.reserved, None, before, None, own, of_member=True)

    def _folded(self, request: Consumption, counter: CounterKey, before: Standing) -> int:
        if before.since is not None and request.at <= before.since:
            return before.used  # it has left the window already
        match request.aggregation:
            case Aggregation.COUNT:
                return before.used + 1
            case Aggregation.MAX:
                return max(before.used, request.quantity)
            case Aggregation.LATEST:
                newer = before.latest_at is None or request.at >= before.latest_at
                return request.quantity if newer else before.used
            case Aggregation.UNIQUE:
                return before.used + ((counter, request.value or "") not in self._seen)
        return before.used + request.quantity

    def _see(self, counter: CounterKey, value: str) -> None:
        if (counter, value) not in self._seen:
            self._seen.add((counter, value))
            self.values.add((counter, value))

    def _share(self, request: Consumption, before: Standing, freed: int) -> tuple[CounterKey, Standing] | None:
        """Return what the member's own counter comes to; None when their limit would be passed."""
        counter = request.counter._replace(member_id=request.member_id or NOBODY)
        own = self.standing.get(counter) or _NEW._replace(since=before.since)
        after = self._folded(request, counter, own)
        limit = request.terms.per_member if request.terms else None
        if limit is not None and request.quantity > freed and short_by(own, after, limit, freed=freed):
            return None
        latest = own.latest_at
        if request.aggregation is Aggregation.LATEST and (latest is None or request.at >= latest):
            latest = request.at
        return counter, own._replace(used=after, latest_at=latest)

    def _keep_share(self, share: tuple[CounterKey, Standing], request: Consumption) -> None:
        counter, now = share
        self.standing[counter] = now
        self.moved.add(counter)
        if request.value is not None and request.aggregation is Aggregation.UNIQUE:
            self._see(counter, request.value)

    def _topped(self, counter: CounterKey, before: Standing) -> Standing:
        return before._replace(topped=before.credited + self._left(counter)) if counter[3] == NOBODY else before

    def _left(self, counter: CounterKey) -> int:
        """What credits have left for a counter; nothing when they were not looked up."""
        return sum(self._grants.get((counter[0], counter[1]), {}).values())

    def _draw(self, counter: CounterKey, amount: int) -> int:
        """Draw so much, which is there, from the grants in their order."""
        wanted = amount
        grants = self._grants[counter[0], counter[1]]
        for grant_id, left in grants.items():
            part = min(wanted, left)
            if part:
                grants[grant_id] = left - part
                self.drawn[grant_id] = self.drawn.get(grant_id, 0) + part
                wanted -= part
        return amount

    def _tell(self, request: Consumption, before: Standing, after: int, measure: int) -> int:
        """Note the thresholds reached; returns the highest told so far.

        A limit that has changed since is measured anew: what usage no longer reaches may be told again.
        """
        limit, told = request.limit, before.told
        if told and before.told_limit != measure:
            told = min(told, max((each for each in limit.thresholds if before.used * 100 >= each * measure), default=0))
        if told and is_rearmed(before, limit, measure):
            told = 0
        share = after * 100
        if not limit.thresholds or share < measure * limit.thresholds[0]:
            return told  # the usual case
        for percent in limit.thresholds:
            if percent > told and share >= percent * measure:
                self.crossings.append(Crossing(request.counter, percent, measure, after, request.at))
                told = percent
        return told

    def _hold(self, request: Hold) -> Outcome:
        counter, count, limit, expires_at, key, credential_id, member_id, terms = request
        before = self.standing.get(counter) or _NEW
        identity = (counter[0], counter[1], key or "")
        if key is not None and identity in self._held_under:
            return Outcome(Verdict.REPEATED, before.used, before.reserved, self._held_under[identity], before)
        # What credits are to pay for is drawn when it is used; until then all that is reserved bars others from it.
        lacking = short_by(before, before.used + count, limit)
        if lacking > self._left(counter):
            return self._refused(counter, before)
        if before.by_member and member_id is not None and terms is not None and terms.per_member is not None:
            own = self.standing.get(counter._replace(member_id=member_id)) or _NEW
            if short_by(own, own.used + count, terms.per_member):
                return self._refused_of_member(counter, before, member_id)
        held = ReservationState.HELD
        made = Reservation(new_id(), counter, count, expires_at, held, None, key, credential_id, member_id)
        if key is not None:
            self._held_under[identity] = made
        self._reservations[made.id] = made
        self.made.append(made)
        outcome = self._reserved(counter, count, made)
        return outcome._replace(credits=self._left(counter)) if lacking else outcome

    def _settle(self, request: Settle) -> Outcome:
        """Count the real figure. One that has expired is counted as any other usage: the work was done."""
        found = self._reservations.get(request.reservation_id)
        wanted = request.consumption
        before = self.standing.get(wanted.counter) or _NEW
        if found is None or found.counter != wanted.counter or found.state is ReservationState.RELEASED:
            return Outcome(Verdict.GONE, before.used, before.reserved, found, before)
        if found.state is ReservationState.SETTLED:
            verdict = Verdict.REPEATED if found.settled == wanted.quantity else Verdict.GONE
            return Outcome(verdict, before.used, before.reserved, found, before)
        held = found.held if found.state is ReservationState.HELD else 0
        left = None
        if wanted.quantity:
            outcome = self.take(wanted._replace(member_id=found.member_id), freed=held)
            left = outcome.credits
            if outcome.verdict is Verdict.REFUSED:
                return outcome._replace(reservation=found)
        return self.close(found, ReservationState.SETTLED, settled=wanted.quantity)._replace(credits=left)

    def _release(self, request: Release) -> Outcome:
        found = self._reservations.get(request.reservation_id)
        before = self.standing.get(request.counter) or _NEW
        if found is None or found.counter != request.counter or found.state is ReservationState.SETTLED:
            return Outcome(Verdict.GONE, before.used, before.reserved, found, before)
        if found.state is not ReservationState.HELD:
            return Outcome(Verdict.REPEATED, before.used, before.reserved, found, before)
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
        own = None
        if before.by_member and about.member_id is not None:
            of_member = counter._replace(member_id=about.member_id)
            own = self.standing.get(of_member) or _NEW
            own = self.standing[of_member] = own._replace(reserved=own.reserved + more)
            self.moved.add(of_member)
        return Outcome(Verdict.ADMITTED, after.used, after.reserved, about, after, None, own)


def _dated(request: Consumption, since: datetime) -> Consumption:
    """In a rolling window, what was not dated happens now, the moment up to which events have left the window."""
    window = window_of(request.counter)
    if window is None or request.terms is None or not request.terms.undated:
        return request
    return request._replace(at=since + window)
