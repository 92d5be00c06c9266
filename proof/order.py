"""Linearizability: is there one order of all calls on a counter that explains every answer and every moment?

A counter only grows, and every answer says how far it stood. So the order of what counted is given by the answers
themselves: each count has a place, `used` after it. What is left to show is that the places fit together without gap
or overlap, that counts whose caller was told no place fill the gaps, and that no call was answered before one sent
after it that has an earlier place. For counts of one that decides the question completely; larger ones without a place
are tried in one order only, so that nothing is called broken that is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from math import inf

SEARCH_STEPS = 20_000


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
        return [f"{size} were counted that nobody was told of, {there} are stored without a place ({words})"]
    waiting = sorted(loose, key=lambda each: (each.ended, each.began))
    for gap in gaps:
        chosen = _fitting(gap, waiting)
        if chosen is None:
            # With counts of one, first come by the time it was answered is best; else other choices before may fit.
            only_ones = all(each.count == 1 for each in loose)
            return [f"nothing fits the {gap.size} after {gap.after} that nobody was told of"] if only_ones else []
        waiting = [each for each in waiting if each not in chosen]
    return []


def _fitting(gap: Gap, waiting: Sequence[Loose]) -> set[Loose] | None:
    """Return counts that fill a gap and can have happened then, those first that were answered first; None: none do."""
    there = [each for each in waiting if each.began <= gap.earliest_after and each.ended >= gap.latest_before]
    budget = [SEARCH_STEPS]

    def choose(size: int, start: int) -> list[Loose] | None:
        budget[0] -= 1
        if not size or budget[0] <= 0:
            return None if size else []
        for index in range(start, len(there)):
            rest = choose(size - there[index].count, index + 1) if there[index].count <= size else None
            if rest is not None:
                return [there[index], *rest]
        return None

    if all(each.count == 1 for each in there):
        return set(there[: gap.size]) if len(there) >= gap.size else None
    found = choose(gap.size, 0)
    return None if found is None else set(found)


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
