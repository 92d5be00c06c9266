"""Usage beyond soft limits, put on the provider's invoices.

Owns: what was charged of each usage counter, up to where, on which invoice. Does not own: what usage beyond a limit
costs (catalog), how it is calculated (rating), what was used (metering), the invoices themselves.
Invariants: a counter is charged up to a mark, and what lies below it is never charged again, whichever plan, invoice or
run it was; the mark only comes down with what is given back after a correction. A charge is written down in the
transaction that saw its period end, before the provider is asked; the charges of a counter at one price sum to that
price of all of it.
What each time means: `period_start` names the counter; `created_at` is when we wrote it down, `charged_at` when we knew
it to be at the provider.
"""

from .jobs import charge_usage, charge_usage_again, jobs, late_usage, start
from .model import Beyond, Charge, Destination, Reason, SoFar, State, UsageCharged, UsageNotPriced
from .rules import beyond, counters
from .service import note_invoice, observe, so_far, waiting
from .store import before, of_items

__all__ = [
    "Beyond",
    "Charge",
    "Destination",
    "Reason",
    "SoFar",
    "State",
    "UsageCharged",
    "UsageNotPriced",
    "before",
    "beyond",
    "charge_usage",
    "charge_usage_again",
    "counters",
    "jobs",
    "late_usage",
    "note_invoice",
    "observe",
    "of_items",
    "so_far",
    "start",
    "waiting",
]
