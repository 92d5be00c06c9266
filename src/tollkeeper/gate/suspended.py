"""What a suspended organization may still do.

Its keys do nothing, and nobody uses anything for it, an operator included. Its people log in, see and export
everything, pay, cancel and change how they pay, look after their own account, and go on in another organization; they
change nothing else. What it bought goes on being billed as it was, until somebody cancels it.
"""

from dataclasses import replace

from tollkeeper.infra import Tx
from tollkeeper.kit import Actor, ActorKind, Permission
from tollkeeper.orgs import OrganizationReinstated, OrganizationSuspended, OrganizationSuspendedError

from . import store
from .impersonating import LOOKING

OPEN = (
    # Coming and going, proving oneself, one's own account and one's other organizations.
    *("/login", "/logout", "/step-up", "/signup", "/verify", "/password", "/auth/", "/invitation", "/api/auth/"),
    *("/security", "/profile", "/notifications", "/api/profile", "/organizations", "/api/organizations", "/team/leave"),
    # What it pays, and no more of it: of changes to the subscription, those that end it.
    *("/billing/payment-methods", "/billing/details", "/billing/portal", "/billing/pay", "/billing/cancel"),
    *("/api/billing/", "/api/stripe/portal", "/api/subscription/cancel", "/api/subscription/preview"),
    # The operator's staff act for others, whatever became of their own.
    *("/admin", "/api/staff/", "/api/csp-reports", "/api/webhooks/"),
)
"""How addresses begin that its people may send something to."""
ASKING = (
    *("/billing/change", "/billing/addons", "/billing/promotion"),
    *("/billing/pause", "/billing/unpause", "/billing/reactivate"),
    *("/team/members/", "/team/roles/", "/team/transfer", "/team/sign-on"),
)
"""How addresses of pages begin that do nothing but ask for what is refused, so they are refused themselves."""
LEFT = LOOKING | {Permission.BILLING_MANAGE}
"""What its people may still do, as far as permissions tell. Pages show the forms of these alone."""


def must_not_be_suspended(actor: Actor, path: str, *, writes: bool) -> None:
    """Refuse what somebody of a suspended organization asks for, unless they may.

    Raises:
        OrganizationSuspendedError: they may not.
    """
    if actor.kind is ActorKind.API_KEY or path.startswith(ASKING) or (writes and not path.startswith(OPEN)):
        raise OrganizationSuspendedError


def left_to(actor: Actor) -> Actor:
    """Return somebody of a suspended organization with what they may still do there."""
    return replace(actor, permissions=actor.permissions & LEFT)


async def on_suspended(tx: Tx, event: OrganizationSuspended) -> None:
    """Nothing may be used by an organization from now on; every worker hears of it with the commit."""
    await store.set_suspended(tx, event.organization_id, event.suspended_at)
    await tx.changed("organization", event.organization_id)


async def on_reinstated(tx: Tx, event: OrganizationReinstated) -> None:
    """What was bought may be used again."""
    await store.set_suspended(tx, event.organization_id, None)
    await tx.changed("organization", event.organization_id)
