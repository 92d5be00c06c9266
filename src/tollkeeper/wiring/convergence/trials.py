"""The convergence kit: a history of events, delivered in many orders, twice and at once, must end in one state.

Each trial begins with an empty mirror in a scratch database that knows the catalogue and the customers, and nothing
else. The provider has come to rest: each thing is asked for once, and answered the same from then on.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tollkeeper import billing
from tollkeeper.billing import PaymentProvider
from tollkeeper.infra import Database, JobQueue, Runtime, run_job
from tollkeeper.kit import FieldProblem, InvalidInputError
from tollkeeper.wiring.runtime import subscribe_doors

from . import store

AT_ONCE = 4
# The provider's calls that ask about one thing and change nothing.
ASKING = ("fetch_", "list_", "payment_")


@dataclass(frozen=True, slots=True)
class Trial:
    """One order of delivery and whether it ended as the order in the file. `at_once` is how many came together."""

    number: int
    order: tuple[int, ...]
    at_once: int
    differences: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether it ended differently."""
        return bool(self.differences)

    def __str__(self) -> str:
        order = " ".join(str(each) for each in self.order)
        return f"  order {order} ({self.at_once} at once) differs: {'; '.join(self.differences)}"


class Resting:
    """A provider that has come to rest: what was asked for once is answered the same ever after."""

    def __init__(self, provider: PaymentProvider) -> None:
        self._provider = provider
        self._answers: dict[tuple[str, str], asyncio.Future[Any]] = {}

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._provider, name)
        if not name.startswith(ASKING):
            return real

        async def ask(ident: str) -> Any:
            if (name, ident) not in self._answers:
                self._answers[name, ident] = asyncio.ensure_future(real(ident))
            return await asyncio.shield(self._answers[name, ident])

        return ask


def read_history(text: str) -> list[bytes]:
    """Read a history: a JSON list of events, or an object whose `data` is one, as the provider lists them.

    Raises:
        InvalidInputError: it is neither, or empty.
    """
    try:
        raw = json.loads(text)
    except ValueError:
        raise _no_history("The file is not JSON.") from None
    events = raw.get("data") if isinstance(raw, dict) else raw
    if not isinstance(events, list) or not events or not all(isinstance(each, dict) for each in events):
        raise _no_history("A JSON list of at least one event is needed.")
    return [json.dumps(each).encode() for each in events]


async def converge(runtime: Runtime, history: Sequence[bytes], *, runs: int, seed: int) -> AsyncIterator[Trial]:
    """Deliver the history `runs` times in orders drawn from `seed`; yields how each ended.

    Raises:
        UnreadableEventError: something in the history is no event.
    """
    events = [runtime.part(PaymentProvider).read_event(body) for body in history]  # type: ignore[type-abstract]
    chance = random.Random(seed)
    with store.scratch_database(runtime.owner_url) as url:
        scratch = _scratch_runtime(runtime, url)
        try:
            async with scratch.transaction() as tx:
                for event, body in zip(events, history, strict=True):
                    await billing.enqueue(tx, event, body)
                stored = {each.provider_id: str(each.id) for each in await billing.list_events(tx, limit=len(events))}
            ids = [stored[event.id] for event in events]
            wanted = await _trial(scratch, ids, at_once=1)
            for number in range(runs):
                order = tuple(_order(len(ids), chance))
                at_once = chance.choice((1, 2, AT_ONCE))
                ended = await _trial(scratch, [ids[each] for each in order], at_once=at_once)
                yield Trial(number, order, at_once, tuple(_differences(wanted, ended)))
        finally:
            await scratch.database.close()


def _order(count: int, chance: random.Random) -> list[int]:
    """Return every place once, and some twice, shuffled."""
    order = list(range(count))
    order += [each for each in order if chance.randrange(3) == 0]
    chance.shuffle(order)
    return order


async def _trial(runtime: Runtime, ids: Sequence[str], *, at_once: int) -> store.State:
    async with runtime.transaction() as tx:
        await store.begin_anew(tx)
    for begin in range(0, len(ids), at_once):
        await asyncio.gather(
            *(run_job(runtime, billing.process_event, event_id=each) for each in ids[begin : begin + at_once])
        )
    async with runtime.transaction() as tx:
        return await store.read_state(tx)


def _differences(wanted: store.State, ended: store.State) -> Iterator[str]:
    for table in store.MIRROR:
        if len(wanted[table]) != len(ended[table]):
            yield f"{table}: {len(ended[table])} rows instead of {len(wanted[table])}"
            continue
        for right, found in zip(wanted[table], ended[table], strict=True):
            for name in right:
                if right[name] != found[name]:
                    yield f"{table}.{name}: {found[name]!r} instead of {right[name]!r}"


def _scratch_runtime(runtime: Runtime, url: str) -> Runtime:
    database = Database(url, pool_size=AT_ONCE + 1, role=None)  # ours alone: it is emptied and dropped
    scratch = Runtime(runtime.settings, runtime.clock, database, JobQueue(url))
    scratch.parts = dict(runtime.parts)
    scratch.parts[PaymentProvider] = Resting(runtime.part(PaymentProvider))  # type: ignore[type-abstract]
    subscribe_doors(scratch)
    return scratch


def _no_history(message: str) -> InvalidInputError:
    return InvalidInputError([FieldProblem("file", message, "history")])
