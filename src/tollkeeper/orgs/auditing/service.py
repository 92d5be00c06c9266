"""Use cases of reading the trail."""

from uuid import UUID

from tollkeeper.identity import find_users
from tollkeeper.infra import Sought, Tx, search_trail
from tollkeeper.kit import Actor, Page, Permission
from tollkeeper.orgs.service import organization_for

from .model import Told


async def whose_trail(tx: Tx, actor: Actor, customer: str | None) -> UUID | None:
    """Return whose records the caller asks for; None: everybody's, which is for operators who name no customer.

    Raises:
        ForbiddenError: the caller may not read the trail.
        OrganizationNotFoundError: there is none of this name, or it is not the caller's.
    """
    actor.must(Permission.AUDIT_READ)
    if customer is None and actor.is_operator:
        return None
    return (await organization_for(tx, actor, customer)).id


async def read_trail(tx: Tx, sought: Sought, *, cursor: UUID | None = None, limit: int = 50) -> Page[Told]:
    """Return one page of what is looked for, newest first."""
    page = await search_trail(tx, sought, cursor=cursor, limit=limit)
    async with tx.beyond_tenant():  # those who acted may be staff, or belong to it no more
        people = await find_users(tx, {each.origin.user_id for each in page.data if each.origin.user_id})
    told = [Told(each, people.get(each.origin.user_id) if each.origin.user_id else None) for each in page.data]
    return Page(told, page.next_cursor)
