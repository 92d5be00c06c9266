"""Pure decisions of metering: what counters admit, and which month holds an event."""

from .bundles import BundleDecision, decide_bundles
from .deciding import Decision, Known, counters_of, decide, fits
from .meters import UNFILTERED, Measured, UnreadableEventError, counts, meaning, measure, must_keep_meaning
from .partitions import PARTITION_PREFIX, Partition, first_id_at, moment_of, partition_named, partition_of

__all__ = [
    "PARTITION_PREFIX",
    "UNFILTERED",
    "BundleDecision",
    "Decision",
    "Known",
    "Measured",
    "Partition",
    "UnreadableEventError",
    "counters_of",
    "counts",
    "decide",
    "decide_bundles",
    "first_id_at",
    "fits",
    "meaning",
    "measure",
    "moment_of",
    "must_keep_meaning",
    "partition_named",
    "partition_of",
]
