"""Organizations the operator suspends, and takes back.

Owns: the decision, and the words its people are told. Does not own: what a suspended organization may still do (the
gate, which hears of it with the commit), what it pays (billing goes on as it is).
Invariants: a reason is given; both are in the organization's trail; suspending twice keeps the first moment.
What each time means: `suspended_at` is since when it may use nothing.
"""

from .service import MAX_REASON, reinstate_organization, suspend_organization

__all__ = ["MAX_REASON", "reinstate_organization", "suspend_organization"]
