"""Add-ons: what is bought beside a plan, and what it adds to what the plan allows.

Owns: how add-ons are kept, compared and summed up. Does not own: who has which (billing).
Invariants: an amount is only ever added, once a unit; a price never changes but for being withdrawn.
What each time means: `archived_at` is since when nobody can buy more of it; those who have it keep it.
"""

from .rules import Source, compare_addons, entitled, find_addon, sources_of
from .service import apply_addons
from .store import list_addon_prices, load_addons

__all__ = [
    "Source",
    "apply_addons",
    "compare_addons",
    "entitled",
    "find_addon",
    "list_addon_prices",
    "load_addons",
    "sources_of",
]
