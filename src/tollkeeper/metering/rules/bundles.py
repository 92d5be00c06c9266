"""What bundles come to, decided after what came before them. Pure, like all deciding."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from tollkeeper.metering.model import (
    ADDITIVE,
    Aggregation,
    Bundle,
    CounterKey,
    Entry,
    ReservationState,
    Standing,
    Tally,
    Verdict,
)

from .deciding import Decision, Known, _Run
from .further import measure_of, short_by

_ADMITTED, _REPEATED = Verdict.ADMITTED, Verdict.REPEATED
_NEW = Standing()


@dataclass(slots=True)
class BundleDecision:
    """What bundles come to: a tally each; `kept` entries are to be recorded, and all that `rest` says."""

    tallies: list[Tally]
    kept: list[tuple[Bundle, Sequence[Entry]]]
    rest: Decision


def decide_bundles(bundles: Sequence[Bundle], standing: Mapping[CounterKey, Standing], known: Known) -> BundleDecision:
    """Decide bundles in order, each entry in its place; arguments as of `decide`."""
    run = _BundleRun(standing, known)
    for each in known.expired:
        run.close(each, ReservationState.EXPIRED)
    tallies = [run.at_once(bundle) or run.one_by_one(bundle) for bundle in bundles]
    return BundleDecision(tallies, run.kept, run.decision([]))


class _BundleRun(_Run):
    """Bundles being decided: whole where nothing depends on the order within, else by the rules of single requests."""

    def __init__(self, standing: Mapping[CounterKey, Standing], known: Known) -> None:
        super().__init__(standing, known)
        self.kept: list[tuple[Bundle, Sequence[Entry]]] = []
        self._keys_of: dict[tuple[UUID, int], set[object]] = {}
        """The keys seen, by organization and meter; what `_keys` has is in it, but not the other way round."""

    def at_once(self, bundle: Bundle) -> Tally | None:
        """Decide a bundle that only adds up and fits whole without reaching a threshold; None: it is not such a one."""
        before = self.standing.get(bundle.counter) or _NEW
        further = before.since is not None or before.by_member
        if bundle.like.aggregation not in ADDITIVE or not bundle.entries or further:
            return None
        seen = self._seen_keys(bundle)
        fresh, keys, verdicts = _fresh(bundle.entries, seen)
        counted = bundle.like.aggregation is Aggregation.COUNT
        after = before.used + (len(fresh) if counted else sum([each[0] for each in fresh]))
        if not _is_quiet(bundle, before, after):
            return None
        now = before
        if fresh:
            seen |= keys
            told_limit = measure_of(bundle.like.limit, before) or before.told_limit
            now = self.standing[bundle.counter] = before._replace(used=after, told_limit=told_limit)
            self.moved.add(bundle.counter)
            self.kept.append((bundle, fresh))
        return Tally(verdicts, after, before.reserved, now)

    def one_by_one(self, bundle: Bundle) -> Tally:
        """Decide a bundle entry by entry."""
        organization_id, meter_id = bundle.counter[:2]
        known = self._keys_of.pop((organization_id, meter_id), ())
        self._keys |= {(organization_id, meter_id, key) for key in known}
        outcomes = [self.take(each) for each in bundle.consumptions()]
        last = outcomes[-1]
        return Tally([each.verdict for each in outcomes], last.used, last.reserved, last.counted)

    def _seen_keys(self, bundle: Bundle) -> set[object]:
        of = bundle.counter[:2]
        if of not in self._keys_of:
            self._keys_of[of] = {key for *others, key in self._keys if tuple(others) == of}
        return self._keys_of[of]


def _fresh(entries: Sequence[Entry], seen: set[object]) -> tuple[Sequence[Entry], set[object], list[Verdict]]:
    """Return the entries whose key is new, the new keys, and a verdict an entry."""
    keys: set[object] = {each[2] for each in entries}
    if len(keys) == len(entries) and None not in keys and keys.isdisjoint(seen):
        return entries, keys, [_ADMITTED] * len(entries)  # the usual case
    new: set[object] = set()
    fresh, verdicts = [], []
    for entry in entries:
        key = entry[2]
        repeated = key is not None and (key in seen or key in new)
        verdicts.append(_REPEATED if repeated else _ADMITTED)
        if not repeated:
            fresh.append(entry)
            if key is not None:
                new.add(key)
    return fresh, new, verdicts


def _is_quiet(bundle: Bundle, before: Standing, after: int) -> bool:
    """Whether everything fits and nobody is to be told of it."""
    limit = bundle.like.limit
    amount = measure_of(limit, before)
    if short_by(before, after, limit):
        return False
    if not amount:
        return True
    if before.told and before.told_limit != amount:
        return False
    reached = next((each for each in limit.thresholds if each > before.told), None)
    return reached is None or after * 100 < reached * amount
