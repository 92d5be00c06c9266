"""Use cases of leaving: asking for it, and what becomes of organizations when somebody is deleted."""

from uuid import UUID

from tollkeeper.identity import (
    Deletion,
    PersonErased,
    PersonNotFoundError,
    ask_for_deletion,
    be_due_now,
    due_deletions,
    erase_person,
    find_credentials,
    find_deletion,
    get_user,
    keep_account,
    list_keys,
    normalise_email,
    revoke_key,
)
from tollkeeper.infra import Tx
from tollkeeper.notify import send_mail
from tollkeeper.orgs.model import MembersChanged
from tollkeeper.orgs.teams import LastOwnerError, hold_still, leave, memberships_of, organizations_of, seats_of

from . import store
from .model import OrganizationAbandoned

_PAGE = 100


async def ask_to_leave(tx: Tx, user_id: UUID) -> Deletion:
    """Note that the person wants to be deleted, and write to them; asking twice changes nothing.

    Raises:
        LastOwnerError: an organization with other members would be left without an owner.
    """
    before = await find_deletion(tx, user_id)
    if before is not None:
        return before
    await _must_be_missed_by_none(tx, user_id)
    wish = await ask_for_deletion(tx, user_id)
    user = await get_user(tx, user_id)
    await send_mail(tx, to=user.email, template="deletion_requested", name=user.name, due_at=wish.due_at.isoformat())
    await tx.record("person.deletion_requested", target=("user", user_id), after={"due_at": wish.due_at})
    return wish


async def _must_be_missed_by_none(tx: Tx, user_id: UUID) -> None:
    left = []
    async with tx.beyond_tenant():  # all their organizations count, not only the one they act for
        for place in await organizations_of(tx, user_id):
            others = await store.heirs(tx, place.organization.id, user_id)
            if others and await store.is_only_owner(tx, place.organization.id, user_id):
                left.append(place.organization)
    if left:
        names = ", ".join(each.name for each in left)
        raise LastOwnerError(f"You are the only owner of {names}.", organizations=[str(each.id) for each in left])


async def stay(tx: Tx, user_id: UUID) -> None:
    """Take the wish to be deleted back; without one nothing changes."""
    if await keep_account(tx, user_id):
        await tx.record("person.deletion_cancelled", target=("user", user_id))


async def people_to_delete(tx: Tx, *, most: int) -> list[UUID]:
    """Return who is to be deleted by now, at most so many."""
    return list(await due_deletions(tx, most=most))


async def delete_person(tx: Tx, user_id: UUID) -> bool:
    """Delete a person whose days of grace are over; False when they stay, or are gone already."""
    return await erase_person(tx, user_id)


async def delete_by_email(tx: Tx, email: str) -> None:
    """Delete the person with this address now, whether or not they asked here: the operator says so.

    Raises:
        PersonNotFoundError: nobody has the address.
    """
    known = await find_credentials(tx, normalise_email(email))
    if known is None:
        raise PersonNotFoundError
    await be_due_now(tx, known.user_id)
    await erase_person(tx, known.user_id)


async def on_person_erased(tx: Tx, event: PersonErased) -> None:
    """Take somebody who is being deleted out of their organizations.

    One that would be without an owner gets the member nearest to it; one without any members is given up.
    """
    for organization_id in await memberships_of(tx, event.user_id):
        await hold_still(tx, organization_id)
        others = await store.heirs(tx, organization_id, event.user_id)
        if not others:
            await _give_up(tx, organization_id)
            continue
        if await store.is_only_owner(tx, organization_id, event.user_id):
            await _inherit(tx, organization_id, others[0])
        await leave(tx, organization_id, event.user_id)
    await store.remove_invitations(tx, event.email)


async def _inherit(tx: Tx, organization_id: UUID, heir: UUID) -> None:
    await store.make_owner(tx, organization_id, heir)
    await tx.record(
        "member.role_changed", target=("user", heir), organization_id=organization_id, after={"role": "owner"}
    )


async def _give_up(tx: Tx, organization_id: UUID) -> None:
    while keys := (await list_keys(tx, organization_id, limit=_PAGE)).data:
        for key in keys:
            await revoke_key(tx, organization_id, key.id)
    await store.empty(tx, organization_id)
    await tx.emit(
        MembersChanged(organization_id=organization_id, seats=await seats_of(tx, organization_id), rises=False)
    )
    await tx.emit(OrganizationAbandoned(organization_id=organization_id))
    await tx.record("organization.abandoned", target=("organization", organization_id), organization_id=organization_id)
    await tx.changed("organization", organization_id)
