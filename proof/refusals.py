"""Refusals, and what reservations have to do with them: was the limit really reached, was it ever passed?

How far a counter stood is known exactly (see `order`). What open reservations held is known between bounds: one is
open for certain from the answer to its hold until the first call to close it was sent or its time may have come, and
perhaps from the moment its hold was sent until that was answered or its time has come for every process.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import inf
from typing import NamedTuple

from .history import Call, Counter, Fate, History, Stored, What

ROUNDING = 0.01
"""Seconds by which moments of different clocks of one machine may disagree."""


class Open(NamedTuple):
    """How long a reservation was open."""

    key: str
    held: int
    perhaps_from: float
    perhaps_to: float
    surely_from: float
    surely_to: float


def spans(history: History, stored: Stored) -> dict[Counter, list[Open]]:
    """Return how long every reservation was open, by counter, in the order they may have opened."""
    holds: dict[tuple[str, str], list[Call]] = defaultdict(list)
    closing: dict[tuple[str, str], list[Call]] = defaultdict(list)
    for call in history.calls:
        if call.what is What.HOLD:
            holds[call.customer, call.key].append(call)
        elif call.what in {What.SETTLE, What.RELEASE}:
            closing[call.customer, call.key].append(call)
    ends = {(call.customer, call.feature, call.reset_at) for calls in holds.values() for call in calls if call.reset_at}
    found: dict[Counter, list[Open]] = defaultdict(list)
    for each in stored.holds:
        made, closed = holds.get((each.customer, each.key), []), closing.get((each.customer, each.key), [])
        if not made:
            continue
        answers = [call for call in made if call.fate is Fate.DONE]
        done = [call.ended for call in closed if call.fate is Fate.DONE]
        span = Open(
            each.key,
            each.held,
            min(call.began for call in made),
            min([*done, history.times.certainly_reached(each.expires_at) + ROUNDING]),
            min((call.ended for call in answers), default=inf),
            min([*(c.began for c in closed), history.times.perhaps_reached(each.expires_at) - ROUNDING]),
        )
        # Nobody was told which period a reservation without an answer is in: it may be any of those that were seen.
        own = {(call.customer, call.feature, call.reset_at) for call in answers[:1] if len(made) == 1}
        for counter in own or {end for end in ends if end[:2] == (each.customer, each.feature)}:
            found[Counter(*counter)].append(span)
    return {counter: sorted(opened, key=lambda span: span.perhaps_from) for counter, opened in found.items()}


class Opened:
    """The reservations of one counter."""

    def __init__(self, opened: Sequence[Open] = ()) -> None:
        self._spans = opened
        self._starts = [span.perhaps_from for span in opened]
        self._reach = list(accumulate((span.perhaps_to for span in opened), max))

    def during(self, call: Call) -> Iterator[Open]:
        """Return those that may have been open while a call was under way."""
        index = bisect_right(self._starts, call.ended)
        while index and self._reach[index - 1] >= call.began:
            index -= 1
            if self._spans[index].perhaps_to >= call.began:
                yield self._spans[index]


def unfounded(history: History, stored: Stored) -> list[str]:
    """Return the refusals that nothing explains."""
    opened = {counter: Opened(each) for counter, each in spans(history, stored).items()}
    events = _sent(history, stored)
    evidence = []
    for call in history.calls:
        if call.fate is not Fate.REFUSED:
            continue
        bound = history.bounds[call.feature]
        if bound.amount is None or not bound.hard:
            evidence.append(f"there is no hard limit: {call}")
            continue
        if not call.reset_at:
            evidence += _unexplained(call, bound.amount, events)
            continue
        if call.remaining is not None and call.remaining >= call.count and call.what is not What.SETTLE:
            evidence.append(f"refused although {call.remaining} were left: {call}")
        room = bound.amount - call.used - call.count  # reservations aside
        mine = opened.get(call.counter, Opened()).during(call) if room >= 0 else ()
        most = sum(span.held for span in mine if span.key != call.key)
        if most <= room:
            evidence.append(f"{room} would be left, at most {most} were reserved: {call}")
    return evidence


Sent = dict[tuple[str, str], dict[float, tuple[list[float], list[int]]]]


def _sent(history: History, stored: Stored) -> Sent:
    """When what is stored was sent at the earliest, and what it came to by then: by customer, feature and period."""
    began: dict[tuple[str, str], float] = {}
    for call in history.calls:
        key = (call.customer, call.key)
        began[key] = min(call.began, began.get(key, inf))
    pairs: dict[tuple[str, str, float], list[tuple[float, int]]] = defaultdict(list)
    for event in stored.events:
        first = began.get((event.customer, event.key or ""), 0.0)
        pairs[event.customer, event.feature, event.period].append((first, event.count))
    found: Sent = defaultdict(dict)
    for (customer, feature, period), each in pairs.items():
        each.sort()
        found[customer, feature][period] = [first for first, _ in each], list(accumulate(count for _, count in each))
    return found


def _unexplained(call: Call, amount: int, sent: Sent) -> list[str]:
    """Return what is wrong with a refusal that does not say how far the counter stood, in whichever period."""
    most = 0
    for began, sums in sent.get((call.customer, call.feature), {}).values():
        index = bisect_right(began, call.ended)
        most = max(most, sums[index - 1] if index else 0)
    return [] if most + call.count > amount else [f"at most {most} of {amount} were used: {call}"]


def overfull(history: History, stored: Stored) -> list[str]:
    """Return the moments at which used and reserved together were certainly above a hard limit."""
    opened = {counter: Opened(each) for counter, each in spans(history, stored).items()}
    evidence = []
    for call in history.calls:
        bound = history.bounds[call.feature]
        mine = opened.get(call.counter)
        if mine is None or call.fate is not Fate.DONE or bound.amount is None or not bound.hard:
            continue
        least = sum(
            span.held
            for span in mine.during(call)
            if span.surely_from <= call.began and span.surely_to >= call.ended and span.key != call.key
        )
        if call.used + least > bound.amount:
            evidence.append(f"{call.used} used and at least {least} reserved of {bound.amount}: {call}")
    return evidence
