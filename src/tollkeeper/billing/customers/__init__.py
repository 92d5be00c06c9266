"""Which customer of the provider an organization is.

Owns: the pairing of organizations with the provider's customers, and what is mirrored of them.
Does not own: what they bought. Invariants: an organization has at most one living customer at a provider account.
What each time means: `created_at` and `deleted_at` are when we learnt of it; `synced_at` is when we last asked.
"""

from .model import Customer, NoCustomerError
from .service import (
    ensure_customer,
    find_customer,
    forget_email,
    get_customer,
    known_customer,
    list_customers,
    match_customer,
    mirror_customer,
)
from .tables import CUSTOMERS

__all__ = [
    "CUSTOMERS",
    "Customer",
    "NoCustomerError",
    "ensure_customer",
    "find_customer",
    "forget_email",
    "get_customer",
    "known_customer",
    "list_customers",
    "match_customer",
    "mirror_customer",
]
