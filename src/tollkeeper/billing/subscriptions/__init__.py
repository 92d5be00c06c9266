"""Subscriptions: the mirror of the provider's, their history, and the plan that follows from them.

Owns: subscriptions, every transition they made, what each organization may use by them.
Does not own: what a plan allows (catalog), usage (gate), money (invoices).
Invariants: a row is always one whole answer of the provider; entitlements are announced exactly when they change.
What each time means: the current period is half-open; `canceled_at` is when a cancellation was asked for and
`ended_at` when it took effect, both the provider's; `at` of a transition is when we learnt of it.
"""

from .model import (
    EntitlementsChanged,
    HeldAddon,
    NoSubscriptionError,
    PendingChange,
    Standing,
    Status,
    Subscription,
    SubscriptionEnded,
    SubscriptionNotFoundError,
    SubscriptionOrder,
    SubscriptionPaused,
    SubscriptionUnpaused,
    Transition,
    TrialEnding,
)
from .rules import MEANINGS, Meaning, grants, had_trial, meaning, rests, running, unpaid
from .service import (
    end_subscription,
    get_subscription,
    list_of_organization,
    list_subscriptions,
    look_up_subscription,
    mirror_subscription,
    restand,
    restore,
    status,
    status_of,
    withhold,
)
from .store import expiring_cards, find_standing, history, list_of
from .tables import SUBSCRIPTIONS

__all__ = [
    "MEANINGS",
    "SUBSCRIPTIONS",
    "EntitlementsChanged",
    "HeldAddon",
    "Meaning",
    "NoSubscriptionError",
    "PendingChange",
    "Standing",
    "Status",
    "Subscription",
    "SubscriptionEnded",
    "SubscriptionNotFoundError",
    "SubscriptionOrder",
    "SubscriptionPaused",
    "SubscriptionUnpaused",
    "Transition",
    "TrialEnding",
    "end_subscription",
    "expiring_cards",
    "find_standing",
    "get_subscription",
    "grants",
    "had_trial",
    "history",
    "list_of",
    "list_of_organization",
    "list_subscriptions",
    "look_up_subscription",
    "meaning",
    "mirror_subscription",
    "restand",
    "restore",
    "rests",
    "running",
    "status",
    "status_of",
    "unpaid",
    "withhold",
]
