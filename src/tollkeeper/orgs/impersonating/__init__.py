"""Staff who act as a member of an organization: as whom, for which of their organizations, why and for how long.

Owns: nothing that is kept. Does not own: the sessions (identity), what may be done in them (the gate).
Invariants: staff prove themselves again before; the person belongs to the organization; a reason is given.
What each time means: as of the session.
"""

from .service import act_as

__all__ = ["act_as"]
