"""The rules of counting: aggregations, reservations, thresholds; each beside a model a person can check."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import START
from tollkeeper.metering import (
    Aggregation,
    Consumption,
    CounterKey,
    Hold,
    Known,
    Limit,
    Release,
    Request,
    Reservation,
    ReservationState,
    Settle,
    Standing,
    Verdict,
    decide,
)

KEY = CounterKey(UUID(int=7), 1, START)
LATER = START + timedelta(minutes=5)
UNLIMITED = Limit(None)


def take(
    quantity: int,
    *,
    limit: Limit = UNLIMITED,
    by: Aggregation = Aggregation.SUM,
    value: str | None = None,
    at: int = 0,
) -> Consumption:
    return Consumption(KEY, quantity, limit, START + timedelta(seconds=at), aggregation=by, value=value)


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 9), st.sampled_from("abc")), max_size=30))
@pytest.mark.parametrize("by", Aggregation)
def test_a_counter_is_what_its_events_come_to(by: Aggregation, events: list[tuple[int, int, str]]) -> None:
    requests = [take(quantity, by=by, value=value, at=at) for quantity, at, value in events]
    decision = decide(requests, {}, Known())
    newest = max(enumerate(events), key=lambda pair: (pair[1][1], pair[0]), default=(0, (0, 0, "")))[1]
    expected = {
        Aggregation.SUM: sum(quantity for quantity, _, _ in events),
        Aggregation.COUNT: len(events),
        Aggregation.MAX: max((quantity for quantity, _, _ in events), default=0),
        Aggregation.LATEST: newest[0],
        Aggregation.UNIQUE: len({value for _, _, value in events}),
    }[by]
    assert decision.counters.get(KEY, Standing()).used == expected
    assert {value for _, value in decision.values} == ({e[2] for e in events} if by is Aggregation.UNIQUE else set())


def test_a_gauge_may_always_come_down() -> None:
    seats = [take(9, limit=Limit(5), by=Aggregation.LATEST, at=1), take(4, limit=Limit(5), by=Aggregation.LATEST, at=2)]
    decision = decide(seats, {KEY: Standing(8)}, Known())
    assert [each.verdict for each in decision.outcomes] == [Verdict.REFUSED, Verdict.ADMITTED]
    assert decision.counters[KEY].used == 4


def test_an_old_reading_does_not_move_a_gauge() -> None:
    before = Standing(7, latest_at=LATER)
    decision = decide([take(3, by=Aggregation.LATEST)], {KEY: before}, Known())
    assert decision.counters[KEY].used == 7


def test_grace_passes_the_limit_so_far_and_no_further() -> None:
    limit = Limit(10, grace=2)
    decision = decide([take(11, limit=limit), take(1, limit=limit), take(1, limit=limit)], {}, Known())
    assert [each.verdict for each in decision.outcomes] == [Verdict.ADMITTED, Verdict.ADMITTED, Verdict.REFUSED]


def reservation(number: int, held: int, state: ReservationState = ReservationState.HELD) -> Reservation:
    return Reservation(UUID(int=number), KEY, held, LATER, state)


def test_what_is_held_is_nobody_else_s_until_it_is_given_back() -> None:
    limit = Limit(10)
    hold = Hold(KEY, 6, limit, LATER)
    first = decide([hold, take(5, limit=limit), take(4, limit=limit)], {}, Known())
    assert [each.verdict for each in first.outcomes] == [Verdict.ADMITTED, Verdict.REFUSED, Verdict.ADMITTED]
    (made,) = first.made
    known = Known(reservations={made.id: made})
    second = decide([Release(made.id, KEY), take(6, limit=limit)], first.counters, known)
    assert [each.verdict for each in second.outcomes] == [Verdict.ADMITTED, Verdict.ADMITTED]
    assert second.counters[KEY][:2] == (10, 0)


def test_settling_counts_the_real_figure_and_frees_the_rest() -> None:
    held = reservation(1, 8)
    known = Known(reservations={held.id: held})
    decision = decide([Settle(held.id, take(3, limit=Limit(10)))], {KEY: Standing(2, 8)}, known)
    assert decision.counters[KEY][:2] == (5, 0)
    assert decision.closed[0].settled == 3


def test_settling_more_than_held_takes_the_rest_only_when_it_fits() -> None:
    held = reservation(1, 3)
    known = Known(reservations={held.id: held})
    too_much = decide([Settle(held.id, take(9, limit=Limit(10)))], {KEY: Standing(2, 3)}, known)
    assert (too_much.outcomes[0].verdict, too_much.counters) == (Verdict.REFUSED, {})
    just = decide([Settle(held.id, take(8, limit=Limit(10)))], {KEY: Standing(2, 3)}, known)
    assert just.counters[KEY][:2] == (10, 0)


def test_settling_nothing_counts_no_event() -> None:
    held = reservation(1, 3)
    decision = decide([Settle(held.id, take(0))], {KEY: Standing(0, 3)}, Known(reservations={held.id: held}))
    assert (decision.admitted, decision.counters[KEY][:2]) == ([], (0, 0))


def test_settling_again_repeats_and_otherwise_is_too_late() -> None:
    held = reservation(1, 3)
    known = Known(reservations={held.id: held})
    requests: list[Request] = [Settle(held.id, take(2)), Settle(held.id, take(2)), Settle(held.id, take(1))]
    requests.append(Release(held.id, KEY))
    verdicts = [each.verdict for each in decide(requests, {KEY: Standing(0, 3)}, known).outcomes]
    assert verdicts == [Verdict.ADMITTED, Verdict.REPEATED, Verdict.GONE, Verdict.GONE]


def test_an_expired_one_is_given_up_before_anything_is_decided_and_settles_as_usage() -> None:
    held = reservation(1, 10)
    known = Known(reservations={held.id: held}, expired=[held])
    decision = decide(
        [take(4, limit=Limit(10)), Settle(held.id, take(6, limit=Limit(10)))], {KEY: Standing(0, 10)}, known
    )
    assert [each.verdict for each in decision.outcomes] == [Verdict.ADMITTED, Verdict.ADMITTED]
    assert decision.counters[KEY][:2] == (10, 0)
    assert [each.state for each in decision.closed] == [ReservationState.SETTLED]


def test_somebody_else_s_reservation_is_none() -> None:
    held = reservation(1, 3)
    other = CounterKey(UUID(int=8), 1, START)
    known = Known(reservations={held.id: held})
    assert decide([Release(held.id, other)], {}, known).outcomes[0].verdict is Verdict.GONE


def test_the_same_key_holds_once() -> None:
    hold = Hold(KEY, 4, Limit(10), LATER, "job-1")
    first = decide([hold, hold], {}, Known())
    assert [each.verdict for each in first.outcomes] == [Verdict.ADMITTED, Verdict.REPEATED]
    assert first.outcomes[0].reservation == first.outcomes[1].reservation
    known = Known(held_under={(KEY[0], 1, "job-1"): first.made[0]})
    again = decide([hold], first.counters, known)
    assert (again.outcomes[0].verdict, again.made) == (Verdict.REPEATED, [])


Step = tuple[str, int, int]
OPEN = {ReservationState.HELD, ReservationState.EXPIRED}
STEPS = st.lists(
    st.tuples(st.sampled_from(["take", "hold", "settle", "release", "wait"]), st.integers(0, 9), st.integers(0, 3)),
    max_size=60,
)


def asked(what: str, quantity: int, limit: Limit, chosen: UUID, now: datetime) -> Request:
    if what == "take":
        return take(quantity + 1, limit=limit)
    if what == "hold":
        return Hold(KEY, quantity + 1, limit, now + timedelta(minutes=2))
    return Settle(chosen, take(quantity, limit=limit)) if what == "settle" else Release(chosen, KEY)


@given(STEPS, st.integers(0, 30), st.integers(0, 4))
def test_no_sequence_passes_the_limit_leaks_or_blocks_falsely(steps: list[Step], amount: int, grace: int) -> None:
    """One request a batch against a model of open reservations: nothing is lost between them."""
    limit = Limit(amount, grace=grace)
    counters: dict[CounterKey, Standing] = {}
    stored: dict[UUID, Reservation] = {}
    used, now = 0, START
    for what, quantity, which in steps:
        if what == "wait":
            now += timedelta(minutes=which)
            continue
        late = [each for each in stored.values() if each.state is ReservationState.HELD and each.expires_at <= now]
        open_before = [
            each for each in stored.values() if each.state is ReservationState.HELD and each.expires_at > now
        ]
        held = sum(each.held for each in open_before)
        chosen = list(stored.values())[which % len(stored)] if stored else reservation(99, 1)
        freed = chosen.held if chosen in open_before else 0
        request = asked(what, quantity, limit, chosen.id, now)
        decision = decide([request], counters, Known(reservations=dict(stored), expired=late))
        (outcome,) = decision.outcomes
        counters |= decision.counters
        stored |= {each.id: each for each in [*decision.made, *decision.closed]}
        wanted = quantity + (what in {"take", "hold"})
        room = amount + grace - used - held
        if what in {"take", "hold"}:
            assert (outcome.verdict is Verdict.ADMITTED) == (wanted <= room)
        if (
            what == "settle"
            and chosen.id in stored
            and chosen.state in {ReservationState.HELD, ReservationState.EXPIRED}
        ):
            assert (outcome.verdict is Verdict.ADMITTED) == (wanted <= room + freed or not wanted)
        used += sum(each.quantity for each in decision.admitted)
        state = counters.get(KEY, Standing())
        assert state.used == used <= max(amount + grace, 0)
        assert state.reserved == sum(each.held for each in stored.values() if each.state is ReservationState.HELD)
        assert used + state.reserved <= amount + grace or not used + state.reserved


@given(
    st.lists(st.integers(1, 40), max_size=30),
    st.integers(1, 200),
    st.lists(st.integers(1, 120), unique=True, max_size=4).map(lambda each: tuple(sorted(each))),
)
def test_each_threshold_is_told_once_when_it_is_reached(
    quantities: list[int], amount: int, thresholds: tuple[int, ...]
) -> None:
    limit = Limit(amount, hard=False, thresholds=thresholds)
    counters: dict[CounterKey, Standing] = {}
    told = []
    used = 0
    for quantity in quantities:
        decision = decide([take(quantity, limit=limit)], counters, Known())
        counters |= decision.counters
        used += quantity
        told += [each.percent for each in decision.crossings]
        assert told == [percent for percent in thresholds if used * 100 >= percent * amount]


def crossings(limit: Limit, quantity: int, counters: dict[CounterKey, Standing]) -> list[int]:
    decision = decide([take(quantity, limit=limit)], counters, Known())
    counters |= decision.counters
    return [each.percent for each in decision.crossings]


def test_a_higher_limit_tells_again_what_usage_had_not_reached_of_it() -> None:
    counters: dict[CounterKey, Standing] = {}
    assert crossings(Limit(100, hard=False), 95, counters) == [80, 90]
    assert crossings(Limit(1000, hard=False), 5, counters) == []
    assert crossings(Limit(1000, hard=False), 700, counters) == [80]
    assert crossings(Limit(1000, hard=False), 50, counters) == []


def test_a_lower_limit_tells_only_what_was_not_told() -> None:
    counters: dict[CounterKey, Standing] = {}
    assert crossings(Limit(100, hard=False), 85, counters) == [80]
    assert crossings(Limit(50, hard=False), 1, counters) == [90, 100]


def test_up_and_down_around_a_threshold_does_not_flap() -> None:
    counters = {KEY: Standing(79)}
    by = Aggregation.LATEST
    told = []
    for second, value in enumerate((80, 70, 81, 60, 95, 10, 99)):
        decision = decide([take(value, limit=Limit(100), by=by, at=second)], counters, Known())
        counters |= decision.counters
        told += [each.percent for each in decision.crossings]
    assert told == [80, 90]
