"""Finding what the provider knows by an id of its own, or an invoice by its number, for staff.

Owns nothing that is kept. Does not own: who may look (the caller has seen that it is staff).
Invariants: every question is answered from an index; only what is of the account in use is found.
"""

from .model import Found, Kind
from .service import things_called

__all__ = ["Found", "Kind", "things_called"]
