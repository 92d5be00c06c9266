"""The promises, each a check of what was seen against what is stored. Pure: returns evidence of what is broken."""

from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from . import order, refusals
from .history import Call, Counter, Event, Fate, History, Stored, What

EXPECTED = {
    (0, ""),
    (200, ""),
    (201, ""),
    (402, "quota_exceeded"),
    (503, "outcome_unknown"),
    (503, "database_unavailable"),
    (503, "overloaded"),
}
# A reservation that has gone when its caller comes: possible when an earlier try got no answer.
LATE = {(404, "reservation_not_found"), (409, "reservation_closed")}
WRITES = {What.TRACK, What.SETTLE}
LONGEST_PERIOD = 31.5 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check came to. `evidence` is empty when the promise held."""

    promise: str
    checked: int
    evidence: list[str]


@dataclass(slots=True)
class Facts:
    """What was seen and what is stored, arranged for the checks."""

    history: History
    stored: Stored
    calls: list[Call]
    by_key: dict[tuple[str, str, str], list[Call]]
    events: dict[tuple[str, str, str], list[Event]]
    periods: dict[Counter, set[float]]
    """When the period of each counter began, by the events acknowledged there."""


def arrange(history: History, stored: Stored) -> Facts:
    """Sort calls by what they are about; the tries of one call are in the order they were made."""
    by_key: dict[tuple[str, str, str], list[Call]] = defaultdict(list)
    events: dict[tuple[str, str, str], list[Event]] = defaultdict(list)
    for call in sorted(history.calls, key=lambda call: call.began):
        if call.key:
            by_key[call.customer, call.what if call.what is not What.RELEASE else What.SETTLE, call.key].append(call)
    for event in stored.events:
        if event.key is not None:
            events[event.customer, What.TRACK, event.key].append(event)
    facts = Facts(history, stored, history.calls, dict(by_key), dict(events), defaultdict(set))
    for key, tries in by_key.items():
        if key[1] is What.TRACK and tries[0].fate is Fate.DONE:
            facts.periods[tries[0].counter].update(event.period for event in events.get(key, ()))
    for held in stored.holds:
        tries = by_key.get((held.customer, What.HOLD, held.key), [])
        if tries and tries[0].fate is Fate.DONE:
            facts.periods[tries[0].counter].add(held.period)
    return facts


def every_answer_is_expected(facts: Facts) -> Finding:
    """No call gets an answer that a caller could not be prepared for."""
    evidence = []
    for call in facts.calls:
        allowed = EXPECTED | LATE if call.what in {What.SETTLE, What.RELEASE} else EXPECTED
        if (call.status, call.code) not in allowed:
            evidence.append(str(call))
    return Finding("every answer is one a caller is prepared for", len(facts.calls), evidence)


def acknowledged_is_stored(facts: Facts) -> Finding:
    """What was acknowledged stands there once; what stands there was acknowledged, or nobody was told."""
    evidence = []
    for key, tries in facts.by_key.items():
        if key[1] is not What.TRACK:
            continue
        found = facts.events.get(key, [])
        fates = {call.fate for call in tries}
        if Fate.DONE in fates and len(found) != 1:
            evidence.append(f"acknowledged, stored {len(found)} times: {tries[-1]}")
        elif len(found) > 1:
            evidence.append(f"stored {len(found)} times: {tries[-1]}")
        elif found and not fates & {Fate.DONE, Fate.UNKNOWN}:
            evidence.append(f"told that nothing was recorded, and it was: {tries[-1]}")
        evidence += [
            f"stored otherwise than sent ({event.count} {event.feature}): {tries[0]}"
            for event in found
            if (event.count, event.feature) != (tries[0].count, tries[0].feature)
        ]
    strange = [event for key, each in facts.events.items() if key not in facts.by_key for event in each]
    evidence += [f"nobody sent {event}" for event in strange]
    return Finding("acknowledged = stored, once", len(facts.events), evidence)


def reservations_are_kept(facts: Facts) -> Finding:
    """A reservation acknowledged is there; one settled is settled with that count, and counted once."""
    evidence = []
    there = {(held.customer, held.key): held for held in facts.stored.holds}
    for (customer, what, key), tries in facts.by_key.items():
        held = there.get((customer, key))
        if what is What.HOLD:
            fates = {call.fate for call in tries}
            if Fate.DONE in fates and held is None:
                evidence.append(f"acknowledged and not stored: {tries[-1]}")
            elif held is not None and not fates & {Fate.DONE, Fate.UNKNOWN}:
                evidence.append(f"told that nothing was recorded, and it was: {tries[-1]}")
        elif what is What.SETTLE:
            evidence += _closed_as_told(tries, (held.state, held.settled) if held else ("gone", None))
    counted = Tally((e.customer, e.feature, e.period, e.count) for e in facts.stored.events if e.key is None)
    settled = Tally((h.customer, h.feature, h.period, h.settled) for h in facts.stored.holds if h.settled)
    evidence += [f"settled and not counted: {each}" for each in (settled - counted)]
    evidence += [f"counted without being settled: {each}" for each in (counted - settled)]
    return Finding("reservations are kept, settled once", len(there), evidence)


def _closed_as_told(tries: Sequence[Call], found: tuple[str, int | None]) -> list[str]:
    done = [call for call in tries if call.fate is Fate.DONE]
    told = {("settled", call.count) if call.what is What.SETTLE else ("released", None) for call in done}
    expired = call_may_be_late(tries) and found[0] == "expired"
    return [f"stored as {found}: {call}" for call in done[:1] if told != {found} and not expired]


def call_may_be_late(tries: Sequence[Call]) -> bool:
    """Whether these calls gave back something: giving back what has expired is no news, and stays expired."""
    return all(call.what is What.RELEASE for call in tries)


def counters_replay(facts: Facts) -> Finding:
    """A counter is what its events come to, and what its open reservations hold."""
    used: Tally[tuple[str, str, float]] = Tally()
    reserved: Tally[tuple[str, str, float]] = Tally()
    for event in facts.stored.events:
        used[event.customer, event.feature, event.period] += event.count
    for held in facts.stored.holds:
        if held.state == "held":
            reserved[held.customer, held.feature, held.period] += held.held
    evidence = [
        f"{key}: counted {counted}, events and reservations come to {(used[key], reserved[key])}"
        for key in {*facts.stored.counters, *used, *reserved}
        if (counted := facts.stored.counters.get(key, (0, 0))) != (used[key], reserved[key])
    ]
    return Finding("counters = events", len(facts.stored.counters), evidence)


def limits_hold(facts: Facts) -> Finding:
    """No counter ends above a hard limit, and no answer ever showed one there."""
    bounds = facts.history.bounds
    hard = {name: bound.amount for name, bound in bounds.items() if bound.hard and bound.amount is not None}
    evidence = [
        f"{key} stands at {used} of {hard[key[1]]}"
        for key, (used, _) in facts.stored.counters.items()
        if key[1] in hard and used > hard[key[1]]
    ]
    evidence += [str(call) for call in facts.calls if call.feature in hard and call.used > hard[call.feature]]
    evidence += refusals.overfull(facts.history, facts.stored)
    return Finding("never over a hard limit", len(facts.stored.counters), evidence)


def answers_have_an_order(facts: Facts) -> Finding:
    """One order of all calls on a counter explains every answer and every moment (linearizability)."""
    writes, reads, known = _placed(facts)
    loose = _loose(facts, known)
    totals: Tally[tuple[str, str, float]] = Tally()
    for event in facts.stored.events:
        totals[event.customer, event.feature, event.period] += event.count
    evidence, seen = [], 0
    for counter in {*writes, *reads}:
        periods = facts.periods.get(counter) or _likely_period(facts, counter)
        if len(periods) > 1:
            evidence.append(f"{counter}: counted in {len(periods)} periods at once")
            continue
        key = (counter.customer, counter.feature, next(iter(periods), -1.0))
        mine, saw = writes.get(counter, []), reads.get(counter, [])
        seen += len(mine) + len(saw)
        evidence += [f"{counter}: {words}" for words in order.faults(mine, saw, loose.get(key, []), totals[key])]
    return Finding("one order explains every answer (linearizable)", seen, evidence)


def _likely_period(facts: Facts, counter: Counter) -> set[float]:
    """Return the stored period that ends where a counter does, when no first answer tells it; periods are months."""
    begun = (each[2] for each in facts.stored.counters if each[:2] == (counter.customer, counter.feature))
    fitting = [start for start in begun if counter.reset_at - LONGEST_PERIOD <= start < counter.reset_at]
    return {max(fitting)} if fitting else set()


Placed = tuple[dict[Counter, list[order.Write]], dict[Counter, list[order.Read]], set[tuple[str, str, str]]]


def _placed(facts: Facts) -> Placed:
    """Return the counts with a known place, everything that saw a counter, and the keys of the former."""
    writes: dict[Counter, list[order.Write]] = defaultdict(list)
    reads: dict[Counter, list[order.Read]] = defaultdict(list)
    known = set()
    counting: dict[int, tuple[str, str, str]] = {}
    for key, tries in facts.by_key.items():
        first = next((call for call in tries if call.fate in {Fate.DONE, Fate.UNKNOWN}), None)
        # Whoever asks again after no answer may be told of the first time; then the place is not known.
        if first is not None and first.what in WRITES and first.fate is Fate.DONE and first.count:
            counting[id(first)] = key
    for call in facts.calls:
        if call.fate not in {Fate.DONE, Fate.REFUSED} or not call.reset_at:
            continue
        if id(call) in counting:
            writes[call.counter].append(order.Write(call.used, call.count, call.began, call.ended, str(call)))
            known.add(counting[id(call)])
        else:
            reads[call.counter].append(order.Read(call.used, call.began, call.ended, str(call)))
    return writes, reads, known


def _loose(facts: Facts, known: set[tuple[str, str, str]]) -> dict[tuple[str, str, float], list[order.Loose]]:
    """Return what is stored and whose place is not known, by customer, feature and period."""
    found: dict[tuple[str, str, float], list[order.Loose]] = defaultdict(list)
    counted = [
        (e.customer, What.TRACK, e.key or "", e.feature, e.period, e.count) for e in facts.stored.events if e.key
    ]
    counted += [
        (h.customer, What.SETTLE, h.key, h.feature, h.period, h.settled) for h in facts.stored.holds if h.settled
    ]
    for customer, what, name, feature, period, count in counted:
        key = (customer, what, name)
        tries = facts.by_key.get(key)
        if key in known or not tries:
            continue
        done = [call.ended for call in tries if call.fate is Fate.DONE]
        ended = min(done, default=float("inf"))
        found[customer, feature, period].append(order.Loose(count, tries[0].began, ended, str(tries[0])))
    return found


def refusals_are_right(facts: Facts) -> Finding:
    """A refusal only where the limit could really be reached at some moment while the call was under way."""
    refused = [call for call in facts.calls if call.fate is Fate.REFUSED]
    return Finding("never a false block", len(refused), refusals.unfounded(facts.history, facts.stored))


def periods_are_current(facts: Facts) -> Finding:
    """No call is answered for a period that was over for every process before the call was sent."""
    times, seen, evidence = facts.history.times, 0, []
    for call in facts.calls:
        if call.reset_at and call.what in {What.TRACK, What.HOLD, What.CHECK}:
            seen += 1
            if times.certainly(call.began) > call.reset_at:
                evidence.append(f"over {times.certainly(call.began) - call.reset_at:.1f} s before: {call}")
    return Finding(f"a reset is obeyed by every process within {times.heard_within:g} s", seen, evidence)


def thresholds_are_told_once(facts: Facts) -> Finding:
    """Every threshold that usage reached was told once, and no other; at the very count that reached it."""
    evidence, bounds = [], facts.history.bounds
    told = Tally((t.customer, t.feature, t.period, t.percent) for t in facts.stored.told)
    due = {
        (*key, percent)
        for key, (used, _) in facts.stored.counters.items()
        for percent in facts.history.thresholds
        if (limit := bounds[key[1]].amount) and used * 100 >= percent * limit
    }
    evidence += [f"told {told[each]} times: {each}" for each in due if told[each] != 1]
    evidence += [f"told and not reached: {each}" for each in told if each not in due]
    biggest = {
        key: max((event.count for event in events), default=0)
        for key, events in groupby(
            sorted(facts.stored.events, key=_counter_of),
            key=_counter_of,
        )
    }
    for each in facts.stored.told:
        before = each.used - biggest.get((each.customer, each.feature, each.period), 0)
        if not before * 100 < each.percent * each.limit <= each.used * 100:
            evidence.append(f"told at the wrong count: {each}")
    if facts.stored.untold:
        evidence.append(f"{facts.stored.untold} were noted and are still not told")
    return Finding("thresholds are told exactly once", len(due), evidence)


def _counter_of(event: Event) -> tuple[str, str, float]:
    return event.customer, event.feature, event.period


CHECKS: list[Callable[[Facts], Finding]] = [
    every_answer_is_expected,
    acknowledged_is_stored,
    reservations_are_kept,
    counters_replay,
    limits_hold,
    refusals_are_right,
    answers_have_an_order,
    periods_are_current,
    thresholds_are_told_once,
]


def judge(history: History, stored: Stored) -> list[Finding]:
    """Hold everything that was seen against everything that is stored."""
    facts = arrange(history, stored)
    return [check(facts) for check in CHECKS]


def broken(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that are violations."""
    return [each for each in findings if each.evidence]
