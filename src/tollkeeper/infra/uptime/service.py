"""Use cases of knowing how the parts of the service were."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from . import rules, store
from .model import Observation, Span

if TYPE_CHECKING:
    from tollkeeper.infra.runtime import Tx

KEPT = timedelta(days=92)
MOST_SPANS = 20_000


async def note_states(tx: "Tx", observations: Iterable[Observation]) -> bool:
    """Write down what was found, the oldest first. It counts once, whoever else looks at the same time.

    Returns False when another process writes just now; then nothing is written.
    """
    if not await store.has_turn(tx):
        return False
    last, changed = await store.newest(tx), dict[UUID, Span]()
    for each in observations:
        for part, state in each.states.items():
            span = rules.gone_on(last.get(part), part, state, each.at)
            if span is not None:
                last[part] = changed[span.id] = span
    await store.save(tx, changed.values())
    return True


async def spans_since(tx: "Tx", moment: datetime) -> Sequence[Span]:
    """Return how every part was since a moment, the oldest first; the newest MOST_SPANS where there are more."""
    return await store.since(tx, moment, limit=MOST_SPANS)


async def forget_spans(tx: "Tx") -> int:
    """Delete what is older than KEPT; returns how many spans that were."""
    return await store.forget(tx, tx.now - KEPT)
