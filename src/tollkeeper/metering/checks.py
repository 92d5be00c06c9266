"""What must always be true of metering."""

from tollkeeper.infra import Tx

from . import store
from .model import CounterKey


async def counters_replay(tx: Tx) -> list[tuple[CounterKey, int, int]]:
    """Counters equal the sum of their events. Returns those that do not, with counted and replayed numbers."""
    return await store.counters_that_disagree(tx)
