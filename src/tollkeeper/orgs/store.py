"""Every SQL statement of organizations. Rows become frozen values here."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import Text, Uuid, and_, any_, bindparam, literal, or_, select
from sqlalchemy.dialects import postgresql

from tollkeeper.infra import Tx

from .model import Organization
from .roles import ROLE_COLUMNS, TeamRole, named_columns, role_of_row, roles
from .tables import members, organizations

# Built once, because every log-in and nearly every page asks them.
_IS_MEMBER = and_(members.c.user_id == bindparam("user_id"), members.c.suspended_at.is_(None))
_IS_THERE = members.c.organization_id == bindparam("organization_id")
_PLACES = (
    select(organizations, members.c.role, *ROLE_COLUMNS)
    .join_from(members, organizations, organizations.c.id == members.c.organization_id)
    .join(roles, roles.c.id == members.c.role_id, isouter=True)
    .where(_IS_MEMBER)
)
_PLACE = _PLACES.where(_IS_THERE)
_FIRST_PLACE = _PLACES.order_by(
    members.c.entered_at.desc().nulls_last(), members.c.created_at, members.c.organization_id
).limit(1)
_ROLE = (
    select(members.c.role, *ROLE_COLUMNS)
    .join_from(members, roles, roles.c.id == members.c.role_id, isouter=True)
    .where(_IS_MEMBER, _IS_THERE)
)


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


async def add_member(tx: Tx, organization_id: UUID, user_id: UUID, role: TeamRole) -> bool:
    """Insert a membership; False when the person has one."""
    values = {"organization_id": organization_id, "user_id": user_id, "created_at": tx.now, **named_columns(role)}
    added = await tx.connection.execute(
        postgresql.insert(members).values(values).on_conflict_do_nothing().returning(members.c.user_id)
    )
    return added.first() is not None


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


async def place_of(tx: Tx, user_id: UUID, organization_id: UUID | None) -> tuple[Organization, TeamRole] | None:
    """Return an organization with the person's role there; None when they are no member, or suspended.

    `organization_id` None: the one they switched to last or, failing that, joined first.
    """
    statement = _FIRST_PLACE if organization_id is None else _PLACE
    sent = {"user_id": user_id, "organization_id": organization_id}
    row = (await tx.connection.execute(statement, sent)).mappings().first()
    if row is None:
        return None
    return Organization(**{column.name: row[column] for column in organizations.c}), role_of_row(row)


async def role_of(tx: Tx, organization_id: UUID, user_id: UUID) -> TeamRole | None:
    """Return the person's role in the organization; None when they are no member, or suspended."""
    sent = {"user_id": user_id, "organization_id": organization_id}
    found = await tx.connection.execute(_ROLE, sent)
    row = found.mappings().first()
    return role_of_row(row) if row else None
