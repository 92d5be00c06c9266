"""Pure decisions of metering: what a counter admits, in the order the requests came."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from dateutil.relativedelta import relativedelta

from .model import Consumption, CounterKey, Outcome, Verdict


class Decision(NamedTuple):
    """What a whole batch comes to: one outcome a request, the requests to record, and the counters that moved."""

    outcomes: list[Outcome]
    admitted: list[Consumption]
    counters: dict[CounterKey, int]


def fits(used: int, count: int, limit: int | None, *, hard: bool) -> bool:
    """Whether `count` more may be taken when `used` is taken already. Reaching the limit exactly is allowed."""
    return limit is None or not hard or used + count <= limit


def decide(
    requests: Sequence[Consumption], used: Mapping[CounterKey, int], seen: AbstractSet[tuple[object, ...]]
) -> Decision:
    """Decide a batch in arrival order.

    Args:
        requests: in the order they arrived.
        used: what each counter stands at, locked by the caller; a missing one stands at zero.
        seen: `(organization_id, meter_id, idempotency_key)` recorded before this batch.
    """
    standing = dict(used)
    repeated = set(seen)
    moved: set[CounterKey] = set()
    outcomes: list[Outcome] = []
    admitted: list[Consumption] = []
    for request in requests:
        taken = standing.get(request.counter, 0)
        identity = (request.counter[0], request.counter[1], request.idempotency_key)
        if request.idempotency_key is not None and identity in repeated:
            outcomes.append(Outcome(Verdict.REPEATED, taken))
        elif not fits(taken, request.count, request.limit, hard=request.hard):
            outcomes.append(Outcome(Verdict.REFUSED, taken))
        else:
            taken = standing[request.counter] = taken + request.count
            moved.add(request.counter)
            if request.idempotency_key is not None:
                repeated.add(identity)
            admitted.append(request)
            outcomes.append(Outcome(Verdict.ADMITTED, taken))
    return Decision(outcomes, admitted, {key: standing[key] for key in sorted(moved)})


def counters_of(requests: Iterable[Consumption]) -> list[CounterKey]:
    """The counters a batch touches, once each, in locking order."""
    return sorted({request.counter for request in requests})


class Partition(NamedTuple):
    """One month of events: ids within `[first, after)`."""

    name: str
    first: UUID
    after: UUID


def partition_of(moment: datetime) -> Partition:
    """The partition that holds events recorded in the month of `moment` (UTC)."""
    start = moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = start + relativedelta(months=1)
    return Partition(f"usage_events_{start:%Y_%m}", first_id_at(start), first_id_at(end))


def first_id_at(moment: datetime) -> UUID:
    """The smallest UUIDv7 that can be made at `moment` (RFC 9562: 48 bits of Unix milliseconds lead the id)."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def moment_of(event_id: UUID) -> datetime:
    """When a UUIDv7 was made, to the millisecond."""
    return datetime.fromtimestamp((event_id.int >> 80) / 1000, UTC)
