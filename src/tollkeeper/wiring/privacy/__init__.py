"""Personal data: the inventory of what is held of people, their exports made from it, and the check that they are gone.

Owns: the inventory. Does not own: the deletion itself; each domain hears of it and lets go of what it holds.
Invariants: every table stands in the inventory once.
"""

from .documenting import inventory_page
from .inventory import HELD, NOTHING_OF_PEOPLE, Held
from .service import Residue, check_erasures, collect, find_text

__all__ = [
    "HELD",
    "NOTHING_OF_PEOPLE",
    "Held",
    "Residue",
    "check_erasures",
    "collect",
    "find_text",
    "inventory_page",
]
