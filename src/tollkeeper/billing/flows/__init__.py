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
    ChangeToComeError,
    EventStatus,
    LivemodeMismatchError,
    NextInvoice,
    NoTrialError,
    OpenedCheckout,
    Overview,
    PaymentMethodNeededError,
    PlanNotPurchasableError,
    PreviewedChange,
    Purchase,
    StoredEvent,
    UsageReport,
)
from .service import (
    apply_promotion,
    cancel,
    cancel_change,
    change_plan,
    create_checkout,
    end_trial,
    extend_trial,
    open_portal,
    overview,
    preview_change,
    preview_promotion,
    remove_promotion,
    resume,
    synchronise,
    wake_after_trial,
)
from .store import list_events

__all__ = [
    "AlreadySubscribedError",
    "Buyer",
    "Change",
    "ChangeAt",
    "ChangeToComeError",
    "EventStatus",
    "LivemodeMismatchError",
    "NextInvoice",
    "NoTrialError",
    "OpenedCheckout",
    "Overview",
    "PaymentMethodNeededError",
    "PlanNotPurchasableError",
    "PreviewedChange",
    "Purchase",
    "StoredEvent",
    "UsageReport",
    "apply_promotion",
    "cancel",
    "cancel_change",
    "change_plan",
    "create_checkout",
    "end_trial",
    "enqueue",
    "extend_trial",
    "jobs",
    "list_events",
    "open_portal",
    "overview",
    "preview_change",
    "preview_promotion",
    "process_event",
    "push_catalogue",
    "remove_promotion",
    "resume",
    "router",
    "synchronise",
    "wake_after_trial",
]
