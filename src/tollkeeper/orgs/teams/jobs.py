"""Background work of memberships: telling people by mail who came, and what they may do now."""

from uuid import UUID

from tollkeeper.identity import Notification, find_users, write_to
from tollkeeper.infra import Job, Tx, job
from tollkeeper.kit import Permission
from tollkeeper.orgs.service import find_organization

from .service import people_who_may


@job("orgs.tell_team")
async def tell_team(tx: Tx, *, organization_id: str, user_id: str, role: str, joined: bool) -> None:
    """Tell those who look after the members that somebody joined, or somebody that their role is another."""
    organization = await find_organization(tx, organization_id)
    who = (await find_users(tx, [UUID(user_id)])).get(UUID(user_id))
    if organization is None or who is None:  # gone meanwhile
        return
    if joined:
        told = [each for each in await people_who_may(tx, organization.id, Permission.MEMBERS_MANAGE) if each != who.id]
        title, what = f"{who.name} joined", f"{who.name} ({who.email}) joined as {role}."
    else:
        told, title, what = [who.id], f"You are {role} now", f"Your role is {role} now."
    data = {"organization": organization.name, "title": title, "what": what}
    await write_to(tx, told, "team_changed", sort=Notification.TEAM, **data)


jobs: list[Job] = [tell_team]
