"""The public pages: home, pricing, sign-up, log-in, documentation, status, legal texts. Owns no data."""

from . import (
    account,
    crawlers,
    documentation,
    elsewhere,
    http,
    invitation,
    legal,
    proofs,
    second_step,
    status,
)
from .status import watch_status

# The documentation takes every address below its own that none before it has taken.
routers = [
    each.router
    for each in (http, account, elsewhere, second_step, proofs, invitation, documentation, status, legal, crawlers)
]

__all__ = ["routers", "watch_status"]
