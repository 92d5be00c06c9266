"""Every SQL statement of memberships. Rows become frozen values here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, delete, func, select, update

from tollkeeper.infra import Tx
from tollkeeper.kit import Role
from tollkeeper.orgs.model import Organization
from tollkeeper.orgs.roles import ROLE_COLUMNS, TeamRole, named_columns, role_of_row, roles
from tollkeeper.orgs.tables import members, organizations

from .model import TeamPlace


class Row(NamedTuple):
    """A membership as it is kept."""

    user_id: UUID
    role: TeamRole
    joined_at: datetime
    suspended_at: datetime | None


def _members(organization_id: UUID) -> Select[Any]:
    kept = (members.c.user_id, members.c.role, members.c.created_at, members.c.suspended_at)
    joined = select(*kept, *ROLE_COLUMNS).join_from(members, roles, roles.c.id == members.c.role_id, isouter=True)
    return joined.where(members.c.organization_id == organization_id)


def _row(row: Any) -> Row:
    return Row(row["user_id"], role_of_row(row), row["created_at"], row["suspended_at"])


async def lock(tx: Tx, organization_id: UUID) -> bool:
    """Have nobody else change the organization's members until the end of the transaction; False: there is none."""
    # Not `for update`: rows that point at the organization may be written meanwhile.
    statement = select(organizations.c.id).where(organizations.c.id == organization_id).with_for_update(key_share=True)
    return (await tx.connection.execute(statement)).first() is not None


async def members_of(tx: Tx, organization_id: UUID, *, after: UUID | None, limit: int | None) -> Sequence[Row]:
    """Return memberships by the person's id, at most `limit` (None: all), beyond `after`."""
    statement = _members(organization_id).order_by(members.c.user_id).limit(limit)
    if after is not None:
        statement = statement.where(members.c.user_id > after)
    return [_row(row) for row in (await tx.connection.execute(statement)).mappings()]


async def member(tx: Tx, organization_id: UUID, user_id: UUID) -> Row | None:
    """Return one membership, suspended or not."""
    found = await tx.connection.execute(_members(organization_id).where(members.c.user_id == user_id))
    row = found.mappings().first()
    return _row(row) if row else None


async def owners(tx: Tx, organization_id: UUID) -> set[UUID]:
    """Return the owners who are not suspended."""
    found = await tx.connection.execute(
        select(members.c.user_id).where(
            members.c.organization_id == organization_id,
            members.c.role == Role.OWNER,
            members.c.suspended_at.is_(None),
        )
    )
    return set(found.scalars())


async def seats(tx: Tx, organization_id: UUID) -> int:
    """Return how many members there are who are not suspended."""
    found = await tx.connection.execute(
        select(func.count())
        .select_from(members)
        .where(members.c.organization_id == organization_id, members.c.suspended_at.is_(None))
    )
    return int(found.scalar_one())


async def change(tx: Tx, organization_id: UUID, user_id: UUID, **values: Any) -> None:
    """Set columns of a membership."""
    await tx.connection.execute(
        update(members)
        .where(members.c.organization_id == organization_id, members.c.user_id == user_id)
        .values(**values)
    )


async def set_role(tx: Tx, organization_id: UUID, user_id: UUID, role: TeamRole) -> None:
    """Give a member a role."""
    await change(tx, organization_id, user_id, **named_columns(role))


async def remove(tx: Tx, organization_id: UUID, user_id: UUID) -> None:
    """Delete a membership."""
    await tx.connection.execute(
        delete(members).where(members.c.organization_id == organization_id, members.c.user_id == user_id)
    )


async def places(tx: Tx, user_id: UUID) -> Sequence[TeamPlace]:
    """Return the organizations a person belongs to and is not suspended from, by when they joined."""
    joined = (
        select(*organizations.c, members.c.role, members.c.created_at.label("joined_at"), *ROLE_COLUMNS)
        .join_from(members, organizations, organizations.c.id == members.c.organization_id)
        .join(roles, roles.c.id == members.c.role_id, isouter=True)
        .where(members.c.user_id == user_id, members.c.suspended_at.is_(None))
        .order_by(members.c.created_at, members.c.organization_id)
    )
    return [
        TeamPlace(
            Organization(**{name: row[name] for name in Organization.__dataclass_fields__}),
            role_of_row(row),
            row["joined_at"],
        )
        for row in (await tx.connection.execute(joined)).mappings()
    ]


async def memberships_of(tx: Tx, user_id: UUID) -> Sequence[UUID]:
    """Return every organization the person belongs to, those that suspended them included."""
    query = select(members.c.organization_id).where(members.c.user_id == user_id)
    return list((await tx.connection.execute(query.order_by(members.c.organization_id))).scalars())


async def rename(tx: Tx, organization_id: UUID, name: str) -> None:
    """Give the organization another name."""
    await tx.connection.execute(update(organizations).where(organizations.c.id == organization_id).values(name=name))
