"""Every SQL statement about finding organizations."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Uuid, any_, cast, collate, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from tollkeeper.infra import Tx, in_order
from tollkeeper.orgs.model import Organization
from tollkeeper.orgs.tables import organizations

NAME: ColumnElement[str] = collate(func.lower(organizations.c.name), "C")


async def browse(
    tx: Tx,
    *,
    begins: str = "",
    only_suspended: bool = False,
    by_name: bool,
    descending: bool,
    after: tuple[str, UUID] | None,
    limit: int,
) -> Sequence[Organization]:
    """Return organizations in order, at most `limit`, after the place of the last one seen; None: from the first."""
    columns = (NAME, organizations.c.id) if by_name else (organizations.c.id,)
    statement = select(organizations)
    if begins:
        statement = statement.where(NAME.startswith(begins, autoescape=True))
    if only_suspended:
        statement = statement.where(organizations.c.suspended_at.is_not(None))
    place = after if by_name or after is None else after[1:]
    statement = in_order(statement, columns, place, descending=descending).limit(limit)
    return [Organization(**row) for row in (await tx.connection.execute(statement)).mappings()]


async def founded_by_day(tx: Tx, since: datetime) -> dict[date, int]:
    """Return how many organizations were made since then, by day of UTC."""
    day = cast(func.timezone("UTC", organizations.c.created_at), Date)
    query = select(day, func.count()).where(organizations.c.created_at >= since).group_by(day)
    return {row[0]: row[1] for row in await tx.connection.execute(query)}


async def place_of(tx: Tx, organization_id: UUID) -> tuple[str, UUID] | None:
    """Return where an organization stands in every order; None when there is none."""
    found = await tx.connection.execute(select(NAME.label("place")).where(organizations.c.id == organization_id))
    row = found.first()
    return (row.place, organization_id) if row else None


async def known_as(tx: Tx, organization_id: UUID | None, external_id: str) -> Sequence[Organization]:
    """Return the organization of this id (None: of none) and the one of this external id."""
    table = organizations.c
    either = table.external_id == external_id
    wanted = either if organization_id is None else or_(table.id == organization_id, either)
    rows = await tx.connection.execute(select(organizations).where(wanted))
    return [Organization(**row) for row in rows.mappings()]


async def of_ids(tx: Tx, ids: Collection[UUID]) -> Sequence[Organization]:
    """Return the organizations of these ids."""
    wanted = any_(literal(list(ids), ARRAY(Uuid)))
    rows = await tx.connection.execute(select(organizations).where(organizations.c.id == wanted))
    return [Organization(**row) for row in rows.mappings()]
