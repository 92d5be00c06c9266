"""Organizations: the customers, who belongs to them and as what, and the way in for people.

Owns: organizations, memberships and roles, the acts of signing up and logging in, and the addresses about people, keys
and customers.
Does not own: proofs of identity (identity), plans and usage (upper floors).
Invariants: a new person owns one organization of their own; an external id names one organization; a member reaches
no organization but their own, and another's is answered as if it did not exist.
What each time means: `Organization.created_at` is when the customer came; free periods are anchored to it.
"""

from .http import clear_session_cookie, client_of, log_in, register, router, set_session_cookie
from .model import (
    Client,
    ExternalIdTakenError,
    Member,
    NoOrganizationError,
    OperatorNeededError,
    Organization,
    OrganizationCreated,
    OrganizationNotFoundError,
    PersonNeededError,
    SignedIn,
)
from .service import (
    actor_of_member,
    create_organization,
    find_organization,
    find_organizations,
    get_organization,
    list_organizations,
    member_of,
    must_be_operator,
    organization_for,
    refresh,
    sign_in,
    sign_up,
)

__all__ = [
    "Client",
    "ExternalIdTakenError",
    "Member",
    "NoOrganizationError",
    "OperatorNeededError",
    "Organization",
    "OrganizationCreated",
    "OrganizationNotFoundError",
    "PersonNeededError",
    "SignedIn",
    "actor_of_member",
    "clear_session_cookie",
    "client_of",
    "create_organization",
    "find_organization",
    "find_organizations",
    "get_organization",
    "list_organizations",
    "log_in",
    "member_of",
    "must_be_operator",
    "organization_for",
    "refresh",
    "register",
    "router",
    "set_session_cookie",
    "sign_in",
    "sign_up",
]
