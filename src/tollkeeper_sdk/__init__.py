"""The Python client of a Tollkeeper server: ask, use, look.

    from tollkeeper_sdk import Tollkeeper, QuotaExceeded

    with Tollkeeper("http://127.0.0.1:8000", key="tk_live_...") as toll:
        try:
            toll.track("prompts")
        except QuotaExceeded as refusal:
            print(refusal.detail, refusal.upgrade)

Every `track` carries an idempotency key of its own, so that trying again after a lost answer counts once.
"""

from .client import AsyncTollkeeper, Tollkeeper
from .model import ApiError, Balance, Check, Offer, QuotaExceeded, RateLimited, Unavailable

__all__ = [
    "ApiError",
    "AsyncTollkeeper",
    "Balance",
    "Check",
    "Offer",
    "QuotaExceeded",
    "RateLimited",
    "Tollkeeper",
    "Unavailable",
]
