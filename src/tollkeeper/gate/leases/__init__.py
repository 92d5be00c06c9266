"""Leases: how much long work runs at once.

Owns: the leases under way and the taking, renewing and giving back of them.
Does not own: how many a plan allows (catalog), how often calls are made (rates).
Invariants: never more leases of one kind of work than the plan allows, of all processes and machines together, with
Redis or without; whoever holds one and dies loses it when its time is over.
What each time means: from `expires_at` on a lease does not count and cannot be renewed.
"""

from .http import router
from .model import Lease, LeaseNotFoundError, TooManyAtOnceError, UnknownWorkError
from .service import give_back, held, renew, take

__all__ = [
    "Lease",
    "LeaseNotFoundError",
    "TooManyAtOnceError",
    "UnknownWorkError",
    "give_back",
    "held",
    "renew",
    "router",
    "take",
]
