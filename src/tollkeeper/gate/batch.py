"""The counters of one process: takes from and reads them, many requests to a transaction or a snapshot.

Single requests and arrays of events have connections of their own, so that neither waits for the other but where they
move the same counter.
"""

import asyncio
from collections.abc import Sequence

from tollkeeper.infra import Runtime
from tollkeeper.metering import (
    CounterKey,
    Look,
    Outcome,
    Request,
    Seen,
    Standing,
    Tally,
    consume,
    consume_bundles,
    expired_reservations,
    look,
    read_counters,
)

from .committing import ABREAST, Array, ArrayWriter, Connection, Decided, Link, RequestWriter, divided
from .queueing import Batcher, FairBatcher, unforeseen

_UNUSED = Standing()


class Counters:
    """Takes from and reads the counters, many requests to a transaction."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._writing = RequestWriter(runtime, self._consume)
        self._copying = ArrayWriter(runtime, self._consume_arrays)
        self._reading = Link(runtime.database, "tollkeeper-check")
        self._looking = Link(runtime.database, "tollkeeper-look")
        self.consuming: Batcher[Request, Outcome] = Batcher(self._writing.flush)
        self.arrays: FairBatcher[Array, list[Tally]] = FairBatcher(
            unforeseen(self._copying.flush),
            owner=_owner,
            size=lambda array: sum(len(each.entries) for each in array),
            abreast=ABREAST,
        )
        self.checking: Batcher[CounterKey, Standing] = Batcher(unforeseen(self._read))
        self.looking: Batcher[Look, Seen] = Batcher(unforeseen(self._look))

    async def close(self) -> None:
        """Answer what waits, then close the connections."""
        await asyncio.gather(self.consuming.close(), self.arrays.close(), self.checking.close(), self.looking.close())
        await asyncio.gather(self._writing.close(), self._copying.close(), self._reading.close(), self._looking.close())

    async def _consume(self, connection: Connection, requests: Sequence[Request]) -> Decided[Outcome]:
        return Decided(*await consume(connection, requests, self._runtime.clock.now()))

    async def _consume_arrays(self, connection: Connection, arrays: Sequence[Array]) -> Decided[list[Tally]]:
        bundles = [bundle for array in arrays for bundle in array]
        tallies, crossings, counters = await consume_bundles(connection, bundles, self._runtime.clock.now())
        return Decided(divided(tallies, arrays), crossings, counters)

    async def give_up_expired(self) -> None:
        """Close the reservations that are held beyond their time. Calls for their counters do so by themselves."""
        due = await expired_reservations(await self._reading.open(), self._runtime.clock.now())
        await asyncio.gather(*(self.consuming.submit(each) for each in due))

    async def _read(self, keys: Sequence[CounterKey]) -> Sequence[Standing]:
        wanted = list(dict.fromkeys(keys))
        used = await self._reading.read(lambda connection: read_counters(connection, wanted))
        return [used.get(key, _UNUSED) for key in keys]

    async def _look(self, looks: Sequence[Look]) -> Sequence[Seen]:
        """Look at counters with all that bears on them, in one snapshot."""
        return await self._looking.read_snapshot(lambda connection: look(connection, looks, self._runtime.clock.now()))


def _owner(array: Array) -> object:
    """Whose turn an array takes: its organization's; one about several takes a turn of its own."""
    first = array[0].counter.organization_id
    return first if all(each.counter.organization_id == first for each in array) else None
