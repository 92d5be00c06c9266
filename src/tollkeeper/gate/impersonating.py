"""What staff may do while they act as somebody else: look, and stop."""

from dataclasses import replace
from uuid import UUID

from tollkeeper.identity import Session
from tollkeeper.kit import Actor, ForbiddenError, Permission

STOPPING = frozenset({"/logout", "/api/auth/logout"})
# What is the person's alone, even to look at: the file of everything that is held of them, and secrets being enrolled.
PRIVATE = ("/api/profile/exports", "/profile/export", "/security/")
LOOKING = frozenset(each for each in Permission if each.endswith(":read"))


class ImpersonatedError(ForbiddenError):
    """A member of staff who acts as somebody else may look, and change nothing."""

    code = "impersonated"
    title = "This is not done while acting as somebody else"
    hint = "Stop acting as them; what staff change for a customer they change in their own name."


def impersonator_of(state: dict[str, object]) -> UUID | None:
    """Return the member of staff whose browser sent the request in truth; None: it is the person's own."""
    session = state.get("session")
    return session.impersonator_id if isinstance(session, Session) else None


def lessened(actor: Actor) -> Actor:
    """Return the person as staff act as them: with nothing but what can be looked at."""
    return replace(actor, permissions=actor.permissions & LOOKING)


def must_only_look(path: str, *, writes: bool) -> None:
    """Raise ImpersonatedError unless the request changes nothing and asks for nothing that is the person's alone."""
    if path not in STOPPING and (writes or path.startswith(PRIVATE)):
        raise ImpersonatedError
