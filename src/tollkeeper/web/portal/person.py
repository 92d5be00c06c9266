"""Who looks at a customer's page: somebody logged in, in one organization."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from tollkeeper.identity import Portrait, Theme, portrait_of
from tollkeeper.infra import Tx, optional_actor
from tollkeeper.kit import Actor, ActorKind, Permission, UnauthenticatedError
from tollkeeper.orgs import Organization, get_organization, organizations_of
from tollkeeper.web.ui import written_for


@dataclass(frozen=True, slots=True)
class Place:
    """An organization the viewer can switch to. `is_here`: the page is shown for it."""

    id: UUID
    name: str
    is_here: bool


@dataclass(frozen=True, slots=True)
class Own:
    """What the viewer chose for every page.

    `theme` is empty for the browser's, `locale` and `time_zone` are as long as they are what everybody begins with.
    `leaving_at` is when they will be deleted; None: they stay.
    """

    theme: str = ""
    locale: str = ""
    time_zone: str = ""
    has_picture: bool = False
    leaving_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person and the organization, their `home`, that a page is shown for.

    `places` are all that they belong to. `sees_trail`: they may read what was done in the organization.
    """

    email: str
    name: str
    home: Organization
    places: tuple[Place, ...] = ()
    sees_trail: bool = False
    own: Own = Own()

    @property
    def organization(self) -> str:
        """What the organization is called."""
        return self.home.name

    @property
    def is_suspended(self) -> bool:
        """Whether the organization may use nothing, and its people buy nothing for it."""
        return self.home.suspended_at is not None

    @property
    def suspension(self) -> str:
        """Why the organization may use nothing, in the operator's words; empty: it may."""
        return self.home.suspension or ""


async def logged_in(request: Request) -> Actor:
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
    """Return whose name stands on the page, and how they want it to look."""
    if actor.user_id is None:
        raise UnauthenticatedError
    portrait = await portrait_of(tx, actor.user_id)
    user, own = portrait.user, _own(portrait)
    written_for(own.locale)
    theirs = [each.organization for each in await organizations_of(tx, user.id)]
    here = actor.own_organization()
    home = next((each for each in theirs if each.id == here), None) or await get_organization(tx, here)
    places = tuple(Place(each.id, each.name, each.id == here) for each in theirs)
    return Viewer(user.email, user.name, home, places, may(actor, Permission.AUDIT_READ), own)


def _own(portrait: Portrait) -> Own:
    user, theme = portrait.user, portrait.preferences.theme
    return Own(
        theme="" if theme is Theme.SYSTEM else theme.value,
        locale="" if user.locale == "en" else user.locale,
        time_zone="" if user.time_zone == "UTC" else user.time_zone,
        has_picture=portrait.has_picture,
        leaving_at=portrait.leaving_at,
    )


def may(actor: Actor, permission: Permission) -> bool:
    """Whether buttons that need this permission are shown.

    In a suspended organization the actor has only those that are of use there (`tollkeeper.gate.suspended`).
    """
    return permission in actor.permissions


def may_buy(actor: Actor, viewer: Viewer) -> bool:
    """Whether buttons are shown by which more is bought; people of a suspended organization only pay and cancel."""
    return may(actor, Permission.BILLING_MANAGE) and not viewer.is_suspended
