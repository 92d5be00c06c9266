"""Windows that roll, what is carried over, credits and members' shares: never over, never a false refusal."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from tollkeeper.metering import (
    Consumption,
    CounterKey,
    Hold,
    Known,
    Limit,
    Reservation,
    ReservationState,
    Settle,
    Standing,
    Terms,
    Verdict,
    decide,
    short_by,
    window_start,
)
from tollkeeper.metering.rules import boundary, carried, window_of

ACME, ADA, BOB = UUID(int=7), UUID(int=8), UUID(int=9)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
KEY = CounterKey(ACME, 1, NOW)
WINDOW = timedelta(minutes=1)
ROLLING = CounterKey(ACME, 1, window_start(WINDOW))
MICROSECOND = timedelta(microseconds=1)


def take(count: int, limit: Limit, *, member: UUID | None = None, own: int | None = None) -> Consumption:
    terms = None if own is None else Terms(per_member=Limit(own, thresholds=()))
    return Consumption(KEY, count, limit, NOW, member_id=member, terms=terms)


def test_a_windows_counter_says_how_long_it_is_and_no_other_does() -> None:
    assert window_of(ROLLING) == WINDOW
    assert window_of(KEY) is None
    assert window_of(CounterKey(ACME, 1, datetime(1970, 1, 1, tzinfo=UTC))) is None  # the one that lasts for ever
    assert window_of(CounterKey(ACME, 1, window_start(timedelta(days=366)))) == timedelta(days=366)


def test_the_boundary_never_goes_back() -> None:
    assert boundary(None, WINDOW, NOW) == NOW - WINDOW
    assert boundary(NOW - WINDOW, WINDOW, NOW - MICROSECOND) == NOW - WINDOW
    assert boundary(NOW - WINDOW, WINDOW, NOW + MICROSECOND) == NOW - WINDOW + MICROSECOND


# Steps about the length of the window, to the microsecond; below zero is another machine's clock that is behind.
STEPS = st.one_of(
    st.sampled_from([0, 1, 2, 59_999_999, 60_000_000, 60_000_001, -1, -5_000_000]), st.integers(-10_000_000, 70_000_000)
)


@given(st.lists(st.tuples(STEPS, st.integers(1, 4)), max_size=40), st.integers(0, 8))
def test_no_window_ever_holds_more_than_the_limit_and_what_fits_is_never_refused(
    uses: Sequence[tuple[int, int]], limit: int
) -> None:
    """As the database does it: under the lock, what has left is subtracted, then the request is decided."""
    events: list[tuple[datetime, int]] = []
    standing = Standing(since=NOW - WINDOW)
    clock = NOW
    for step, count in uses:
        clock += timedelta(microseconds=step)
        assert standing.since is not None
        until = boundary(standing.since, WINDOW, clock)
        left = sum(each for at, each in events if standing.since < at <= until)
        standing = standing._replace(used=standing.used - left, since=until)
        wanted = Consumption(ROLLING, count, Limit(limit), clock, terms=Terms(undated=True))
        decision = decide([wanted], {ROLLING: standing}, Known())
        now = until + WINDOW
        fits = sum(each for at, each in events if now - WINDOW < at <= now) + count <= limit
        assert (decision.outcomes[0].verdict is Verdict.ADMITTED) == fits
        if fits:
            (event,) = decision.admitted
            assert event.at == now
            events.append((event.at, count))
            standing = decision.counters[ROLLING]
        assert standing.used == sum(each for at, each in events if at > until)
    for end, _ in events:
        assert sum(each for at, each in events if end - WINDOW < at <= end) <= limit


def test_what_has_left_the_window_is_recorded_and_counts_nothing() -> None:
    old = Consumption(ROLLING, 5, Limit(3), NOW - WINDOW, terms=Terms())
    decision = decide([old], {ROLLING: Standing(2, since=NOW - WINDOW)}, Known())
    assert (decision.outcomes[0].verdict, decision.outcomes[0].used) == (Verdict.ADMITTED, 2)
    assert decision.admitted == [old]


def test_thresholds_of_a_window_are_told_again_only_once_it_is_half_empty() -> None:
    def told(before: Standing) -> tuple[int, list[int]]:
        wanted = Consumption(ROLLING, 1, Limit(10, thresholds=(80,)), NOW, terms=Terms(undated=True))
        decision = decide([wanted], {ROLLING: before}, Known())
        return decision.counters[ROLLING].told, [each.percent for each in decision.crossings]

    since = NOW - WINDOW
    assert told(Standing(7, told=0, since=since)) == (80, [80])
    assert told(Standing(7, told=80, told_limit=10, since=since)) == (80, [])
    assert told(Standing(4, told=80, told_limit=10, since=since)) == (80, [])
    assert told(Standing(3, told=80, told_limit=10, since=since)) == (0, [])


@given(st.integers(0, 30), st.integers(0, 20), st.integers(0, 10), st.integers(0, 20), st.integers(1, 20))
def test_unused_quota_is_carried_over_once_and_at_most_so_much(
    used: int, quota: int, brought: int, credited: int, most: int
) -> None:
    credited = min(credited, used)
    found = carried(Standing(used, carried=brought, credited=credited), Terms(NOW, most, quota))
    own = max(0, used - credited - brought)  # what was brought along goes first
    assert found == min(most, max(0, quota - own))
    assert carried(Standing(), Terms(NOW, most, quota)) == min(most, quota)


def test_carried_quota_counts_for_the_limit_and_its_thresholds() -> None:
    before = {KEY: Standing(10, carried=5)}
    decision = decide([take(2, Limit(10)), take(3, Limit(10)), take(1, Limit(10))], before, Known())
    assert [each.verdict for each in decision.outcomes] == [Verdict.ADMITTED, Verdict.ADMITTED, Verdict.REFUSED]
    assert [(each.percent, each.limit) for each in decision.crossings] == [(80, 15), (90, 15), (100, 15)]


GRANTS = st.lists(st.integers(1, 6), max_size=3)


@given(st.lists(st.integers(1, 5), max_size=15), st.integers(0, 10), st.integers(0, 3), GRANTS)
def test_credits_pay_for_just_what_passes_limit_and_grace(
    counts: Sequence[int], amount: int, grace: int, left: Sequence[int]
) -> None:
    limit, ids = Limit(amount, grace=grace), [UUID(int=number) for number in range(len(left))]
    known = Known(grants={(ACME, 1): list(zip(ids, left, strict=True))})
    decision = decide([take(count, limit) for count in counts], {}, known)
    used, open_ = 0, sum(left)
    for count, outcome in zip(counts, decision.outcomes, strict=True):
        fits = used + count <= amount + grace + sum(left)
        assert (outcome.verdict is Verdict.ADMITTED) == fits
        used += count * fits
    paid = sum(each.credits for each in decision.admitted)
    assert paid == max(0, used - amount - grace) == sum(decision.drawn.values()) <= open_
    drawn = [decision.drawn.get(each, 0) for each in ids]
    first_with_rest = next((index for index, each in enumerate(left) if drawn[index] < each), len(left))
    assert not any(drawn[first_with_rest + 1 :])  # in their order, each to its end
    if decision.counters:
        assert (decision.counters[KEY].used, decision.counters[KEY].credited) == (used, paid)


def test_without_a_look_nothing_is_drawn_and_a_refusal_says_that_nothing_is_left() -> None:
    (refused,) = decide([take(2, Limit(1))], {}, Known()).outcomes
    assert (refused.verdict, refused.credits) == (Verdict.REFUSED, 0)


def test_a_top_up_arms_thresholds_again_and_looking_again_does_not() -> None:
    limit = Limit(10, thresholds=(80, 100))
    told = {KEY: Standing(10, told=100, told_limit=10)}
    known = Known(grants={(ACME, 1): [(ADA, 10)]})
    first = decide([take(1, limit)], told, known)
    assert (first.crossings, first.counters[KEY].told, first.counters[KEY].topped) == ([], 0, 10)
    second = decide([take(5, limit)], {KEY: first.counters[KEY]}, Known(grants={(ACME, 1): [(ADA, 9)]}))
    assert [(each.percent, each.limit, each.used) for each in second.crossings] == [(80, 20, 16)]
    third = decide([take(1, limit)], {KEY: second.counters[KEY]}, Known(grants={(ACME, 1): [(ADA, 4)]}))
    assert third.crossings == []


def test_usage_past_a_limit_that_came_down_need_not_be_paid_for() -> None:
    assert short_by(Standing(50), 51, Limit(10)) == 1
    decision = decide([take(1, Limit(10))], {KEY: Standing(50)}, Known(grants={(ACME, 1): [(ADA, 1)]}))
    assert decision.outcomes[0].verdict is Verdict.ADMITTED
    assert decision.counters[KEY].credited == 1


def test_what_is_reserved_has_a_claim_on_credits() -> None:
    held = Hold(KEY, 5, Limit(3), NOW + WINDOW)
    known = Known(grants={(ACME, 1): [(ADA, 2)]})
    decision = decide([held, take(1, Limit(3))], {}, known)
    assert [each.verdict for each in decision.outcomes] == [Verdict.ADMITTED, Verdict.REFUSED]
    (made,) = decision.made
    again = Known(reservations={made.id: made}, grants=known.grants)
    settled = decide([Settle(made.id, take(5, Limit(3)))], decision.counters, again)
    assert settled.outcomes[0].verdict is Verdict.ADMITTED
    assert (settled.counters[KEY].used, settled.counters[KEY].credited, settled.drawn) == (5, 2, {ADA: 2})


def test_what_was_held_can_be_settled_though_limits_came_down_and_credits_ended() -> None:
    held = Reservation(UUID(int=1), KEY, 20, NOW + WINDOW, ReservationState.HELD, member_id=ADA)
    of_ada = KEY._replace(member_id=ADA)
    standing = {KEY: Standing(50, 20, by_member=True), of_ada: Standing(0, 20)}
    settle = Settle(held.id, take(20, Limit(10), own=5))
    unlooked = decide([settle], standing, Known(reservations={held.id: held}))
    assert unlooked.outcomes[0].verdict is Verdict.REFUSED  # so that whoever asks looks for credits
    done = decide([settle], standing, Known(reservations={held.id: held}, grants={(ACME, 1): [(UUID(int=2), 3)]}))
    assert (done.outcomes[0].verdict, done.drawn) == (Verdict.ADMITTED, {UUID(int=2): 3})
    assert (done.counters[KEY][:2], done.counters[of_ada][:2]) == ((70, 0), (20, 0))
    more = Settle(held.id, take(21, Limit(10)))
    refused = decide([more], standing, Known(reservations={held.id: held}, grants={}))
    assert refused.outcomes[0].verdict is Verdict.REFUSED


def test_a_settled_reservation_counts_for_who_asked_for_it() -> None:
    of_ada = KEY._replace(member_id=ADA)
    held = Reservation(BOB, KEY, 3, NOW, ReservationState.HELD, member_id=ADA)
    before = {KEY: Standing(0, 3, by_member=True), of_ada: Standing(0, 3)}
    decision = decide([Settle(BOB, take(2, Limit(9), member=BOB, own=3))], before, Known(reservations={BOB: held}))
    assert decision.outcomes[0].verdict is Verdict.ADMITTED
    assert decision.counters[of_ada][:2] == (2, 0)
    assert decision.admitted[0].member_id == ADA


@given(
    st.lists(st.tuples(st.sampled_from([ADA, BOB, None]), st.integers(1, 4)), max_size=25),
    st.integers(0, 30),
    st.integers(0, 12),
)
def test_neither_the_organizations_limit_nor_a_members_is_passed_and_neither_refuses_what_fits(
    uses: Sequence[tuple[UUID | None, int]], limit: int, own: int
) -> None:
    requests = [take(count, Limit(limit), member=member, own=own) for member, count in uses]
    decision = decide(requests, {KEY: Standing(by_member=True)}, Known())
    used: dict[UUID | None, int] = {ADA: 0, BOB: 0, None: 0}
    for (member, count), outcome in zip(uses, decision.outcomes, strict=True):
        of_member = member is not None and used[member] + count > own
        fits = sum(used.values()) + count <= limit
        assert (outcome.verdict is Verdict.ADMITTED) == (fits and not of_member)
        assert outcome.of_member == (fits and of_member)
        if fits and not of_member:
            used[member] += count
    if decision.counters:
        assert decision.counters[KEY].used == sum(used.values())
    for member in (ADA, BOB):
        counted = decision.counters.get(KEY._replace(member_id=member), Standing())
        assert counted.used == used[member] <= own
