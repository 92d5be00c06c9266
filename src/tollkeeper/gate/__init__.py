"""The gate: who calls, what they may use, and the taking of it, fast and exact.

Owns: the admission of every request (identity, rate limit), what each organization may use right now, group commit.
Does not own: the counting itself (metering), what plans allow (catalog), who bought what (billing).
Invariants: a yes to `track` is on disk; a hard limit holds across any number of workers; what is kept in memory is
dropped with the commit that changed it, and wholly when the database cannot be heard.
What each time means: a period's `end` is the moment its counter gives way to a new one; `reset_at` is that moment. Of a
rolling window, `end` is when all that counts now will have left it.
"""

from tollkeeper.billing import EntitlementsChanged
from tollkeeper.orgs import OrganizationCreated

from .admission import COOKIELESS_PATHS, Admission
from .history import meter_of, usage_history
from .http import gate_of, history_span, keys_router, limits_report, router
from .leases import router as leases_router
from .model import Access, Allowance, Balance, Offer, QuotaExceededError, RateLimitedError
from .quick import Quick
from .service import Gate, on_entitlements_changed, on_organization_created

projections = {OrganizationCreated: on_organization_created, EntitlementsChanged: on_entitlements_changed}

__all__ = [
    "COOKIELESS_PATHS",
    "Access",
    "Admission",
    "Allowance",
    "Balance",
    "Gate",
    "Offer",
    "Quick",
    "QuotaExceededError",
    "RateLimitedError",
    "gate_of",
    "history_span",
    "keys_router",
    "leases_router",
    "limits_report",
    "meter_of",
    "projections",
    "router",
    "usage_history",
]
