"""Pure decisions of metering: what counters admit, and which month holds an event."""

from tollkeeper.kit import moment_of

from .bundles import BundleDecision, decide_bundles
from .deciding import Decision, Known, counters_of, decide, fits
from .further import (
    EPOCH,
    WINDOW_STARTS,
    boundary,
    carried,
    measure_of,
    short_by,
    window_of,
    window_start,
)
from .meters import UNFILTERED, Measured, UnreadableEventError, counts, meaning, measure, must_keep_meaning
from .partitions import PARTITION_PREFIX, Partition, first_id_at, partition_named, partition_of

__all__ = [
    "EPOCH",
    "PARTITION_PREFIX",
    "UNFILTERED",
    "WINDOW_STARTS",
    "BundleDecision",
    "Decision",
    "Known",
    "Measured",
    "Partition",
    "UnreadableEventError",
    "boundary",
    "carried",
    "counters_of",
    "counts",
    "decide",
    "decide_bundles",
    "first_id_at",
    "fits",
    "meaning",
    "measure",
    "measure_of",
    "moment_of",
    "must_keep_meaning",
    "partition_named",
    "partition_of",
    "short_by",
    "window_of",
    "window_start",
]
