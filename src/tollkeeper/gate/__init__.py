"""The gate: who calls, what they may use, and the taking of it, fast and exact.

Owns: the admission of every request (identity, rate limit), what each organization may use right now, group commit.
Does not own: the counting itself (metering), what plans allow (catalog), who bought what (billing).
Invariants: a yes to `track` is on disk; a hard limit holds across any number of workers; what is kept in memory is
dropped with the commit that changed it, and wholly when the database cannot be heard.
What each time means: a period's `end` is the moment its counter gives way to a new one; `reset_at` is that moment. Of a
rolling window, `end` is when all that counts now will have left it.
"""

from tollkeeper.billing import EntitlementsChanged
from tollkeeper.metering import ThresholdReached
from tollkeeper.orgs import (
    MembersChanged,
    OrganizationCreated,
    OrganizationReinstated,
    OrganizationSuspended,
    SeatsAsked,
)

from .admission import COOKIELESS_PATHS, Admission
from .history import Split, meter_of, usage_history
from .http import arrays_router, gate_of, history_span, keys_router, limits_report, router
from .leases import router as leases_router
from .model import Access, Allowance, Balance, Offer, QuotaExceededError, RateLimitedError
from .narrowing import Narrowing
from .quick import Quick
from .seats import on_members_changed, on_seats_asked
from .service import Gate, on_entitlements_changed, on_organization_created
from .store import find_standings, organizations_on
from .suspended import on_reinstated, on_suspended
from .telling import tell_of_threshold

projections = {
    OrganizationCreated: on_organization_created,
    EntitlementsChanged: on_entitlements_changed,
    MembersChanged: on_members_changed,
    SeatsAsked: on_seats_asked,
    OrganizationSuspended: on_suspended,
    OrganizationReinstated: on_reinstated,
}

reactions = {ThresholdReached: tell_of_threshold}
jobs = [tell_of_threshold]

__all__ = [
    "COOKIELESS_PATHS",
    "Access",
    "Admission",
    "Allowance",
    "Balance",
    "Gate",
    "Narrowing",
    "Offer",
    "Quick",
    "QuotaExceededError",
    "RateLimitedError",
    "Split",
    "arrays_router",
    "find_standings",
    "gate_of",
    "history_span",
    "jobs",
    "keys_router",
    "leases_router",
    "limits_report",
    "meter_of",
    "organizations_on",
    "projections",
    "reactions",
    "router",
    "usage_history",
]
