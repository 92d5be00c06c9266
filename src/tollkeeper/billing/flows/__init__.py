"""Flows through billing: buying on the hosted page, managing, and being told by the provider.

Owns: the provider's events as they came, the order of steps. Does not own: what is mirrored (customers,
subscriptions, invoices), the provider's words (provider).
Invariants: an event that is not certainly the provider's leaves no trace but a count; a stored event and its job exist
together; state is written only under the customer's lock and only as just asked for; an organization has one checkout
page open at most.
What each time means: `created_at` of an event is the provider's, `received_at` and `processed_at` are ours.
"""

from .http import router
from .jobs import enqueue, jobs, process_event, push_catalogue
from .model import (
    AlreadySubscribedError,
    Buyer,
    Change,
    ChangeAt,
    EventStatus,
    LivemodeMismatchError,
    NextInvoice,
    OpenedCheckout,
    Overview,
    PlanNotPurchasableError,
    PreviewedChange,
    Purchase,
    StoredEvent,
    UsageReport,
)
from .service import (
    cancel,
    cancel_change,
    change_plan,
    create_checkout,
    open_portal,
    overview,
    preview_change,
    resume,
    synchronise,
)
from .store import list_events

__all__ = [
    "AlreadySubscribedError",
    "Buyer",
    "Change",
    "ChangeAt",
    "EventStatus",
    "LivemodeMismatchError",
    "NextInvoice",
    "OpenedCheckout",
    "Overview",
    "PlanNotPurchasableError",
    "PreviewedChange",
    "Purchase",
    "StoredEvent",
    "UsageReport",
    "cancel",
    "cancel_change",
    "change_plan",
    "create_checkout",
    "enqueue",
    "jobs",
    "list_events",
    "open_portal",
    "overview",
    "preview_change",
    "process_event",
    "push_catalogue",
    "resume",
    "router",
    "synchronise",
]
