"""Use cases of acting as somebody else."""

from datetime import timedelta

from tollkeeper.identity import OpenedSession, must_be_fresh
from tollkeeper.identity.staff import begin_impersonation, find_person, must_be_staff
from tollkeeper.infra import Tx
from tollkeeper.kit import Actor
from tollkeeper.orgs.model import Client, Member, NoOrganizationError, OrganizationNotFoundError
from tollkeeper.orgs.service import find_organization, member_of


async def act_as(
    tx: Tx, actor: Actor, email: str, organization: str | None, *, reason: str, life: timedelta, client: Client
) -> tuple[Member, OpenedSession]:
    """Open a browser session in which the caller, a member of staff, acts as somebody else.

    Args:
        tx: the transaction.
        actor: who calls, in their own name.
        email: as whom.
        organization: for which of their organizations, by id or external id; None: where they would log in.
        reason: why.
        life: until it ends by itself, an hour at most.
        client: the browser.

    Raises:
        StaffNeededError: the caller is not of staff.
        StepUpNeededError: they proved who they are too long ago.
        PersonNotFoundError, OrganizationNotFoundError: there is no such person, or they do not belong to it.
        NotImpersonableError: the person is staff.
    """
    staff = await must_be_staff(tx, actor)
    await must_be_fresh(tx, actor)
    user = await find_person(tx, email)
    named = await find_organization(tx, organization) if organization is not None else None
    if organization is not None and named is None:
        raise OrganizationNotFoundError
    try:
        member = await member_of(tx, user.id, named.id if named else None)
    except NoOrganizationError:
        raise OrganizationNotFoundError from None
    opened = await begin_impersonation(
        tx, staff, user, member.organization.id, reason=reason, life=life, user_agent=client.user_agent, ip=client.ip
    )
    return member, opened
