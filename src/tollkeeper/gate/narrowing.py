"""Which requests see one tenant's rows alone: all of a member or a key of an organization, but for open doors."""

from starlette.types import ASGIApp, Receive, Scope, Send

from tollkeeper.infra import Tenant, only_rows_of
from tollkeeper.kit import Actor

from .admission import COOKIELESS_PATHS, SAFE_METHODS

OPEN = (
    # Whoever comes, logged in already or not, may turn out to be somebody else, or of another organization.
    *("/login", "/signup", "/verify", "/password/", "/auth/elsewhere/", "/invitation"),
    *("/api/invitations/accept", "/api/invitations/join", "/api/invitations/look"),
    # Who leaves for good leaves all their organizations; staff look after all there are.
    *("/api/profile/deletion", "/profile/delete", "/api/staff/", "/staff", "/admin"),
)
"""How addresses begin behind which something is about people or organizations in general, and checked as such."""
OPEN_TO_WRITE = (
    "/api/auth/",
    "/logout",  # staff who stop acting as somebody have a session of their own, elsewhere
    # A person's organizations are several: they found, enter and leave them.
    *("/organizations", "/api/organizations", "/team/leave"),
    # A domain belongs to one organization; who is provisioned may be known already.
    *("/api/sso/domains", "/team/sign-on/domains", "/api/scim/"),
)
"""The same for calls that change something; reading sees no more than elsewhere."""


class Narrowing:
    """ASGI middleware inside admission, which has found out who calls."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        with only_rows_of(_tenant(scope)):
            await self._app(scope, receive, send)


def _tenant(scope: Scope) -> Tenant | None:
    """Return whose rows alone the request may see; None: everybody's, since it is about no tenant, or any."""
    actor: Actor | None = scope.get("state", {}).get("actor")
    if actor is None or actor.organization_id is None:
        return None
    path: str = scope["path"]
    writes = scope["method"] not in SAFE_METHODS
    if path in COOKIELESS_PATHS or path.startswith(OPEN) or (writes and path.startswith(OPEN_TO_WRITE)):
        return None
    return Tenant(actor.organization_id, actor.user_id)
