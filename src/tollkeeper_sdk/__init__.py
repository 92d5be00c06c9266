"""The Python client of a Tollkeeper server: ask, use, look; and the layer that meters a web application.

    from tollkeeper_sdk import Tollkeeper, QuotaExceeded

    with Tollkeeper("http://127.0.0.1:8000", key="tk_live_...") as toll:
        try:
            toll.track("prompts")
        except QuotaExceeded as refusal:
            print(refusal.detail, refusal.upgrade)

Owns: the calls with their retries, the spool that keeps usage while the server is away, what to do in an outage, the
middleware for ASGI and WSGI.
Does not own: any decision about a limit but the one told beforehand for outages (`on_outage`).
Invariants: every `track` carries an idempotency key of its own, so that trying again after a lost answer counts once,
through a retry, the spool or the death of the process. What `record` returned for is on disk.
"""

from .aio import AsyncTollkeeper
from .asgi import TollkeeperASGI
from .calls import Wish
from .client import Tollkeeper
from .leases import Held, HeldAsync, Lease
from .metering import Caller, Incoming, Rules
from .model import (
    ApiError,
    Balance,
    Check,
    ComingInvoice,
    Customer,
    Discount,
    Entitlement,
    History,
    Money,
    Offer,
    Page,
    Plan,
    Preview,
    QuotaExceeded,
    RateLimited,
    Returned,
    Subscription,
    TooManyAtOnce,
    Unavailable,
    Verification,
)
from .outage import Keep, OnOutage
from .retry import Retry
from .spool import DeadLetter, Spool, SpoolError, SpoolFullError, SpoolStats, WhenFull
from .wsgi import TollkeeperWSGI

__all__ = [
    "ApiError",
    "AsyncTollkeeper",
    "Balance",
    "Caller",
    "Check",
    "ComingInvoice",
    "Customer",
    "DeadLetter",
    "Discount",
    "Entitlement",
    "Held",
    "HeldAsync",
    "History",
    "Incoming",
    "Keep",
    "Lease",
    "Money",
    "Offer",
    "OnOutage",
    "Page",
    "Plan",
    "Preview",
    "QuotaExceeded",
    "RateLimited",
    "Retry",
    "Returned",
    "Rules",
    "Spool",
    "SpoolError",
    "SpoolFullError",
    "SpoolStats",
    "Subscription",
    "Tollkeeper",
    "TollkeeperASGI",
    "TollkeeperWSGI",
    "TooManyAtOnce",
    "Unavailable",
    "Verification",
    "WhenFull",
    "Wish",
]
