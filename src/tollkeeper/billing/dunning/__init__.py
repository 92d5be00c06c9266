"""Dunning: what happens, and when, while a payment fails.

Owns: one case for each run of failed payments, the schedule of its steps, the events that tell of each step.
Does not own: trying again to collect (the provider does), the messages themselves (whoever reacts to the events),
whether a subscription gives its plan (subscriptions; a case only says that access is withheld).
Invariants: a subscription has one open case at most; `MACHINE` holds every move a case can make; a step is taken once
and in order, however late; what is decided follows from the provider's present state, not from the order of its events.
What each time means: `since` is when the unpaid invoice was made, by the provider's clock, and days count from it.
"""

from .model import (
    AccessRestricted,
    Action,
    CardExpiring,
    Case,
    CaseClosedError,
    CaseNotFoundError,
    Column,
    DunningStepReached,
    Owed,
    PaymentFailed,
    PaymentRecovered,
    Signal,
    Stage,
    State,
    Step,
    Total,
)
from .rules import FAILING, MACHINE, counted, machine_as_mermaid, read_schedule
from .service import advance, board, find_case, observe, postpone, schedule_of, total, warn_of_expiring_cards
from .store import due_cases, get_case

__all__ = [
    "FAILING",
    "MACHINE",
    "AccessRestricted",
    "Action",
    "CardExpiring",
    "Case",
    "CaseClosedError",
    "CaseNotFoundError",
    "Column",
    "DunningStepReached",
    "Owed",
    "PaymentFailed",
    "PaymentRecovered",
    "Signal",
    "Stage",
    "State",
    "Step",
    "Total",
    "advance",
    "board",
    "counted",
    "due_cases",
    "find_case",
    "get_case",
    "machine_as_mermaid",
    "observe",
    "postpone",
    "read_schedule",
    "schedule_of",
    "total",
    "warn_of_expiring_cards",
]
