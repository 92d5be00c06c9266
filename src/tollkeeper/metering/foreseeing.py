"""Batches decided before the database is asked: by what the same writer left its counters at a moment ago.

A counter that nobody else moved stands where it was left, so its batch needs one round trip instead of two: it is
decided in memory, and the database checks, under the counters' locks and before anything counts, that they stand as
foreseen. Where one does not, the whole transaction fails, and the batch is decided again the usual way. So admission is
as exact as ever; what is saved is the wait for the locks. Only plain usage is foreseen: no reservations, windows,
members' shares or unique values, and nothing that would be refused.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime

from psycopg import errors as pg

from . import rules, service, store
from .model import Aggregation, Consumption, CounterKey, Crossing, Outcome, Request, Standing, Verdict

MAX_KEPT = 50_000
LONGEST_REST = 256
MISSED = (pg.DivisionByZero, pg.UniqueViolation)
"""What the database answers when something was not as foreseen: a counter moved, or a key was recorded before."""

_NOTHING = rules.Known()


class Foresight:
    """One writer's memory of its counters; every batch it commits goes through here.

    After a miss it rests for twice as many batches as the time before, so that counters which several writers share
    cost hardly more than without it.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[CounterKey, Standing] = OrderedDict()
        self._pending: Mapping[CounterKey, Standing] = {}
        self._foreseen = False
        self._rest = 0
        self._next_rest = 1

    async def consume(
        self, connection: store.Connection, requests: Sequence[Request], now: datetime
    ) -> tuple[list[Outcome], list[Crossing]]:
        """Decide and record a batch as `service.consume` does; `committed` or `failed` is called afterwards.

        When something was not as foreseen, the caller's commit ends with one of `MISSED`; trying again then is safe.
        """
        standing = self._standing_of(requests)
        decision = rules.decide(requests, standing, _NOTHING) if standing else None
        if decision is None or any(each.verdict is Verdict.REFUSED for each in decision.outcomes):
            self._foreseen = False
            decision = await service.decide_and_record(connection, requests, now)
        else:
            self._foreseen = True
            await store.must_stand(connection, dict(sorted(standing.items())))
            await service.record(connection, decision)
        self._pending = decision.counters
        return decision.outcomes, decision.crossings

    def committed(self) -> None:
        """Remember what the batch left its counters at."""
        if self._foreseen:
            self._next_rest = 1
        for key, standing in self._pending.items():
            self._kept[key] = standing
            self._kept.move_to_end(key)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)

    def failed(self) -> None:
        """Forget everything: nobody knows what else moved."""
        self._kept.clear()
        if self._foreseen:
            self._rest, self._next_rest = self._next_rest, min(self._next_rest * 2, LONGEST_REST)

    def _standing_of(self, requests: Sequence[Request]) -> dict[CounterKey, Standing]:
        """Return what the counters of a batch are remembered to stand at; nothing when one cannot be foreseen."""
        if self._rest:
            self._rest -= 1
            return {}
        standing: dict[CounterKey, Standing] = {}
        for each in requests:
            if type(each) is not Consumption or each.terms is not None or each.aggregation is Aggregation.UNIQUE:
                return {}
            known = self._kept.get(each.counter)
            if known is None or known.reserved or known.since is not None or known.by_member or known.rolled:
                return {}
            standing[each.counter] = known
        return standing
