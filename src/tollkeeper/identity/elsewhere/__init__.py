"""People whom another service vouches for: OpenID Connect issuers and GitHub.

Owns: the protocol with them, and which identity elsewhere is whose.
Does not own: accounts and organizations that somebody new gets, and who may come in (orgs), the pages.
Invariants: what a provider says counts only for the attempt that this browser began, and once its signature, issuer,
audience, nonce and times hold; an identity is one person's; what one provider says never stands for an identity at
another; nobody unlinks their only way in.
What each time means: `Attempt.expires_at` is the first moment an attempt is over, of the wall clock; times of ID tokens
are the wall clock's, too, give or take a minute.
"""

from .model import (
    ATTEMPT_LIFE,
    AccountNotLinkedError,
    Attempt,
    AttemptEndedError,
    EmailNotVouchedError,
    Identity,
    IdentityNotFoundError,
    IdentityTakenError,
    LastWayInError,
    Provider,
    ProviderDownError,
    ProviderNotFoundError,
    SignInBrokenError,
    SignInRefusedError,
    Vouched,
)
from .outside import Outside
from .rules import new_attempt
from .service import (
    forget_provider,
    identify,
    link,
    list_identities,
    open_attempt,
    provider_named,
    providers,
    seal_attempt,
    unlink,
    unlink_all,
    uses_provider,
)
from .tables import identities

__all__ = [
    "ATTEMPT_LIFE",
    "AccountNotLinkedError",
    "Attempt",
    "AttemptEndedError",
    "EmailNotVouchedError",
    "Identity",
    "IdentityNotFoundError",
    "IdentityTakenError",
    "LastWayInError",
    "Outside",
    "Provider",
    "ProviderDownError",
    "ProviderNotFoundError",
    "SignInBrokenError",
    "SignInRefusedError",
    "Vouched",
    "forget_provider",
    "identify",
    "identities",
    "link",
    "list_identities",
    "new_attempt",
    "open_attempt",
    "provider_named",
    "providers",
    "seal_attempt",
    "unlink",
    "unlink_all",
    "uses_provider",
]
