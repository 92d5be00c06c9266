"""A customer's own pages: overview, usage, API keys, plan and billing. Owns no data.

How invoices, payments and subscriptions are shown and called is the same for staff, who take it from here.
"""

from fastapi import APIRouter

from . import (
    addons,
    billing,
    changes,
    details,
    invoices,
    key,
    keys,
    leaving,
    logins,
    methods,
    notifications,
    overview,
    passkeys,
    pausing,
    places,
    profile,
    promotions,
    provider_pages,
    returning,
    security,
    sign_in_ways,
    sign_on,
    step_up,
    team,
    team_members,
    team_roles,
    trail,
    usage,
)
from .billing_views import INVOICE_STATES, SUBSCRIPTION_STATES, subscription_view
from .confirming import once_of, rows_of
from .explain_views import explanation_view
from .invoice_views import InvoiceView, invoice_view
from .payment_views import CHARGE_STATES, DISPUTE_STATES, REFUND_STATES, PaymentView, payment_rows, way_words
from .present import present_of
from .views import key_rows

router = APIRouter(include_in_schema=False)
_PAGES = (
    overview,
    usage,
    notifications,
    key,
    profile,
    leaving,
    keys,
    billing,
    details,
    invoices,
    changes,
    addons,
    pausing,
    returning,
    promotions,
    methods,
    provider_pages,
    security,
    passkeys,
    logins,
    sign_in_ways,
    sign_on,
    step_up,
    team,
    team_members,
    team_roles,
    places,
    trail,
)
for each in _PAGES:
    router.include_router(each.router)

__all__ = [
    "CHARGE_STATES",
    "DISPUTE_STATES",
    "INVOICE_STATES",
    "REFUND_STATES",
    "SUBSCRIPTION_STATES",
    "InvoiceView",
    "PaymentView",
    "explanation_view",
    "invoice_view",
    "key_rows",
    "once_of",
    "payment_rows",
    "present_of",
    "router",
    "rows_of",
    "subscription_view",
    "way_words",
]
