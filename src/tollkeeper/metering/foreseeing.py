"""Batches decided before the database is asked: by what the same writer left its counters at a moment ago.

A counter that nobody else moved stands where it was left, so its batch needs one statement instead of a transaction of
several: it is decided in memory, and the database moves the counters only if they stand as foreseen. Where one does
not, nothing is written, and the batch is decided again the usual way. So admission is as exact as ever; what is saved
is the wait for the locks. Only plain usage is foreseen: no reservations, windows, members' shares or unique values, and
nothing that would be refused or has a threshold told.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from psycopg import errors as pg

from . import rules, store
from .model import Aggregation, Bundle, Consumption, CounterKey, Outcome, Request, Standing, Tally, Verdict

MAX_KEPT = 50_000
LONGEST_REST = 256

_NOTHING = rules.Known()


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a batch comes to if its counters stand at `before`, in key order."""

    before: Mapping[CounterKey, Standing]
    decision: rules.Decision

    @property
    def outcomes(self) -> Sequence[Outcome]:
        """One outcome a request."""
        return self.decision.outcomes


@dataclass(frozen=True, slots=True)
class ForeseenBundles:
    """The same of bundles."""

    before: Mapping[CounterKey, Standing]
    decision: rules.BundleDecision

    @property
    def tallies(self) -> Sequence[Tally]:
        """One tally a bundle."""
        return self.decision.tallies


class Foresight:
    """One writer's memory of its counters; it is told of every batch that was committed, however it was decided.

    After a miss it rests for twice as many batches as the time before, so that counters which several writers share
    cost hardly more than without it.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[CounterKey, Standing] = OrderedDict()
        self._rest = 0
        self._next_rest = 1

    def foresee(self, requests: Sequence[Request]) -> Foreseen | None:
        """Decide a batch without asking; None when that cannot be done."""
        if any(type(each) is not Consumption for each in requests):
            return None
        standing = self._standing_of(requests)  # type: ignore[arg-type]
        decision = rules.decide(requests, standing, _NOTHING) if standing else None
        if decision is None or not _is_plain(decision, standing):
            return None
        if any(each.verdict is Verdict.REFUSED for each in decision.outcomes):
            return None
        return Foreseen({key: standing[key] for key in decision.counters} if len(standing) > 1 else standing, decision)

    def foresee_bundles(self, bundles: Sequence[Bundle]) -> ForeseenBundles | None:
        """Decide bundles without asking, and take it that they are committed; None when that cannot be done.

        What is foreseen next builds on them, so `forget` has to be called when they are not. Only such are foreseen as
        are decided whole.
        """
        standing = self._standing_of([each.like for each in bundles])
        decision = rules.decide_bundles(bundles, standing, _NOTHING) if standing else None
        if decision is None or decision.rest.admitted or not _is_plain(decision.rest, standing):
            return None
        if any(Verdict.REFUSED in each.verdicts for each in decision.tallies):
            return None
        self.remember(decision.rest.counters)
        return ForeseenBundles({key: standing[key] for key in decision.rest.counters}, decision)

    async def record(
        self, connection: store.Connection, foreseen: ForeseenBundles, turn: Callable[[], Awaitable[None]]
    ) -> None:
        """Record bundles that were foreseen, inside the caller's open transaction; they count when the caller commits.

        Args:
            connection: not in pipeline mode.
            foreseen: from `foresee_bundles`.
            turn: returns once all that was foreseen before has been committed or given up. The events are copied by
                then; whose keys are unique, and what the counters stand at, can only be seen after.

        Raises:
            NotAsForeseenError: something was otherwise; the transaction is to be undone, and nothing is foreseen for a
                while.
        """
        try:
            named = await store.copy_events(connection, foreseen.decision.kept)
            await turn()
            await store.copy_keys(connection, named)
            await store.move_counters(connection, foreseen.before, foreseen.decision.rest.counters)
        except (store.NotAsForeseenError, pg.UniqueViolation) as error:
            self._missed()
            raise store.NotAsForeseenError from error
        self._next_rest = 1

    async def commit(
        self, connection: store.Connection, foreseen: Foreseen, meanwhile: Callable[[], None] = lambda: None
    ) -> None:
        """Record a batch that was foreseen; it is committed when this returns.

        Args:
            connection: outside a transaction.
            foreseen: from `foresee`, nothing else having been committed since.
            meanwhile: called while the database works; what it does must be worth nothing if the batch fails.

        Raises:
            NotAsForeseenError: something was otherwise, so nothing was written; nothing is foreseen for a while.
        """
        decision = foreseen.decision
        try:
            await store.move_foreseen(connection, foreseen.before, decision.counters, decision.admitted, meanwhile)
        except store.NotAsForeseenError:
            self._missed()
            raise
        self._next_rest = 1
        self.remember(decision.counters)

    def remember(self, counters: Mapping[CounterKey, Standing]) -> None:
        """Keep in mind what a batch that was committed left its counters at."""
        for key, standing in counters.items():
            self._kept[key] = standing
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)

    def forget(self) -> None:
        """Forget everything: nobody knows what else moved."""
        self._kept.clear()

    def _missed(self) -> None:
        self.forget()
        self._rest, self._next_rest = self._next_rest, min(self._next_rest * 2, LONGEST_REST)

    def _standing_of(self, requests: Sequence[Consumption]) -> dict[CounterKey, Standing]:
        """Return what the counters of a batch are remembered to stand at; nothing when one cannot be foreseen."""
        if self._rest:
            self._rest -= 1
            return {}
        standing: dict[CounterKey, Standing] = {}
        for each in requests:
            if each.terms is not None or each.aggregation is Aggregation.UNIQUE:
                return {}
            known = self._kept.get(each.counter)
            if known is None or known.reserved or known.since is not None or known.by_member or known.rolled:
                return {}
            standing[each.counter] = known
        return standing


def _is_plain(decision: rules.Decision, standing: Mapping[CounterKey, Standing]) -> bool:
    """Whether nobody is to be told of it and every counter moves: what one that does not stands at is not looked at."""
    return not decision.crossings and len(decision.counters) == len(standing)
