"""Faults planted into what was seen and stored: a proof that could not fail would prove nothing."""

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

from .checks import broken, judge
from .history import Call, Fate, History, Stored, What

Fault = Callable[[History, Stored], None]
SAMPLE = "hot-one"
ENOUGH_CALLS = 20


def _tracked(calls: list[Call], fate: Fate) -> list[Call]:
    """Return the counts of bursts that ended so and were sent once: a repeated one may be told of its first time."""
    tries = Counter(call.key for call in calls if call.what is What.TRACK)
    found = (call for call in calls if call.what is What.TRACK and call.fate is fate and call.feature == "bursts")
    return [call for call in found if call.reset_at and tries[call.key] == 1]


def _first(calls: list[Call], *, fate: Fate = Fate.DONE) -> Call:
    """Return the middle one of such calls, so that there is something before and after."""
    found = _tracked(calls, fate)
    return found[len(found) // 2]


def _neighbours(calls: list[Call]) -> tuple[Call, Call]:
    """Return two counts with nothing between their places, so that nothing unknown can explain a change of one."""
    found = _tracked(calls, Fate.DONE)
    places = {(call.counter, call.used): call for call in found}
    return next((before, call) for call in found if (before := places.get((call.counter, call.used - call.count))))


def _lost_event(history: History, stored: Stored) -> None:
    key = _first(history.calls).key
    stored.events = [event for event in stored.events if event.key != key]


def _event_twice(history: History, stored: Stored) -> None:
    key = _first(history.calls).key
    stored.events.append(next(event for event in stored.events if event.key == key))


def _counted_though_refused(history: History, stored: Stored) -> None:
    refused = _first(history.calls, fate=Fate.REFUSED)
    stored.events.append(replace(stored.events[0], customer=refused.customer, feature="bursts", key=refused.key))


def _over_the_limit(history: History, stored: Stored) -> None:
    key = max(key for key in stored.counters if key[1] == "bursts")
    event = next(e for e in stored.events if (e.customer, e.feature, e.period) == key)
    more = (history.bounds["bursts"].amount or 0) + 1 - stored.counters[key][0]
    stored.counters[key] = (stored.counters[key][0] + more, 0)
    stored.events.append(replace(event, count=event.count + more, key=None))


def _counter_off_by_one(_: History, stored: Stored) -> None:
    key, (used, reserved) = next(iter(stored.counters.items()))
    stored.counters[key] = (used + 1, reserved)


def _false_block(history: History, _: Stored) -> None:
    call = _first(history.calls)
    call.status, call.used = 402, call.used - call.count
    call.code, call.remaining = "quota_exceeded", 0


def _same_place_twice(history: History, _: Stored) -> None:
    call = _neighbours(history.calls)[1]
    call.used -= call.count


def _answer_from_the_past(history: History, _: Stored) -> None:
    call = _neighbours(history.calls)[0]
    late = max(each.ended for each in history.calls if each.counter == call.counter and each.fate is Fate.DONE)
    call.began, call.ended = late + 0.1, late + 0.2


def _period_that_is_over(history: History, _: Stored) -> None:
    late = max(history.calls, key=lambda call: call.began if call.reset_at and call.what is What.TRACK else 0)
    late.reset_at = min(call.reset_at for call in history.calls if call.reset_at)


def _told_twice(_: History, stored: Stored) -> None:
    stored.told.append(stored.told[0])


def _not_told(_: History, stored: Stored) -> None:
    stored.told.pop()


def _server_error(history: History, _: Stored) -> None:
    _first(history.calls).status = 500


def _settled_twice(_: History, stored: Stored) -> None:
    settled = next(event for event in stored.events if event.key is None)
    stored.events.append(settled)


def is_enough(calls: list[Call]) -> bool:
    """Whether so much has happened that every fault has something to be planted into: a slow machine needs longer."""
    calls = [call for call in calls if call.customer == SAMPLE]
    settled = any(call.what is What.SETTLE and call.fate is Fate.DONE and call.count for call in calls)
    return settled and bool(_tracked(calls, Fate.REFUSED)) and len(_tracked(calls, Fate.DONE)) >= ENOUGH_CALLS


FAULTS: dict[str, Fault] = {
    "an acknowledged event is lost": _lost_event,
    "an event is stored twice": _event_twice,
    "a refused call is counted": _counted_though_refused,
    "a hard limit is passed": _over_the_limit,
    "a counter is off by one": _counter_off_by_one,
    "a call is refused that would fit": _false_block,
    "two calls are answered the same place": _same_place_twice,
    "a call is answered from the past": _answer_from_the_past,
    "a call is counted in a period that is over": _period_that_is_over,
    "a threshold is told twice": _told_twice,
    "a threshold is not told": _not_told,
    "a reservation is counted twice": _settled_twice,
    "a call is answered 500": _server_error,
}


def undiscovered(history: History, stored: Stored) -> list[str]:
    """Plant each fault into a copy of a run without fault; returns those that no check discovered."""
    history, stored = _part(history, stored)
    missed = []
    for name, plant in FAULTS.items():
        seen, there = deepcopy(history), deepcopy(stored)
        plant(seen, there)
        if not broken(judge(seen, there)):
            missed.append(name)
    return missed


def _part(history: History, stored: Stored) -> tuple[History, Stored]:
    """Return the part of a run that is about one customer: whole in itself, and soon copied."""
    calls = [call for call in history.calls if call.customer == SAMPLE]
    part = Stored(
        [event for event in stored.events if event.customer == SAMPLE],
        [held for held in stored.holds if held.customer == SAMPLE],
        {key: counted for key, counted in stored.counters.items() if key[0] == SAMPLE},
        [told for told in stored.told if told.customer == SAMPLE],
    )
    return replace(history, calls=calls), part
