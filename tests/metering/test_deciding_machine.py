"""Whole batches in any order, decided by the rules and by a model that knows nothing but a list of what happened."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from support import START
from tollkeeper.metering import (
    Consumption,
    CounterKey,
    Hold,
    Known,
    Limit,
    Outcome,
    Release,
    Request,
    Reservation,
    ReservationState,
    Settle,
    Standing,
    Verdict,
    decide,
)

ORGANIZATION = UUID(int=7)
COUNTERS = [CounterKey(ORGANIZATION, 1, START), CounterKey(ORGANIZATION, 1, START + timedelta(days=31))]
COUNTERS += [CounterKey(ORGANIZATION, 2, START)]
NOBODY_S = UUID(int=99)
TTL = timedelta(minutes=3)
LIMITS = st.builds(Limit, st.none() | st.integers(0, 25), st.booleans(), st.integers(0, 3), st.just((50, 100)))


@dataclass(frozen=True)
class Step:
    """What is asked for; `which` picks the reservation, `key` the idempotency key."""

    what: str
    counter: int
    count: int
    which: int
    key: str | None


STEPS = st.builds(
    Step,
    st.sampled_from(["take", "take", "hold", "settle", "release"]),
    st.integers(0, len(COUNTERS) - 1),
    st.integers(0, 6),
    st.integers(0, 5),
    st.none() | st.sampled_from("abcdefgh"),
)


@dataclass
class Lent:
    """A reservation as the model knows it."""

    counter: CounterKey
    held: int
    expires_at: datetime
    state: str = "held"
    settled: int | None = None


@dataclass
class Model:
    """A list of events and one of reservations; everything else is counted from them each time."""

    limits: dict[CounterKey, Limit]
    events: list[tuple[CounterKey, int]] = field(default_factory=list)
    lent: dict[UUID, Lent] = field(default_factory=dict)
    keys: set[tuple[int, str]] = field(default_factory=set)
    lent_under: dict[tuple[int, str], UUID] = field(default_factory=dict)
    told: list[tuple[CounterKey, int]] = field(default_factory=list)

    def used(self, counter: CounterKey) -> int:
        return sum(count for where, count in self.events if where == counter)

    def reserved(self, counter: CounterKey) -> int:
        return sum(each.held for each in self.lent.values() if each.counter == counter and each.state == "held")

    def fits(self, counter: CounterKey, count: int, freed: int = 0) -> bool:
        limit = self.limits[counter]
        if limit.amount is None or not limit.hard:
            return True
        return self.used(counter) + self.reserved(counter) - freed + count <= limit.amount + limit.grace

    def expire(self, counters: set[CounterKey], now: datetime) -> None:
        for each in self.lent.values():
            if each.counter in counters and each.state == "held" and each.expires_at <= now:
                each.state = "expired"

    def count(self, counter: CounterKey, count: int) -> None:
        amount = self.limits[counter].amount
        before, after = self.used(counter), self.used(counter) + count
        self.events.append((counter, count))
        if amount:
            reached = [p for p in self.limits[counter].thresholds if before * 100 < p * amount <= after * 100]
            self.told += [(counter, percent) for percent in reached]

    def take(self, counter: CounterKey, count: int, key: str | None) -> Verdict:
        if key is not None and (counter.meter_id, key) in self.keys:
            return Verdict.REPEATED
        if not self.fits(counter, count):
            return Verdict.REFUSED
        self.keys |= {(counter.meter_id, key)} if key is not None else set()
        self.count(counter, count)
        return Verdict.ADMITTED

    def hold(self, counter: CounterKey, count: int, key: str | None) -> Verdict:
        if key is not None and (counter.meter_id, key) in self.lent_under:
            return Verdict.REPEATED
        return Verdict.ADMITTED if self.fits(counter, count) else Verdict.REFUSED

    def settle(self, named: UUID, count: int) -> Verdict:
        found = self.lent.get(named)
        if found is None or found.state == "released":
            return Verdict.GONE
        if found.state == "settled":
            return Verdict.REPEATED if found.settled == count else Verdict.GONE
        if count and not self.fits(found.counter, count, freed=found.held if found.state == "held" else 0):
            return Verdict.REFUSED
        if count:
            self.count(found.counter, count)
        found.state, found.settled = "settled", count
        return Verdict.ADMITTED

    def release(self, named: UUID) -> Verdict:
        found = self.lent.get(named)
        if found is None or found.state == "settled":
            return Verdict.GONE
        if found.state != "held":
            return Verdict.REPEATED
        found.state = "released"
        return Verdict.ADMITTED


class Deciding(RuleBasedStateMachine):
    """The rules beside the model. What a store would keep is kept in `counters` and `stored`."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.counters: dict[CounterKey, Standing] = {}
        self.stored: dict[UUID, Reservation] = {}
        self.keys: set[tuple[object, ...]] = set()
        self.told: list[tuple[CounterKey, int]] = []
        self.model = Model({})

    @initialize(limits=st.tuples(LIMITS, LIMITS, LIMITS))
    def begin(self, limits: tuple[Limit, Limit, Limit]) -> None:
        self.model = Model(dict(zip(COUNTERS, limits, strict=True)))

    @rule(minutes=st.integers(1, 4))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(steps=st.lists(STEPS, min_size=1, max_size=6))
    def batch(self, steps: list[Step]) -> None:
        requests = [self.request(step) for step in steps]
        touched = {each.counter for each in requests}
        late = [each for each in self.stored.values() if self.is_late(each, touched)]
        under = {
            (ORGANIZATION, r.counter.meter_id, r.idempotency_key): r for r in self.stored.values() if r.idempotency_key
        }
        known = Known(frozenset(self.keys), reservations=dict(self.stored), held_under=under, expired=late)
        decision = decide(requests, self.counters, known)
        self.model.expire(touched, self.now)
        for step, request, outcome in zip(steps, requests, decision.outcomes, strict=True):
            assert outcome.verdict is self.expected(step, request, outcome), (step, outcome)
        self.counters |= decision.counters
        self.stored |= {each.id: each for each in [*decision.made, *decision.closed]}
        self.keys |= {(*e.counter[:2], e.idempotency_key) for e in decision.admitted if e.idempotency_key}
        self.told += [(each.counter, each.percent) for each in decision.crossings]

    def is_late(self, each: Reservation, touched: set[CounterKey]) -> bool:
        return each.counter in touched and each.state is ReservationState.HELD and each.expires_at <= self.now

    def request(self, step: Step) -> Request:
        counter = COUNTERS[step.counter]
        if step.what == "hold":
            return Hold(counter, step.count + 1, self.model.limits[counter], self.now + TTL, step.key)
        if step.what == "take":
            return Consumption(counter, step.count + 1, self.model.limits[counter], self.now, step.key)
        named = self.named(step)
        counter = self.stored[named].counter if named in self.stored else counter
        if step.what == "release":
            return Release(named, counter)
        return Settle(named, Consumption(counter, step.count, self.model.limits[counter], self.now))

    def named(self, step: Step) -> UUID:
        return [*self.stored, NOBODY_S][step.which % (len(self.stored) + 1)]

    def expected(self, step: Step, request: Request, outcome: Outcome) -> Verdict:
        if step.what == "take":
            return self.model.take(request.counter, step.count + 1, step.key)
        if isinstance(request, Settle):
            return self.model.settle(request.reservation_id, step.count)
        if isinstance(request, Release):
            return self.model.release(request.reservation_id)
        verdict = self.model.hold(request.counter, step.count + 1, step.key)
        if verdict is Verdict.ADMITTED and outcome.reservation is not None:
            self.lend(request, step, outcome.reservation)
        if verdict is Verdict.REPEATED:
            made = self.model.lent_under[request.counter.meter_id, step.key or ""]
            assert outcome.reservation is not None
            assert outcome.reservation.id == made
        return verdict

    def lend(self, request: Request, step: Step, made: Reservation) -> None:
        self.model.lent[made.id] = Lent(request.counter, step.count + 1, self.now + TTL)
        if step.key is not None:
            self.model.lent_under[request.counter.meter_id, step.key] = made.id

    @invariant()
    def counters_are_what_happened(self) -> None:
        for counter in self.model.limits:
            standing = self.counters.get(counter, Standing())
            assert (standing.used, standing.reserved) == (self.model.used(counter), self.model.reserved(counter))

    @invariant()
    def no_hard_limit_is_passed(self) -> None:
        for counter, limit in self.model.limits.items():
            ceiling = limit.ceiling
            assert ceiling is None or self.model.used(counter) + self.model.reserved(counter) <= ceiling

    @invariant()
    def thresholds_are_told_once_each_in_order(self) -> None:
        assert self.told == self.model.told

    @invariant()
    def reservations_end_the_same_way(self) -> None:
        for name, lent in self.model.lent.items():
            assert (self.stored[name].state.value, self.stored[name].settled) == (lent.state, lent.settled)


TestDeciding = Deciding.TestCase
TestDeciding.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
