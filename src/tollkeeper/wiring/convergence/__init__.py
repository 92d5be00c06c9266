"""The convergence kit: a history of events, delivered in many orders, twice and at once, must end in one state.

Owns: scratch databases, dropped when it is done. Does not own: what processing an event means (billing).
Invariants: the product's own tables are only read. What each time means: none is compared that is ours.
"""

from .trials import Trial, converge, read_history

__all__ = ["Trial", "converge", "read_history"]
