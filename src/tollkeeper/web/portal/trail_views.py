"""Which areas of the trail people choose between."""

from tollkeeper.web.ui import TrailRow, trail_rows

from .views import Choice

__all__ = ["AREAS", "TrailRow", "trail_rows"]

AREAS = [
    Choice("", "Everything"),
    Choice("login.", "Logging in and out"),
    Choice("member.", "Members"),
    Choice("invitation.", "Invitations"),
    Choice("role.", "Roles"),
    Choice("key.", "API keys"),
    Choice("subscription.", "Subscription"),
    Choice("checkout.", "Purchases"),
    Choice("billing_details.", "Billing details"),
    Choice("payment_method.", "Payment methods"),
    Choice("invoice.", "Refunds and credit notes"),
    Choice("usage.", "Corrected and charged usage"),
    Choice("credits.", "Credits"),
    Choice("organization.", "The organization"),
    Choice("impersonation.", "Support staff"),
    Choice("trail.", "The trail itself"),
]
