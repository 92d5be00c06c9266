"""Metering: how usage becomes numbers, and how many may be taken.

Owns: meters, usage events, the counters per organization, meter and period (and member, where members have limits),
rolling windows, credits, idempotency of events.
Does not own: what an organization may use (catalog and gate say so and pass the limit in), money.
Invariants: an event is never changed or counted twice; a counter equals the sum of its events; decision, event and
counter commit together; a hard limit is never passed, whatever runs in parallel.
What each time means: `at` is when the usage happened; an event's id tells when it was recorded; `period_start` names
the counter it was added to, periods being half-open in UTC. A rolling window has 1970 and its own length there, and
`since`: what happened until then has left it.
"""

from .bundles import consume_bundles
from .checks import Verified, counters_replay, verify_usage
from .correcting import (
    Corrected,
    Correction,
    EventNotFoundError,
    EventRecord,
    LimitPassedError,
    Version,
    correct,
    find_event,
    list_events,
)
from .exporting import ExportFormat, export_events
from .foreseeing import MISSED, Foresight
from .granting import GrantMismatchError, GrantNotFoundError, grant_credits, list_grants, void_grant
from .jobs import announce_threshold, drop_old_events, verify_nightly
from .jobs import prepare_partitions as prepare_partitions_job
from .looking import Look, Seen, look, members_of
from .model import (
    ADDITIVE,
    NOBODY,
    THRESHOLDS,
    Aggregation,
    Bucket,
    Bundle,
    Consumption,
    CounterKey,
    Crossing,
    Entry,
    Grant,
    HistoryMovesError,
    HistoryPoint,
    Hold,
    Limit,
    Meter,
    MeterMismatchError,
    Outcome,
    Release,
    Request,
    Reservation,
    ReservationState,
    Scalar,
    Settle,
    Standing,
    Tally,
    Terms,
    ThresholdReached,
    TooMuchHistoryError,
    Verdict,
)
from .retention import Retention, retention_report
from .rolling import keep_rolled_up, roll_up, rollup_lag
from .rules import (
    UNFILTERED,
    Known,
    Measured,
    UnreadableEventError,
    counts,
    decide,
    fits,
    measure,
    must_keep_meaning,
    short_by,
    window_start,
)
from .service import consume, define_meter, expired_reservations, prepare_partitions
from .sink import (
    ClickHouseSink,
    EventSink,
    PassedEvent,
    SinkUnavailableError,
    pass_events_on,
    pass_on,
    provide_sink,
    sink_lag,
    sink_problem,
)
from .store import Wanted, counters_of_periods, find_reservations, history, list_meters, read_counters, replay
from .store.tail import OtherServerError
from .store.tail import renumber as renumber_events

jobs = [prepare_partitions_job, drop_old_events, verify_nightly, announce_threshold]

__all__ = [
    "ADDITIVE",
    "MISSED",
    "NOBODY",
    "THRESHOLDS",
    "UNFILTERED",
    "Aggregation",
    "Bucket",
    "Bundle",
    "ClickHouseSink",
    "Consumption",
    "Corrected",
    "Correction",
    "CounterKey",
    "Crossing",
    "Entry",
    "EventNotFoundError",
    "EventRecord",
    "EventSink",
    "ExportFormat",
    "Foresight",
    "Grant",
    "GrantMismatchError",
    "GrantNotFoundError",
    "HistoryMovesError",
    "HistoryPoint",
    "Hold",
    "Known",
    "Limit",
    "LimitPassedError",
    "Look",
    "Measured",
    "Meter",
    "MeterMismatchError",
    "OtherServerError",
    "Outcome",
    "PassedEvent",
    "Release",
    "Request",
    "Reservation",
    "ReservationState",
    "Retention",
    "Scalar",
    "Seen",
    "Settle",
    "SinkUnavailableError",
    "Standing",
    "Tally",
    "Terms",
    "ThresholdReached",
    "TooMuchHistoryError",
    "UnreadableEventError",
    "Verdict",
    "Verified",
    "Version",
    "Wanted",
    "announce_threshold",
    "consume",
    "consume_bundles",
    "correct",
    "counters_of_periods",
    "counters_replay",
    "counts",
    "decide",
    "define_meter",
    "expired_reservations",
    "export_events",
    "find_event",
    "find_reservations",
    "fits",
    "grant_credits",
    "history",
    "jobs",
    "keep_rolled_up",
    "list_events",
    "list_grants",
    "list_meters",
    "look",
    "measure",
    "members_of",
    "must_keep_meaning",
    "pass_events_on",
    "pass_on",
    "prepare_partitions",
    "provide_sink",
    "read_counters",
    "renumber_events",
    "replay",
    "retention_report",
    "roll_up",
    "rollup_lag",
    "short_by",
    "sink_lag",
    "sink_problem",
    "verify_usage",
    "void_grant",
    "window_start",
]
