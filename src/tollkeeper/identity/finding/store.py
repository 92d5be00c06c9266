"""Every SQL statement about finding people and keys."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, collate, func, select, union_all

from tollkeeper.identity.model import ApiKey, User
from tollkeeper.identity.staff import StaffRole
from tollkeeper.identity.store import USER, key_of_row
from tollkeeper.identity.tables import api_keys, users
from tollkeeper.infra import Tx, in_order

from .model import Known, PeopleOrder

EMAIL: ColumnElement[str] = collate(users.c.email, "C")
NAME: ColumnElement[str] = collate(func.lower(users.c.name), "C")
_COLUMNS: Mapping[PeopleOrder, tuple[ColumnElement[Any], ...]] = {
    PeopleOrder.CREATED: (users.c.id,),
    PeopleOrder.EMAIL: (EMAIL, users.c.id),
    PeopleOrder.NAME: (NAME, users.c.id),
}
_SHOWN = (*USER, users.c.staff_role)


async def browse(
    tx: Tx,
    *,
    begins: str,
    only_staff: bool,
    order: PeopleOrder,
    descending: bool,
    after: Sequence[Any] | None,
    limit: int,
) -> Sequence[Known]:
    """Return people in order, at most `limit`, after the place of the last one seen; None: from the first."""
    statement = select(*_SHOWN)
    if begins:
        statement = statement.where(EMAIL.startswith(begins, autoescape=True))
    if only_staff:
        statement = statement.where(users.c.staff_role.is_not(None))
    statement = in_order(statement, _COLUMNS[order], after, descending=descending).limit(limit)
    return [_known(row) for row in (await tx.connection.execute(statement)).mappings()]


async def place_of(tx: Tx, user_id: UUID, order: PeopleOrder) -> Sequence[Any] | None:
    """Return where a person stands in this order; None when there is nobody."""
    return (await tx.connection.execute(select(*_COLUMNS[order]).where(users.c.id == user_id))).first()


async def of_id(tx: Tx, user_id: UUID) -> Sequence[Known]:
    """Return the person of this id, if there is one."""
    rows = await tx.connection.execute(select(*_SHOWN).where(users.c.id == user_id))
    return [_known(row) for row in rows.mappings()]


async def beginning(tx: Tx, begins: str, *, limit: int) -> Sequence[Known]:
    """Return people whose address begins so, then those whose name does, each at most `limit`."""
    parts = [
        select(*_SHOWN).where(each.startswith(begins, autoescape=True)).order_by(each, users.c.id).limit(limit)
        for each in (EMAIL, NAME)
    ]
    rows = await tx.connection.execute(union_all(*(part.subquery().select() for part in parts)))
    return [_known(row) for row in rows.mappings()]


async def keys(
    tx: Tx, *, key_id: UUID | None = None, prefix: str = "", last_four: str = "", limit: int
) -> Sequence[ApiKey]:
    """Return keys, newest first, at most `limit`, with all that is given."""
    statement = select(api_keys).order_by(api_keys.c.id.desc()).limit(limit)
    if key_id is not None:
        statement = statement.where(api_keys.c.id == key_id)
    if prefix:
        statement = statement.where(api_keys.c.prefix == prefix)
    if last_four:
        statement = statement.where(api_keys.c.last_four == last_four)
    return [key_of_row(row) for row in (await tx.connection.execute(statement)).mappings()]


def _known(row: RowMapping) -> Known:
    role = StaffRole(row["staff_role"]) if row["staff_role"] else None
    return Known(User(**{name: row[name] for name in row if name != "staff_role"}), role)
