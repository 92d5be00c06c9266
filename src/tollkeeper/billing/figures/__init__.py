"""Figures over everybody for the operator's home: what came in lately, what failed, what waits for an answer.

Owns nothing that is kept. Does not own: who may look (the caller has seen that it is staff).
Invariants: each figure is read from an index over the days asked for; amounts of different currencies are never added.
What each time means: days are of UTC, by when an invoice was issued or a payment tried.
"""

from .model import Disputes, Takings
from .service import disputes_waiting, failed_deliveries, failed_payments, takings

__all__ = ["Disputes", "Takings", "disputes_waiting", "failed_deliveries", "failed_payments", "takings"]
