"""What must always be true of metering: counters, usage by the hour and events say the same."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from tollkeeper.infra import Runtime, Tx

from .model import CounterKey
from .store import replaying

PAIRS_AT_ONCE = 100
"""Of how many meters of organizations the events are looked at in one statement."""
MOST_TOLD = 100
"""How many disagreements of one piece are told."""
BEGINNING: replaying.Pair = (UUID(int=0), 0)


@dataclass(frozen=True, slots=True)
class Verified:
    """What became of one piece of the check.

    `end` is where to go on, None at the end. `unchecked` counters began before the events that are kept.
    """

    end: replaying.Pair | None
    pairs: int
    unchecked: int
    counters: tuple[replaying.CounterThatLies, ...]
    hours: tuple[replaying.HourThatLies, ...]

    @property
    def findings(self) -> list[str]:
        """Say what disagrees, in words for an operator."""
        return [
            *(
                f"counter of organization {each.key.organization_id}, meter {each.key.meter_id}, period from "
                f"{each.key.period_start.isoformat()}{_member(each.key)}: stands at {each.used}, its events come to "
                f"{each.replayed}"
                for each in self.counters
            ),
            *(
                f"hour of organization {each.organization_id}, meter {each.meter_id}, {each.hour.isoformat()}: rolled "
                f"up to {each.used}, its events come to {each.replayed}"
                for each in self.hours
            ),
        ]


def _member(key: CounterKey) -> str:
    return f", member {key.member_id}" if key.member_id.int else ""


async def verify_piece(tx: Tx, after: replaying.Pair = BEGINNING) -> Verified:
    """Check the next meters of organizations: counters and hours against the events. Locks nothing."""
    pairs = await replaying.next_pairs(tx, after, most=PAIRS_AT_ONCE)
    if not pairs:
        return Verified(None, 0, 0, (), ())
    return Verified(
        pairs[-1],
        len(pairs),
        await replaying.unchecked_counters(tx, pairs),
        tuple(await replaying.counters_that_lie(tx, pairs, most=MOST_TOLD)),
        tuple(await replaying.hours_that_lie(tx, pairs, most=MOST_TOLD)),
    )


async def verify_usage(runtime: Runtime) -> AsyncIterator[Verified]:
    """Check everything piece by piece, each in a transaction of its own."""
    after: replaying.Pair | None = BEGINNING
    while after is not None:
        async with runtime.transaction() as tx:
            piece = await verify_piece(tx, after)
        after = piece.end
        if piece.pairs:
            yield piece


async def counters_replay(tx: Tx) -> list[tuple[CounterKey, int, int]]:
    """Counters equal what their events come to. Returns those that do not, with counted and replayed numbers."""
    after, found = BEGINNING, []
    while pairs := await replaying.next_pairs(tx, after, most=PAIRS_AT_ONCE):
        lies = await replaying.counters_that_lie(tx, pairs, most=MOST_TOLD)
        found += [(each.key, each.used, each.replayed) for each in lies]
        after = pairs[-1]
    return found
