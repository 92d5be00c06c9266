"""The operator's staff: people who may look at a customer's account as the person they help sees it.

Owns: who is staff, and the browser sessions in which staff act as somebody else.
Does not own: what such a session may do (the gate), and for which organization (orgs decides).
Invariants: staff never act as staff; a session of this kind ends after an hour at most, never counts as freshly proved
and has no tokens beside it; beginning and ending one is in the trail, and so is who acted in it.
What each time means: `expires_at` is when the session ends by itself.
"""

from .model import (
    IMPERSONATION_LIFE,
    LONGEST_IMPERSONATION,
    MAX_REASON,
    Impersonation,
    ImpersonationNotFoundError,
    NotImpersonableError,
    PersonNotFoundError,
    Staff,
    StaffNeededError,
    StaffRole,
)
from .service import (
    begin_impersonation,
    end_impersonation,
    find_person,
    list_impersonations,
    list_staff,
    must_be_staff,
    set_staff,
)

__all__ = [
    "IMPERSONATION_LIFE",
    "LONGEST_IMPERSONATION",
    "MAX_REASON",
    "Impersonation",
    "ImpersonationNotFoundError",
    "NotImpersonableError",
    "PersonNotFoundError",
    "Staff",
    "StaffNeededError",
    "StaffRole",
    "begin_impersonation",
    "end_impersonation",
    "find_person",
    "list_impersonations",
    "list_staff",
    "must_be_staff",
    "set_staff",
]
