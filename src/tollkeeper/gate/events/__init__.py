"""Events in bulk: CloudEvents, and many tracks in one call.

Owns: reading events, finding whose they are and which features they count for, refusing those that cannot be read.
Does not own: deciding and recording (metering), sharing a commit (group commit).
Invariants: an array is read whole before anything of it is recorded, so that a wrong event is named and none is kept;
what a hard limit refuses is named, and the rest is on disk; sent again, nothing is counted twice.
What each time means: an event's `time` is when the usage happened; without one it happened now.
"""

from .model import EventsRefusedError, UnknownSubjectError, UnsupportedContentError
from .reading import MAX_EVENTS, CloudEvent, EventBody, from_headers, read_events
from .service import ingest
from .tracks import TracksBody, TrackVerdict, read_tracks, track_all

__all__ = [
    "MAX_EVENTS",
    "CloudEvent",
    "EventBody",
    "EventsRefusedError",
    "TrackVerdict",
    "TracksBody",
    "UnknownSubjectError",
    "UnsupportedContentError",
    "from_headers",
    "ingest",
    "read_events",
    "read_tracks",
    "track_all",
]
