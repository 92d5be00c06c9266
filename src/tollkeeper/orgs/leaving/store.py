"""Every SQL statement of leaving."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import case, delete, select, update

from tollkeeper.infra import Tx
from tollkeeper.kit import Role
from tollkeeper.orgs.invitations import invitations
from tollkeeper.orgs.tables import members, organizations

NAME_OF_NOBODY = "Deleted organization"
_RANKS = {Role.OWNER: 0, Role.ADMIN: 1}


async def heirs(tx: Tx, organization_id: UUID, without: UUID) -> Sequence[UUID]:
    """Return the other members, who is nearest to owning the organization first: by role, then by how long.

    Who is suspended comes after everybody else.
    """
    query = (
        select(members.c.user_id)
        .where(members.c.organization_id == organization_id, members.c.user_id != without)
        .order_by(
            members.c.suspended_at.is_not(None),
            case(_RANKS, value=members.c.role, else_=len(_RANKS)),
            members.c.created_at,
            members.c.user_id,
        )
    )
    return list((await tx.connection.execute(query)).scalars())


async def make_owner(tx: Tx, organization_id: UUID, user_id: UUID) -> bool:
    """Have the member own the organization, suspended or not; False when they did before."""
    changed = await tx.connection.execute(
        update(members)
        .where(
            members.c.organization_id == organization_id,
            members.c.user_id == user_id,
            members.c.role.is_distinct_from(Role.OWNER) | members.c.suspended_at.is_not(None),
        )
        .values(role=Role.OWNER, role_id=None, suspended_at=None)
        .returning(members.c.user_id)
    )
    return changed.first() is not None


async def empty(tx: Tx, organization_id: UUID) -> None:
    """Take the last members out of the organization, and what it was called: that is often a person's name."""
    await tx.connection.execute(delete(members).where(members.c.organization_id == organization_id))
    await tx.connection.execute(
        update(organizations).where(organizations.c.id == organization_id).values(name=NAME_OF_NOBODY, external_id=None)
    )


async def remove_invitations(tx: Tx, email: str) -> None:
    """Delete invitations to this address, open or not."""
    await tx.connection.execute(delete(invitations).where(invitations.c.email == email))


async def is_only_owner(tx: Tx, organization_id: UUID, user_id: UUID) -> bool:
    """Whether the person is an owner, and no other member is one who is not suspended."""
    query = select(members.c.user_id, members.c.suspended_at).where(
        members.c.organization_id == organization_id, members.c.role == Role.OWNER
    )
    owners = (await tx.connection.execute(query)).all()
    others = [each for each in owners if each.user_id != user_id and each.suspended_at is None]
    return not others and any(each.user_id == user_id for each in owners)
