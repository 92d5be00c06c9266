"""Use cases of metering."""

from collections.abc import Sequence
from datetime import timedelta

from tollkeeper.infra import Tx
from tollkeeper.kit import new_id

from . import rules, store
from .model import Aggregation, Consumption, Meter, MeterMismatchError, Outcome

MONTHS_AHEAD = 3


async def define_meter(
    tx: Tx, key: str, *, event_type: str, aggregation: Aggregation = Aggregation.SUM, unit: str = ""
) -> Meter:
    """Make sure a meter of this key exists; the same definition twice changes nothing.

    Raises:
        MeterMismatchError: the key exists with another event type, aggregation or unit.
    """
    meter = await store.insert_meter(tx, key, event_type, aggregation, unit)
    if (meter.event_type, meter.aggregation, meter.unit) != (event_type, aggregation, unit):
        raise MeterMismatchError(f"The meter {key} counts {meter.event_type} in {meter.unit or 'units'} already.")
    return meter


async def consume(connection: store.Connection, requests: Sequence[Consumption]) -> list[Outcome]:
    """Decide and record a batch inside the caller's open transaction; it counts when the caller commits.

    Admission is exact across any number of callers: every counter stays locked from the decision to the commit.

    Args:
        connection: inside a transaction of its own, best in pipeline mode: the writes are sent, not waited for.
        requests: in the order they arrived; outcomes have the same order.
    """
    counters = rules.counters_of(requests)
    used = await store.lock_counters(connection, counters)
    if len(used) < len(counters):
        fresh = [key for key in counters if key not in used]
        await store.create_counters(connection, fresh)
        used |= await store.lock_counters(connection, fresh)
    keyed = [request for request in requests if request.idempotency_key is not None]
    seen = await store.seen_keys(connection, keyed) if keyed else set()
    decision = rules.decide(requests, used, seen)
    if decision.admitted:
        await store.insert_events(connection, decision.admitted)
        await store.write_counters(connection, decision.counters)
    return decision.outcomes


async def prepare_partitions(tx: Tx) -> None:
    """Make sure this month and the next ones have a partition for their events.

    Ids carry the machine's own time even where the product's clock is moved, so the months are counted from an id.
    """
    moment = rules.moment_of(new_id())
    for _ in range(MONTHS_AHEAD + 1):
        partition = rules.partition_of(moment)
        await store.create_partition(tx, *partition)
        moment = moment.replace(day=1) + timedelta(days=32)
