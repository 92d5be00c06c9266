"""Use cases of the flows."""

from .changes import cancel, cancel_change, change_plan, preview_change, resume
from .checkout import create_checkout, open_portal
from .failing import take_dunning_steps
from .methods import add_payment_method, list_payment_methods, make_default, remove_payment_method
from .overview import overview
from .webhooks import failed_events, process_event, read_delivery, synchronise, take_in

__all__ = [
    "add_payment_method",
    "cancel",
    "cancel_change",
    "change_plan",
    "create_checkout",
    "failed_events",
    "list_payment_methods",
    "make_default",
    "open_portal",
    "overview",
    "preview_change",
    "process_event",
    "read_delivery",
    "remove_payment_method",
    "resume",
    "synchronise",
    "take_dunning_steps",
    "take_in",
]
