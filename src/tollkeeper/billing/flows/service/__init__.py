"""Use cases of the flows."""

from .changes import cancel, cancel_change, change_plan, preview_change, resume
from .checkout import create_checkout, open_portal
from .failing import take_dunning_steps
from .overview import overview
from .webhooks import failed_events, process_event, read_delivery, synchronise, take_in

__all__ = [
    "cancel",
    "cancel_change",
    "change_plan",
    "create_checkout",
    "failed_events",
    "open_portal",
    "overview",
    "preview_change",
    "process_event",
    "read_delivery",
    "resume",
    "synchronise",
    "take_dunning_steps",
    "take_in",
]
