"""Linearizability: is there one order of all calls on a counter that explains every answer and every moment?

A counter only grows, and every answer says how far it stood. So the order of what counted is given by the answers
themselves: each count has a place, `used` after it. What is left to show is that the places fit together without gap
or overlap, that counts whose caller got no answer fill the gaps, and that no call was answered before one sent after
it that has an earlier place. That decides the question completely, in the time of sorting.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from math import inf

SEARCH_STEPS = 100_000


@dataclass(frozen=True, slots=True, order=True)
class Write:
    """A count whose place is known: the counter stood at `place` after it."""

    place: int
    count: int
    began: float
    ended: float
    words: str


@dataclass(frozen=True, slots=True, order=True)
class Read:
    """An answer that saw the counter at `place` and did not move it."""

    place: int
    began: float
    ended: float
    words: str


@dataclass(frozen=True, slots=True)
class Loose:
    """A count that is stored and whose place nobody was told."""

    count: int
    began: float
    ended: float
    words: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Places nobody was told of, and the moments between which they were taken."""

    after: int
    size: int
    latest_before: float
    """The latest moment at which a count with an earlier place was sent."""
    earliest_after: float
    """The earliest moment at which a count with a later place was answered."""


def faults(writes: Sequence[Write], reads: Sequence[Read], loose: Sequence[Loose], total: int) -> list[str]:
    """Return why there is no such order; empty when there is one. `total` is what the stored events come to."""
    ordered = sorted(writes)
    found = [
        f"two counts overlap: {first.words} | {second.words}"
        for first, second in pairwise(ordered)
        if second.place - second.count < first.place
    ]
    last = ordered[-1].place if ordered else 0
    if last > total:
        found.append(f"answered up to {last}, stored {total}: {ordered[-1].words}")
    gaps = _gaps(ordered, total)
    found += _unfilled(gaps, loose)
    return found + _against_time(ordered, sorted(reads), gaps)


def _gaps(ordered: Sequence[Write], total: int) -> list[Gap]:
    earliest = [inf] * (len(ordered) + 1)
    for index in range(len(ordered) - 1, -1, -1):
        earliest[index] = min(earliest[index + 1], ordered[index].ended)
    gaps, before, latest = [], 0, -inf
    for index, each in enumerate(ordered):
        if (size := each.place - each.count - before) > 0:
            gaps.append(Gap(before, size, latest, earliest[index]))
        before, latest = max(before, each.place), max(latest, each.began)
    if total > before:
        gaps.append(Gap(before, total - before, latest, inf))
    return gaps


def _unfilled(gaps: Sequence[Gap], loose: Sequence[Loose]) -> list[str]:
    size, there = sum(gap.size for gap in gaps), sum(each.count for each in loose)
    if size != there:
        words = "; ".join(each.words for each in loose[:5])
        return [f"{size} were counted that nobody was told of, {there} are stored without an answer ({words})"]
    budget = [SEARCH_STEPS]
    if _fill(list(gaps), sorted(loose, key=lambda each: (each.ended, each.began)), budget) or budget[0] <= 0:
        return []
    words = "; ".join(f"{gap.size} after {gap.after}" for gap in gaps[:5])
    return [f"calls without an answer do not fit where counts nobody was told of must lie: {words}"]


def _fill(gaps: list[Gap], loose: list[Loose], budget: list[int]) -> bool:
    """Whether these fill the gaps exactly, each at a moment it can have been counted; earliest answered first."""
    if not gaps:
        return not loose
    gap = gaps[0]
    fitting = [each for each in loose if each.began <= gap.earliest_after and each.ended >= gap.latest_before]

    def choose(size: int, start: int, chosen: list[Loose]) -> bool:
        budget[0] -= 1
        if budget[0] <= 0:
            return False
        if not size:
            rest = list(loose)
            for each in chosen:
                rest.remove(each)
            return _fill(gaps[1:], rest, budget)
        return any(
            choose(size - fitting[index].count, index + 1, [*chosen, fitting[index]])
            for index in range(start, len(fitting))
            if fitting[index].count <= size
        )

    return choose(gap.size, 0, [])


def _against_time(ordered: Sequence[Write], reads: Sequence[Read], gaps: Sequence[Gap]) -> list[str]:
    """Return the calls that were answered before a call with an earlier place was sent, and numbers that never were."""
    found: list[str] = []
    places = {0, *(each.place for each in ordered)}
    hidden = [(gap.after, gap.after + gap.size) for gap in gaps]
    latest: Write | Read | None = None
    steps: list[Write | Read] = sorted([*ordered, *reads], key=_step)
    for (place, is_read), group in groupby(steps, key=_step):
        together = list(group)
        if latest is not None:
            words = latest.words
            early = [each for each in together if each.ended < latest.began]
            found += [f"answered before what it comes after was sent: {each.words} | {words}" for each in early]
        if is_read and place not in places and not any(low < place <= high for low, high in hidden):
            found.append(f"the counter never stood at {place}: {together[0].words}")
        newest = max(together, key=lambda each: each.began)
        latest = newest if latest is None or newest.began > latest.began else latest
    return found


def _step(each: Write | Read) -> tuple[int, bool]:
    """What moves a counter to a place comes before everything that saw it there."""
    return each.place, isinstance(each, Read)
