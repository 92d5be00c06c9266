"""The running imitation: store, clock and public address, and the only places where work commits."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stripe_twin.core.clock import Clock
from stripe_twin.core.json import Json, compact
from stripe_twin.core.kinds import KINDS
from stripe_twin.core.misdelivery import Misdelivery, read
from stripe_twin.core.store import Store
from stripe_twin.core.unit import Cause, Unit

log = logging.getLogger("stripe_twin")
_TICK_SECONDS = 0.5
_ANSWERS_KEPT_SECONDS = 86_400
_SETBACK_SECONDS = 3_600
_LONGEST_DELIVERY_SECONDS = 15


class Twin:
    """One imitation. Requests, page posts and due moments all run through `work`."""

    def __init__(self, directory: Path, public_url: str) -> None:
        self.store = Store(directory)
        self.clock = Clock(float(self.store.setting("clock_offset") or 0))
        self.public_url = public_url
        self.committed = asyncio.Event()
        self.keys_in_use: set[str] = set()
        self.latency_seconds = 0.0
        self.misdelivery = read(self.store.setting("misdelivery") or "{}")

    def close(self) -> None:
        """Release the store."""
        self.store.close()

    def reading(self) -> Unit:
        """A unit that only looks."""
        return Unit(self.store, self.clock.now(), self.public_url)

    @contextmanager
    def work(self, cause: Cause | None = None, now: float | None = None) -> Iterator[Unit]:
        """A unit whose changes, events and queued deliveries commit together, or not at all on an exception."""
        moment = self.clock.now() if now is None else now
        unit = Unit(self.store, moment, self.public_url, cause, self.misdelivery)
        with self.store.transaction():
            yield unit
            unit.flush()
        self.committed.set()

    def misdeliver(self, how: Misdelivery) -> None:
        """From now on deliveries go wrong in this way; kept over a restart."""
        with self.store.transaction():
            self.store.save_setting("misdelivery", compact(how.shown))
        self.misdelivery = how
        self.committed.set()

    # time

    async def keep_time(self) -> None:
        """Forever: do what has become due."""
        while True:
            await self.catch_up(self.clock.now())
            self.store.forget_answers(self.clock.now() - _ANSWERS_KEPT_SECONDS)
            await asyncio.sleep(_TICK_SECONDS)

    async def catch_up(self, until: float) -> None:
        """Do everything that was due up to that moment, each at its own moment and in order."""
        while (due := self.store.next_due(until)) is not None:
            moment, document = due
            self._attend(moment, document)
            await asyncio.sleep(0)

    def _attend(self, moment: int, document: Json) -> None:
        try:
            self._take_turn(moment, document)
        except Exception:
            log.exception("due work on %s failed; trying again in an hour", document["id"])
            with self.store.transaction():
                self.store.put(document, moment + _SETBACK_SECONDS)

    def _take_turn(self, moment: int, document: Json) -> None:
        kind = KINDS[document["object"]]
        if kind.due is None or kind.on_due is None:
            raise LookupError(f"{kind.name} has nothing to do when due")
        with self.work(now=moment) as unit:
            kind.on_due(unit, document)
        left = self.store.get(document["id"])
        if left and kind.due(left) == moment:
            raise RuntimeError(f"{document['id']} is still due at {moment} after its turn")

    async def advance(self, seconds: float, *, deliver: bool = False) -> float:
        """Move virtual time forward, doing what becomes due on the way; the new virtual time.

        deliver: also stop at each delivery's moment until it was tried, so that retries take place when they are due
        and not all at the end.
        """
        offset = self.clock.offset + seconds
        while deliver and (moment := self.store.next_delivery_at()) is not None:
            if moment > self.clock.wall() + offset:
                break
            await self._advance(max(0.0, moment - self.clock.now()))
            await self._delivered()
        await self._advance(max(0.0, offset - self.clock.offset))
        return self.clock.now()

    async def _advance(self, seconds: float) -> None:
        await self.catch_up(self.clock.now() + seconds)
        self.clock.advance(seconds)
        self.store.save_setting("clock_offset", str(self.clock.offset))
        self.committed.set()

    async def _delivered(self) -> None:
        """Wait until nothing is due for delivery; no longer than a hanging endpoint can take."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST_DELIVERY_SECONDS):
                while self.store.due_deliveries(self.clock.now(), 1):  # noqa: ASYNC110 -- the state is in the store
                    await asyncio.sleep(0.01)
