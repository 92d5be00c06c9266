"""Which partition holds an event: one per month of the time in its id."""

from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from dateutil.relativedelta import relativedelta

PARTITION_PREFIX = "usage_events_"


class Partition(NamedTuple):
    """One month of events: ids within `[first, after)`."""

    name: str
    first: UUID
    after: UUID


def partition_of(moment: datetime) -> Partition:
    """The partition that holds events recorded in the month of `moment` (UTC)."""
    start = moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = start + relativedelta(months=1)
    return Partition(f"{PARTITION_PREFIX}{start:%Y_%m}", first_id_at(start), first_id_at(end))


def partition_named(name: str) -> Partition | None:
    """The partition of this name; None when it is not named as ours are."""
    try:
        month = datetime.strptime(name, f"{PARTITION_PREFIX}%Y_%m").replace(tzinfo=UTC)
    except ValueError:
        return None
    return partition_of(month)


def first_id_at(moment: datetime) -> UUID:
    """The smallest UUIDv7 that can be made at `moment` (RFC 9562: 48 bits of Unix milliseconds lead the id)."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
