"""Gathering what a call brings into bundles, one a counter, remembering where each entry came from."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from tollkeeper.gate.model import Access, PeriodClosedError
from tollkeeper.gate.repeats import repeated
from tollkeeper.gate.rules import CLOCK_SKEW
from tollkeeper.gate.service import Gate
from tollkeeper.infra import Runtime
from tollkeeper.kit import Actor, TollkeeperError
from tollkeeper.metering import Bundle, Consumption, CounterKey, Entry, Limit, Tally, Verdict


class Pile:
    """Entries for one counter, and the places in the call they came from."""

    __slots__ = ("entries", "feature", "first", "last", "like", "places")

    def __init__(self, feature: str, like: Consumption, first: datetime, last: datetime) -> None:
        """What happened within `[first, last]` counts here."""
        self.feature = feature
        self.like = like
        self.first = first
        self.last = last
        self.entries: list[Entry] = []
        self.places: list[int] = []

    @property
    def now(self) -> datetime:
        """When something happened that does not say when."""
        return self.like.at

    def add(self, place: int, entry: Entry) -> None:
        """Add what came from a place in the call."""
        self.entries.append(entry)
        self.places.append(place)

    def take(self, entries: list[Entry]) -> None:
        """Add everything a call brought, in its order."""
        self.entries = entries
        self.places = list(range(len(entries)))


class Other(NamedTuple):
    """What does not belong to the present period of its feature."""

    access: Access
    feature: str
    place: int
    entry: Entry
    member: UUID | None = None


class Decided(NamedTuple):
    """What became of one entry."""

    place: int
    feature: str
    verdict: Verdict


class Gathering:
    """What one call brings."""

    def __init__(self, runtime: Runtime, actor: Actor) -> None:
        self._runtime = runtime
        self._gate = runtime.part(Gate)
        self._actor = actor
        self._now = runtime.clock.now()
        self._piles: dict[tuple[CounterKey, Limit, UUID | None], Pile] = {}

    def pile(self, access: Access, feature: str, member: UUID | None = None) -> Pile:
        """Return the pile of a feature's present period.

        Raises:
            UnknownFeatureError: there is no such metered feature.
        """
        _, period, like = self._gate.consumption(self._actor, access, feature, 1, key=None, at=None, member=member)
        return self._of(Pile(feature, like, period.start, self._now + CLOCK_SKEW))

    async def add_others(self, others: Iterable[Other]) -> list[tuple[Other, TollkeeperError | None]]:
        """Add what did not happen in the present period.

        Returns what was not added: with what is wrong, or None where it was recorded before its period closed.
        """
        wrong: list[tuple[Other, TollkeeperError | None]] = []
        closed: list[tuple[Other, PeriodClosedError]] = []
        for each in others:
            try:
                await self._add_other(each)
            except PeriodClosedError as error:
                closed.append((each, error))
            except TollkeeperError as error:
                wrong.append((each, error))
        named = [(each.access, each.feature, each.entry.idempotency_key) for each, _ in closed]
        known = await repeated(self._runtime, named)
        return wrong + [(each, None if place in known else error) for place, (each, error) in enumerate(closed)]

    async def _add_other(self, each: Other) -> None:
        at = each.entry.at
        access, late = await self._gate.measured_by(each.access, each.feature, at)
        _, period, like = self._gate.consumption(
            self._actor, access, each.feature, 1, key=None, at=at, late=late, member=each.member
        )
        self._of(Pile(each.feature, like, period.start, period.end)).add(each.place, each.entry)

    def _of(self, fresh: Pile) -> Pile:
        return self._piles.setdefault((fresh.like.counter, fresh.like.limit, fresh.like.member_id), fresh)

    async def decided(self, *, only: Verdict | None = None) -> list[Decided]:
        """Have everything decided and recorded; return what became of it, or `only` of some, in no order that matters.

        Raises:
            OverloadedError: too much is waiting; nothing was recorded.
        """
        piles = [pile for pile in self._piles.values() if pile.entries]
        if not piles:
            return []
        bundles = [Bundle(pile.like, pile.entries) for pile in piles]
        tallies: Sequence[Tally] = await self._gate.counters.arrays.submit(bundles)
        return [
            Decided(place, pile.feature, verdict)
            for pile, tally in zip(piles, tallies, strict=True)
            if only is None or only in tally.verdicts
            for place, verdict in zip(pile.places, tally.verdicts, strict=True)
            if only is None or verdict is only
        ]
