"""The checks of the proof: a sound history passes, and whatever is broken in one is found."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proof import order
from proof.checks import broken, judge
from proof.history import Bound, Call, Event, Fate, Held, History, Move, Stored, Times, Told, What
from proof.planted import FAULTS, SAMPLE, is_enough, undiscovered
from proof.spool import compare

PERIOD, RESET = 1_000_000.0, 3_000_000.0
LATER, LATER_RESET = RESET, 5_000_000.0
LIMIT = 10


def sound() -> tuple[History, Stored]:
    """Two periods of one customer: the limit is reached, a reservation is settled, thresholds are told."""
    calls, stored = [], Stored()
    moment = 10.0
    for period, reset in ((PERIOD, RESET), (LATER, LATER_RESET)):
        for number in range(LIMIT + 2):
            fits = number < LIMIT
            key = f"{reset:.0f}-{number}"
            call = Call(What.TRACK, SAMPLE, "bursts", 1, key, moment, moment + 0.5, 200, "", number + 1)
            call.remaining, call.reset_at = LIMIT - number - 1, reset
            if fits:
                stored.events.append(Event(SAMPLE, "bursts", period, 1, key))
            else:
                call.status, call.code, call.used, call.remaining = 402, "quota_exceeded", LIMIT, 0
            calls.append(call)
            moment += 1
        stored.counters[SAMPLE, "bursts", period] = (LIMIT, 0)
        stored.told += [Told(SAMPLE, "bursts", period, percent, LIMIT, percent // 10) for percent in (80, 90, 100)]
        moment = 200.0
    held = Call(What.HOLD, SAMPLE, "work", 3, "hold-1", 12.0, 12.1, 201, "", 0, 7, RESET)
    settled = Call(What.SETTLE, SAMPLE, "work", 2, "hold-1", 13.0, 13.1, 200, "", 2, 8, RESET)
    calls += [held, settled]
    stored.holds.append(Held(SAMPLE, "work", PERIOD, "hold-1", 3, PERIOD + 100, "settled", 2))
    stored.events.append(Event(SAMPLE, "work", PERIOD, 2, None))
    stored.counters[SAMPLE, "work", PERIOD] = (2, 0)
    times = Times(PERIOD, [Move(100.0, 100.1, RESET - PERIOD)])
    return History(calls, times, {"bursts": Bound(LIMIT), "work": Bound(LIMIT)}), stored


def test_a_sound_history_passes() -> None:
    findings = judge(*sound())
    assert broken(findings) == []
    assert all(finding.checked for finding in findings)


def test_every_planted_fault_is_found() -> None:
    assert len(FAULTS) > 10
    assert undiscovered(*sound()) == []


@pytest.mark.parametrize("missing", ["refused", "settled", "done"])
def test_a_run_goes_on_until_every_fault_can_be_planted(missing: str) -> None:
    calls = sound()[0].calls
    assert is_enough(calls)
    kinds: dict[str, Callable[[Call], bool]] = {
        "refused": lambda call: call.fate is Fate.REFUSED,
        "settled": lambda call: call.what is What.SETTLE,
        "done": lambda call: call.used == 1,
    }
    assert not is_enough([call for call in calls if not kinds[missing](call)])


def refusal(used: int, moment: float, *, count: int = 1, reset: float = LATER_RESET) -> Call:
    return Call(What.TRACK, SAMPLE, "work", count, "late", moment, moment + 0.1, 402, "quota_exceeded", used, 0, reset)


@pytest.mark.parametrize(("held", "is_right"), [(7, False), (8, True)])
def test_a_refusal_is_right_only_when_reservations_can_have_left_no_room(held: int, *, is_right: bool) -> None:
    history, stored = sound()
    history.calls.append(
        Call(What.HOLD, SAMPLE, "work", held, "hold-2", 250.0, 250.1, 201, "", 0, 10 - held, LATER_RESET)
    )
    stored.holds.append(Held(SAMPLE, "work", LATER, "hold-2", held, LATER + 500, "held", None))
    stored.counters[SAMPLE, "work", LATER] = (0, held)
    history.calls.append(refusal(0, 251.0, count=3))
    assert bool(broken(judge(history, stored))) is not is_right


@pytest.mark.parametrize(("moment", "is_right"), [(251.0, True), (301.0, False)])
def test_what_has_expired_explains_no_refusal(moment: float, *, is_right: bool) -> None:
    history, stored = sound()
    history.calls.append(Call(What.HOLD, SAMPLE, "work", 10, "hold-2", 250.0, 250.1, 201, "", 0, 0, LATER_RESET))
    expires = PERIOD + 300.0 + history.times.moves[0].ahead
    stored.holds.append(Held(SAMPLE, "work", LATER, "hold-2", 10, expires, "expired", None))
    stored.counters[SAMPLE, "work", LATER] = (0, 0)
    history.calls.append(refusal(0, moment))
    assert bool(broken(judge(history, stored))) is not is_right


@pytest.mark.parametrize(("count", "is_right"), [(9, True), (8, False)])
def test_a_refusal_that_tells_no_number_needs_usage_that_explains_it(count: int, *, is_right: bool) -> None:
    history, stored = sound()
    wanted = refusal(0, 300.0, count=count, reset=0.0)  # two of ten are used
    history.calls.append(wanted)
    assert bool(broken(judge(history, stored))) is not is_right


def test_a_call_without_an_answer_may_turn_out_either_way() -> None:
    history, stored = sound()
    lost = next(call for call in history.calls if call.used == 5)
    lost.status, lost.ended, lost.used, lost.reset_at = 0, float("inf"), 0, 0.0
    assert broken(judge(history, stored)) == []
    history.calls.append(replace(lost, key="never stored"))
    assert broken(judge(history, stored)) == []


@given(
    st.lists(st.tuples(st.integers(1, 5), st.floats(0, 5), st.floats(0, 5), st.floats(0, 1)), max_size=12), st.data()
)
def test_whatever_really_happened_in_an_order_has_one(
    happened: list[tuple[int, float, float, float]], data: st.DataObject
) -> None:
    """Counts happen at 0, 1, 2, ...; each was sent some time before and answered some time after."""
    writes, reads, loose, place = [], [], [], 0
    for moment, (count, before, after, chance) in enumerate(happened):
        place += count
        write = order.Write(place, count, moment - before, moment + after, f"call {moment}")
        if chance < 0.3:
            loose.append(order.Loose(count, write.began, float("inf"), write.words))
        else:
            writes.append(write)
        reads.append(order.Read(place, moment + 0.1 - before, moment + 0.1 + after, "read"))
    assert order.faults(writes, reads, loose, place) == []
    if writes:
        moved = data.draw(st.sampled_from(writes))
        rest = [each for each in writes if each is not moved]
        assert order.faults([*rest, replace(moved, place=moved.place + 100)], reads, loose, place)
        assert order.faults(rest, reads, loose, place)


def test_an_answer_before_its_cause_was_sent_is_found() -> None:
    first = order.Write(1, 1, 5.0, 6.0, "first")
    second = order.Write(2, 1, 1.0, 2.0, "second")
    assert order.faults([first, second], [], [], 2)
    assert order.faults([first], [order.Read(1, 1.0, 2.0, "read")], [], 1)
    assert order.faults([first, replace(second, ended=5.5)], [], [], 2) == []


def test_the_spool_s_verdict() -> None:
    assert compare(["a", "b"], ["a", "b", "cut off"]) == []
    assert "not stored" in compare(["a", "b"], ["a"])[0]
    assert "more than once" in compare(["a"], ["a", "a"])[0]
    assert "no client acknowledged" in compare([], ["a", "b", "c"])[0]
