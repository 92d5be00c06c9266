"""Comparing our mirror with the provider's whole account, taking an account over, catching up after a gap.

Owns: how far a comparison has come. Does not own: the mirror (its owners write it).
Invariants: comparing changes nothing; mending writes whole answers under the customer's lock, as webhooks do; a run
that was stopped goes on with the page it was at. What each time means: `saved_at` is ours.
"""

from .jobs import jobs
from .model import Difference, Imported, Progress, Stage
from .runs import Compared, reconcile
from .service import catch_up, next_due
from .takeover import import_account

__all__ = [
    "Compared",
    "Difference",
    "Imported",
    "Progress",
    "Stage",
    "catch_up",
    "import_account",
    "jobs",
    "next_due",
    "reconcile",
]
