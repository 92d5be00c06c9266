"""Every SQL statement of organizations. Rows become frozen values here."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import Text, Uuid, any_, insert, literal, or_, select
from sqlalchemy.dialects import postgresql

from tollkeeper.infra import Tx
from tollkeeper.kit import Role

from .model import Organization
from .tables import members, organizations


async def add_organization(tx: Tx, organization: Organization) -> bool:
    """Insert the organization; False when its external id is taken, also by one that commits meanwhile."""
    statement = postgresql.insert(organizations).values(
        id=organization.id,
        name=organization.name,
        external_id=organization.external_id,
        created_at=organization.created_at,
    )
    added = await tx.connection.execute(
        statement.on_conflict_do_nothing(index_elements=[organizations.c.external_id]).returning(organizations.c.id)
    )
    return added.first() is not None


async def add_member(tx: Tx, organization_id: UUID, user_id: UUID, role: Role) -> None:
    """Insert a membership."""
    await tx.connection.execute(
        insert(members).values(organization_id=organization_id, user_id=user_id, role=role, created_at=tx.now)
    )


async def organization(tx: Tx, organization_id: UUID) -> Organization | None:
    """Return one organization by its id."""
    found = await tx.connection.execute(select(organizations).where(organizations.c.id == organization_id))
    row = found.mappings().first()
    return Organization(**row) if row else None


async def organizations_known_as(
    tx: Tx, ids: Collection[UUID], external_ids: Collection[str]
) -> Sequence[Organization]:
    """Return the organizations of these ids, and those that the operator calls by these."""
    table = organizations.c
    by_id = table.id == any_(literal(list(ids), postgresql.ARRAY(Uuid)))
    by_name = table.external_id == any_(literal(list(external_ids), postgresql.ARRAY(Text)))
    known = or_(by_id, by_name)
    rows = await tx.connection.execute(select(organizations).where(known))
    return [Organization(**row) for row in rows.mappings()]


async def list_organizations(tx: Tx, *, before: UUID | None, limit: int) -> Sequence[Organization]:
    """Return organizations, newest first, at most `limit`, older than `before`."""
    statement = select(organizations).order_by(organizations.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(organizations.c.id < before)
    return [Organization(**row) for row in (await tx.connection.execute(statement)).mappings()]


async def first_organization_of(tx: Tx, user_id: UUID) -> UUID | None:
    """Return the organization the person joined first."""
    found = await tx.connection.execute(
        select(members.c.organization_id)
        .where(members.c.user_id == user_id)
        .order_by(members.c.created_at, members.c.organization_id)
        .limit(1)
    )
    organization_id: UUID | None = found.scalar_one_or_none()
    return organization_id


async def role_of(tx: Tx, organization_id: UUID, user_id: UUID) -> Role | None:
    """Return the person's role in the organization; None when they are no member."""
    found = await tx.connection.execute(
        select(members.c.role).where(members.c.organization_id == organization_id, members.c.user_id == user_id)
    )
    role: str | None = found.scalar_one_or_none()
    return Role(role) if role else None
