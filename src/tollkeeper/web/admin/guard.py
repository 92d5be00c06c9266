"""Who looks at the admin's pages: staff, in their own name.

Every page of the admin is behind `must_be_staff` by the router they hang on, whatever a page itself forgets. A page
takes `StaffDep` to know who looks; what changes something takes `AdminDep`: an admin who proved who they are lately.
"""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from tollkeeper.identity import Theme, get_preferences, must_be_fresh
from tollkeeper.identity.staff import StaffNeededError, StaffRole, must_be_staff
from tollkeeper.infra import Runtime, RuntimeDep, optional_actor
from tollkeeper.kit import Actor, ActorKind, UnauthenticatedError
from tollkeeper.web.ui import written_for


class AdminNeededError(StaffNeededError):
    """The act is for staff who are admins."""

    code = "admin_needed"
    title = "This is for admins"
    hint = "Support staff look, note and act as customers; an operator makes somebody admin: `tollkeeper staff add`."


@dataclass(frozen=True, slots=True)
class Taste:
    """How the viewer wants pages to look; empty: as the browser says."""

    theme: str = ""
    locale: str = ""
    time_zone: str = ""


@dataclass(frozen=True, slots=True)
class StaffViewer:
    """The member of staff a page is shown to. `is_admin`: acts are theirs, too; otherwise they look."""

    user_id: UUID
    email: str
    name: str
    is_admin: bool
    actor: Actor
    own: Taste = Taste()


async def staff_viewer(request: Request, runtime: RuntimeDep) -> StaffViewer:
    """Return who looks.

    Raises:
        UnauthenticatedError: nobody is logged in with a browser; the error page turns that into the log-in page.
        StaffNeededError: it is nobody of staff, or somebody of staff who acts as another.
    """
    actor = optional_actor(request)
    if actor is None or actor.kind is not ActorKind.SESSION:
        raise UnauthenticatedError
    async with runtime.transaction(of_all=True) as tx:
        staff = await must_be_staff(tx, actor)
        theme = (await get_preferences(tx, staff.user.id)).theme
    user = staff.user
    written_for("" if user.locale == "en" else user.locale)
    taste = Taste(
        theme="" if theme is Theme.SYSTEM else theme.value,
        locale="" if user.locale == "en" else user.locale,
        time_zone="" if user.time_zone == "UTC" else user.time_zone,
    )
    return StaffViewer(user.id, user.email, user.name, staff.role is StaffRole.ADMIN, actor, taste)


StaffDep = Annotated[StaffViewer, Depends(staff_viewer)]


async def admin_viewer(viewer: StaffDep, runtime: RuntimeDep) -> StaffViewer:
    """Return the admin who acts; the page that asks and the form that does it both want it.

    Raises:
        AdminNeededError: staff of another role.
        StepUpNeededError: they proved who they are too long ago; the error page asks for another proof.
    """
    if not viewer.is_admin:
        raise AdminNeededError
    async with runtime.transaction(of_all=True) as tx:
        await must_be_fresh(tx, viewer.actor)
    return viewer


AdminDep = Annotated[StaffViewer, Depends(admin_viewer)]


async def is_still_staff(runtime: Runtime, viewer: StaffViewer) -> bool:
    """Whether who looks is of the staff still, for what stays open."""
    async with runtime.transaction(of_all=True) as tx:
        try:
            await must_be_staff(tx, viewer.actor)
        except StaffNeededError:
            return False
    return True
