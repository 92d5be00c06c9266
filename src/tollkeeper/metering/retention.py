"""How long events are kept: whole months are dropped, with their idempotency keys; counters and history stay.

The months are those of the machine's time, which is in an event's id, wherever the product's clock stands.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dateutil.relativedelta import relativedelta
from sqlalchemy.exc import OperationalError

from tollkeeper.infra import Tx
from tollkeeper.kit import UnavailableError, new_id

from . import rules
from .store import retention as store
from .store import rollups, tail

WINDOWS = "rolling windows"
KEYS_AT_ONCE = 10_000
"""Of how many events the keys are forgotten in one transaction."""


class EventsInUseError(UnavailableError):
    """A month of events cannot be dropped while others read it."""

    code = "events_in_use"
    title = "The month is being read"


@dataclass(frozen=True, slots=True)
class Retention:
    """What is kept: the months there are, oldest first; before when events are gone, and what is due to be dropped.

    `dropped_until` None: nothing was dropped yet. `held_up_by` names the readers of events that have not come far
    enough for the oldest month that is due, and rolling windows that its events have yet to leave.
    """

    months: tuple[str, ...]
    dropped_until: datetime | None
    due: tuple[rules.Partition, ...]
    held_up_by: tuple[str, ...]


async def retention_report(tx: Tx) -> Retention:
    """Return which months of events there are, and what becomes of them."""
    months = [found for name in await store.partition_names(tx) if (found := rules.partition_named(name))]
    due: list[rules.Partition] = []
    if keep := tx.runtime.settings.keep_events:
        now = await _surely_past(tx)
        due = [each for each in months if rules.moment_of(each.after) <= now - relativedelta(months=keep)]
    waiting = [name for name in _readers(tx) if due and not await _has_passed(tx, name, due[0])]
    if due and await store.windows_hold(tx, rules.moment_of(due[0].after)):
        waiting.append(WINDOWS)
    names = tuple(each.name.removeprefix(rules.PARTITION_PREFIX).replace("_", "-") for each in months)
    return Retention(names, await store.dropped_until(tx), tuple(due), tuple(waiting))


async def _surely_past(tx: Tx) -> datetime:
    """Return a moment that has surely come: one clock that runs ahead must not drop what should be kept."""
    moments = [rules.moment_of(new_id()), await store.database_time(tx)]
    if newest := await store.newest_event(tx):
        moments.append(rules.moment_of(newest))
    return min(moments)


def _readers(tx: Tx) -> list[str]:
    return [rollups.CURSOR, *([tail.SINK_CURSOR] if tx.runtime.settings.clickhouse_url else [])]


async def _has_passed(tx: Tx, reader: str, partition: rules.Partition) -> bool:
    position = await tail.read_cursor(tx, reader)
    return position is not None and not await store.holds_anything_after(tx, partition, position)


async def drop_oldest(tx: Tx, after: UUID | None, *, most: int = KEYS_AT_ONCE) -> UUID | None:
    """Drop the oldest month that is due, once its idempotency keys are forgotten; a bounded piece of it at a time.

    Args:
        tx: one piece.
        after: what the piece before returned; None to begin.
        most: of how many events the keys are forgotten now.

    Returns:
        Where to go on; None when nothing is left to do, or what is due is not rolled up or exported yet.

    Raises:
        EventsInUseError: somebody reads the events right now; try again.
    """
    found = await retention_report(tx)
    if not found.due or found.held_up_by:
        return None
    month = found.due[0]
    forgotten = await store.forget_keys(tx, month, after or month.first, most=most)
    if forgotten.looked_at == most and forgotten.last is not None:
        return forgotten.last
    try:
        await store.drop_partition(tx, month, rules.moment_of(month.after))
    except OperationalError as error:
        raise EventsInUseError from error
    await tx.record("usage.dropped", target=("partition", month.name))
    return month.after
