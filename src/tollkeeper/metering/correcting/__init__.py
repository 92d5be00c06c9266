"""Corrections: what was recorded wrongly is amended or voided by a further event, and nothing is lost.

Owns: later versions of events, and moving the counters to what the events come to with them.
Does not own: who may correct, and until when (the gate says so).
Invariants: an event is never changed or deleted; of its versions the newest counts, a void one counts nothing; a
counter equals what its events come to, as before; a threshold that was told is not told again.
What each time means: `at` is when the usage happened and stays; a version's id tells when the correction was recorded.
"""

from .model import Corrected, Correction, EventNotFoundError, EventRecord, LimitPassedError, Version
from .service import correct, find_event, list_events

__all__ = [
    "Corrected",
    "Correction",
    "EventNotFoundError",
    "EventRecord",
    "LimitPassedError",
    "Version",
    "correct",
    "find_event",
    "list_events",
]
