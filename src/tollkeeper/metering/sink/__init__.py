"""Passing events on to an analytical store, in the order of their commits.

Owns: the port `EventSink`, its adapter for ClickHouse, how far events were passed on.
Does not own: the events; nothing is answered from the store, and nothing waits for it.
Invariants: every event reaches the store at least once, and counts there once; how far it was is noted only after the
store has answered. What is passed on twice, or corrected later, collapses there by the event's id.
What each time means: the lag is for how long the oldest event that was not passed on has been waiting.
"""

from .clickhouse import ClickHouseSink
from .model import EventSink, PassedEvent, SinkUnavailableError
from .passing import pass_events_on, pass_on, provide_sink, sink_lag, sink_problem

__all__ = [
    "ClickHouseSink",
    "EventSink",
    "PassedEvent",
    "SinkUnavailableError",
    "pass_events_on",
    "pass_on",
    "provide_sink",
    "sink_lag",
    "sink_problem",
]
