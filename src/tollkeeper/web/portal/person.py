"""Who looks at a customer's page: somebody logged in, in one organization."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from tollkeeper.identity import get_user
from tollkeeper.infra import Tx, optional_actor
from tollkeeper.kit import Actor, ActorKind, Permission, UnauthenticatedError
from tollkeeper.orgs import get_organization


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person and the organization a page is shown for."""

    email: str
    name: str
    organization: str


def logged_in(request: Request) -> Actor:
    """Return the actor of the browser session.

    Raises:
        UnauthenticatedError: nobody is logged in; the error page turns that into the log-in page.
    """
    actor = optional_actor(request)
    if actor is None or actor.kind is not ActorKind.SESSION:
        raise UnauthenticatedError
    return actor


PersonDep = Annotated[Actor, Depends(logged_in)]


async def load_viewer(tx: Tx, actor: Actor) -> Viewer:
    """Return whose name stands on the page."""
    if actor.user_id is None:
        raise UnauthenticatedError
    user = await get_user(tx, actor.user_id)
    organization = await get_organization(tx, actor.own_organization())
    return Viewer(user.email, user.name, organization.name)


def may(actor: Actor, permission: Permission) -> bool:
    """Whether buttons that need this permission are shown."""
    return permission in actor.permissions
