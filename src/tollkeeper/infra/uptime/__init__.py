"""How the parts of the service were, over time. Owns the spans in which a part was in one state, seen again and again.

Does not own: what a part is and what its states mean; whoever looks says so.
Invariants: the spans of a part do not overlap, however many processes look; a time in which nobody looked lies in none.
What each time means: a span reaches from the first look that found the state, or the last one before that found
another, to the last that found it.
"""

from .model import Observation, Span
from .service import forget_spans, note_states, spans_since

__all__ = ["Observation", "Span", "forget_spans", "note_states", "spans_since"]
