"""Who may do what in the database: two roles, what each may touch, and which rows.

Owns: the roles `tollkeeper_app` and `tollkeeper_tenant`, every grant to them, every policy of row-level security.
Does not own: who asks (infra's tenancy), the tables (each domain), the function that makes months of events (metering).
Invariants: the owner alone alters tables; a table that nobody spoke of is closed to tenants; what is declared and what
the database has are made the same by `tollkeeper migrate`, on a new database, an old one, and a restored one.
"""

from .service import RolesMissingError, WallsDownError, arrange, differences, ensure_roles, require_owner
from .walls import CLOSED, READ, Wall, wall_of

__all__ = [
    "CLOSED",
    "READ",
    "RolesMissingError",
    "Wall",
    "WallsDownError",
    "arrange",
    "differences",
    "ensure_roles",
    "require_owner",
    "wall_of",
]
