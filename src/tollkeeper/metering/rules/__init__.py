"""Pure decisions of metering: what counters admit, and which month holds an event."""

from .deciding import Decision, Known, counters_of, decide, fits
from .partitions import Partition, first_id_at, moment_of, partition_of

__all__ = [
    "Decision",
    "Known",
    "Partition",
    "counters_of",
    "decide",
    "first_id_at",
    "fits",
    "moment_of",
    "partition_of",
]
