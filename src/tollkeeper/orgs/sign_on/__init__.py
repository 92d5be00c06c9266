"""Signing in elsewhere as organizations see it: who is let in as whom, and an organization's own single sign-on.

Owns: domains that organizations claim, their connections to issuers, and the rules by which somebody whom another
service vouches for becomes one of us, or a member.
Does not own: the protocol with issuers and what is linked (identity.elsewhere), memberships (teams), the pages.
Invariants: an account is linked by address only when we have verified the address, too; over an organization's
connection only addresses of domains shown to be theirs come in; a domain is one organization's; passwords can only be
forbidden by who has come in without; no connection makes an owner.
What each time means: `verified_at` is since when a domain counts.
"""

from .model import (
    Connection,
    ConnectionNotFoundError,
    DnsUnavailableError,
    Domain,
    DomainNotFoundError,
    DomainNotShownError,
    DomainTakenError,
    PasswordsNeededError,
    ShownBy,
    SsoRequiredError,
)
from .records import DomainRecords, NameServers, provide
from .rules import is_shown
from .service import (
    DEFAULT_ROLE,
    ConnectionWish,
    Entered,
    accept_domain,
    claim_domain,
    come_in,
    connection_for,
    connection_of,
    find_domain,
    holds_domain_of,
    list_domains,
    must_allow_password,
    provider_of_connection,
    release_domain,
    remove_connection,
    role_for_newcomers,
    set_up_connection,
)
from .tables import organization_domains, sso_connections

__all__ = [
    "DEFAULT_ROLE",
    "Connection",
    "ConnectionNotFoundError",
    "ConnectionWish",
    "DnsUnavailableError",
    "Domain",
    "DomainNotFoundError",
    "DomainNotShownError",
    "DomainRecords",
    "DomainTakenError",
    "Entered",
    "NameServers",
    "PasswordsNeededError",
    "ShownBy",
    "SsoRequiredError",
    "accept_domain",
    "claim_domain",
    "come_in",
    "connection_for",
    "connection_of",
    "find_domain",
    "holds_domain_of",
    "is_shown",
    "list_domains",
    "must_allow_password",
    "organization_domains",
    "provide",
    "provider_of_connection",
    "release_domain",
    "remove_connection",
    "role_for_newcomers",
    "set_up_connection",
    "sso_connections",
]
