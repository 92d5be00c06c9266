"""Who does something and where from, read from a request."""

from uuid import UUID

from starlette.types import Scope

from tollkeeper.kit import Actor

from .model import NOBODY, Origin

_MAX_USER_AGENT = 400


def origin_of(scope: Scope, actor: Actor | None, impersonator_id: UUID | None = None) -> Origin:
    """Return who sends this request and from where.

    Args:
        scope: the request's; what the router added to it is not waited for.
        actor: who calls; None: nobody who proved it.
        impersonator_id: the member of staff whose browser it is in truth; None: it is the person's own.
    """
    client = scope.get("client")
    agent = next((value for name, value in scope["headers"] if name == b"user-agent"), b"")
    return Origin(
        kind=str(actor.kind) if actor else NOBODY,
        user_id=actor.user_id if actor else None,
        credential_id=actor.credential_id if actor else None,
        impersonator_id=impersonator_id,
        via=f"{scope['method']} {_address(scope)}",
        ip=client[0] if client else "",
        user_agent=agent.decode("latin-1").replace("\x00", "")[:_MAX_USER_AGENT],
        request_id=scope.get("state", {}).get("request_id", ""),
    )


def _address(scope: Scope) -> str:
    """Name the call without what stands in its address for one thing: that may be the secret of a link."""
    names = {str(value): name for name, value in scope.get("path_params", {}).items()}
    path: str = scope["path"]
    return "/".join(f"{{{names[part]}}}" if part in names else part for part in path.split("/"))
