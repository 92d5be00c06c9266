"""Finding organizations among very many: by how they are called, and listing all of them.

Owns nothing that is kept. Does not own: who may look (the caller has seen that it is staff).
Invariants: every question is answered from an index, however many organizations there are.
"""

from .service import (
    OrganizationOrder,
    browse_organizations,
    founded_by_day,
    organizations_called,
    organizations_of_ids,
)

__all__ = [
    "OrganizationOrder",
    "browse_organizations",
    "founded_by_day",
    "organizations_called",
    "organizations_of_ids",
]
