"""Gathering what a call brings into bundles, one a counter, remembering where each entry came from."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from tollkeeper.gate.model import Access
from tollkeeper.gate.rules import CLOCK_SKEW
from tollkeeper.gate.service import Gate
from tollkeeper.kit import Actor
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


class Decided(NamedTuple):
    """What became of one entry."""

    place: int
    feature: str
    verdict: Verdict


class Gathering:
    """What one call brings."""

    def __init__(self, gate: Gate, actor: Actor, now: datetime) -> None:
        self._gate = gate
        self._actor = actor
        self._now = now
        self._piles: dict[tuple[CounterKey, Limit, UUID | None], Pile] = {}

    def pile(self, access: Access, feature: str, member: UUID | None = None) -> Pile:
        """Return the pile of a feature's present period.

        Raises:
            UnknownFeatureError: there is no such metered feature.
        """
        _, period, like = self._gate.consumption(self._actor, access, feature, 1, key=None, at=None, member=member)
        return self._of(Pile(feature, like, period.start, self._now + CLOCK_SKEW))

    async def add_other(
        self, access: Access, feature: str, place: int, entry: Entry, member: UUID | None = None
    ) -> None:
        """Add what did not happen in the present period.

        Raises:
            TollkeeperError: the period it belongs to takes nothing more, or is yet to come.
        """
        access, late = await self._gate.measured_by(access, feature, entry.at)
        _, period, like = self._gate.consumption(
            self._actor, access, feature, 1, key=None, at=entry.at, late=late, member=member
        )
        self._of(Pile(feature, like, period.start, period.end)).add(place, entry)

    def _of(self, fresh: Pile) -> Pile:
        return self._piles.setdefault((fresh.like.counter, fresh.like.limit, fresh.like.member_id), fresh)

    async def decided(self) -> list[Decided]:
        """Have everything decided and recorded; return what became of it, in no order that matters.

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
            for place, verdict in zip(pile.places, tally.verdicts, strict=True)
        ]
