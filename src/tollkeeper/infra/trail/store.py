"""Every SQL statement about the trail."""

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Insert,
    RowMapping,
    Text,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from .model import Details, Head, Link, Origin, Record, Sought
from .rules import FIRST
from .tables import audit_details, audit_seals, audit_trail, audit_unsealed

if TYPE_CHECKING:
    from tollkeeper.infra.runtime import Tx

_SALT_BYTES = 16
# Any number will do as long as it is ours alone: who adds to the chain takes turns.
_CHAIN_LOCK = 7_463_252
_CONTENT = tuple(audit_trail.c)
_DETAILS = (audit_details.c.ip, audit_details.c.user_agent, audit_details.c.before, audit_details.c.after)
_BESIDE = (*_DETAILS, audit_details.c.salt, audit_details.c.erased_by)


def _new(column: Column[Any]) -> BindParameter[Any]:
    return bindparam(f"new_{column.name}", type_=column.type)


def _adding() -> Insert:
    """Build the statement by which a record is written: once, because every act writes one."""
    beside = {column: _new(column) for column in (*_DETAILS, audit_details.c.salt)}
    details = insert(audit_details).values({audit_details.c.record_id: _new(audit_trail.c.id), **beside})
    waiting = insert(audit_unsealed).values({audit_unsealed.c.record_id: _new(audit_trail.c.id)})
    whole = insert(audit_trail).values({column: _new(column) for column in _CONTENT})
    return whole.add_cte(details.cte("details"), waiting.cte("waiting"))


_ADD = _adding()
_PLAN_EACH_TIME = text("select set_config('plan_cache_mode', 'force_custom_plan', true)")


async def add(tx: "Tx", record: Record) -> None:
    """Write a record down, with its details, and have it wait for its seal: one statement."""
    origin = record.origin
    values = {
        "id": record.id,
        "at": record.at,
        "action": record.action,
        "organization_id": record.organization_id,
        "actor_kind": origin.kind,
        "user_id": origin.user_id,
        "credential_id": origin.credential_id,
        "impersonator_id": origin.impersonator_id,
        "target_kind": record.target_kind,
        "target_id": record.target_id,
        "via": origin.via,
        "request_id": origin.request_id,
        "ip": origin.ip,
        "user_agent": origin.user_agent,
        "before": record.before,
        "after": record.after,
        "salt": secrets.token_bytes(_SALT_BYTES),
    }
    await tx.connection.execute(_ADD, {f"new_{name}": value for name, value in values.items()})


async def find(tx: "Tx", sought: Sought, *, before: UUID | None, limit: int) -> list[Record]:
    """Return what is looked for, newest first, at most `limit`, of what was written before the record `before`."""
    wanted = _wanted(sought) + ([audit_trail.c.id < before] if before else [])
    statement = (
        select(*_CONTENT, *_DETAILS, audit_details.c.erased_by)
        .join_from(audit_trail, audit_details, isouter=True)
        .where(*wanted)
        .order_by(audit_trail.c.id.desc())
        .limit(limit)
    )
    if sought.action is not None:  # a rare one is found by its index, a common one by walking back from the newest
        await tx.connection.execute(_PLAN_EACH_TIME)
    return [_record(row) for row in (await tx.connection.execute(statement)).mappings()]


async def count(tx: "Tx", sought: Sought, *, most: int) -> int:
    """Return how many records are looked for, no more than `most`."""
    found = select(audit_trail.c.id).where(*_wanted(sought)).limit(most).subquery()
    if sought.action is not None:
        await tx.connection.execute(_PLAN_EACH_TIME)
    return int((await tx.connection.execute(select(func.count()).select_from(found))).scalar_one())


def _wanted(sought: Sought) -> list[ColumnElement[bool]]:
    columns = audit_trail.c
    equal = {
        columns.organization_id: sought.organization_id,
        columns.target_kind: sought.target_kind,
        columns.target_id: sought.target_id,
        columns.request_id: sought.request_id,
    }
    wanted: list[ColumnElement[bool]] = [column == value for column, value in equal.items() if value is not None]
    if sought.person is not None:
        done_to = and_(columns.target_kind == "user", columns.target_id == str(sought.person))
        wanted.append(or_(columns.user_id == sought.person, done_to))
    if sought.actor is not None:
        ways = (columns.user_id, columns.credential_id, columns.impersonator_id)
        wanted.append(or_(*(each == sought.actor for each in ways)))
    if sought.action is not None and sought.action.endswith("."):
        wanted += _begins(columns.action, sought.action)
    elif sought.action is not None:
        wanted.append(columns.action == sought.action)
    if sought.impersonated is not None:
        wanted.append(
            columns.impersonator_id.is_not(None) if sought.impersonated else columns.impersonator_id.is_(None)
        )
    wanted += [columns.at >= sought.since] if sought.since else []
    return wanted + ([columns.at < sought.until] if sought.until else [])


def _begins(column: Column[Any], prefix: str) -> list[ColumnElement[bool]]:
    """As `startswith`, in words that tell nothing of rows behind a wall, so that the planner may ask how many fit."""
    beyond = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    return [column.op("~>=~", is_comparison=True)(prefix), column.op("~<~", is_comparison=True)(beyond)]


def _record(row: RowMapping) -> Record:
    origin = Origin(
        kind=row["actor_kind"],
        user_id=row["user_id"],
        credential_id=row["credential_id"],
        impersonator_id=row["impersonator_id"],
        via=row["via"],
        ip=row["ip"] or "",
        user_agent=row["user_agent"] or "",
        request_id=row["request_id"],
    )
    return Record(
        id=row["id"],
        at=row["at"],
        action=row["action"],
        organization_id=row["organization_id"],
        origin=origin,
        target_kind=row["target_kind"],
        target_id=row["target_id"],
        before=row["before"],
        after=row["after"],
        erased=row["erased_by"] is not None,
    )


async def stand_still(tx: "Tx") -> None:
    """Have every further statement of this transaction see the database as it is now; the first has to be this."""
    await tx.connection.execute(text("set transaction isolation level repeatable read"))


async def lock_chain(tx: "Tx") -> Head:
    """Return the last seal, and hold off whoever else wants to add one until the transaction ends."""
    await tx.connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _CHAIN_LOCK})
    return await head(tx)


async def head(tx: "Tx") -> Head:
    """Return the last seal."""
    last = select(audit_seals.c.sequence, audit_seals.c.hash).order_by(audit_seals.c.sequence.desc()).limit(1)
    row = (await tx.connection.execute(last)).first()
    return Head(row.sequence, row.hash) if row else Head(0, FIRST)


async def hash_at(tx: "Tx", sequence: int) -> bytes | None:
    """Return the seal with this number; None when there is none."""
    found: bytes | None = (
        await tx.connection.execute(select(audit_seals.c.hash).where(audit_seals.c.sequence == sequence))
    ).scalar_one_or_none()
    return found


async def take_waiting(tx: "Tx", limit: int) -> list[tuple[UUID, dict[str, Any], Details | None]]:
    """Take records that wait for their seal, oldest first: id, content and details."""
    oldest = select(audit_unsealed.c.record_id).order_by(audit_unsealed.c.record_id).limit(limit)
    taken = await tx.connection.execute(
        delete(audit_unsealed).where(audit_unsealed.c.record_id.in_(oldest)).returning(audit_unsealed.c.record_id)
    )
    statement = (
        select(*_CONTENT, *_BESIDE)
        .join_from(audit_trail, audit_details, isouter=True)
        .where(audit_trail.c.id.in_(taken.scalars().all()))
        .order_by(audit_trail.c.id)
    )
    rows = (await tx.connection.execute(statement)).mappings()
    return [(row["id"], _content(row), _details(row)) for row in rows]


async def add_seals(tx: "Tx", rows: Sequence[dict[str, Any]]) -> None:
    """Append to the chain."""
    await tx.connection.execute(insert(audit_seals), rows)


async def links(tx: "Tx", *, after: int, limit: int) -> list[Link]:
    """Return the seals after the number `after`, in order, with what the trail holds for them now."""
    statement = (
        select(audit_seals, audit_trail.c.id.label("found"), *_CONTENT[1:], *_BESIDE)
        .join_from(audit_seals, audit_trail, audit_trail.c.id == audit_seals.c.record_id, isouter=True)
        .join(audit_details, audit_details.c.record_id == audit_seals.c.record_id, isouter=True)
        .where(audit_seals.c.sequence > after)
        .order_by(audit_seals.c.sequence)
        .limit(limit)
    )
    return [
        Link(
            row["sequence"],
            row["record_id"],
            row["hash"],
            row["details_hash"],
            _content({**row, "id": row["found"]}) if row["found"] else None,
            _details(row),
        )
        for row in (await tx.connection.execute(statement)).mappings()
    ]


def _content(row: Any) -> dict[str, Any]:
    return {column.name: row[column.name] for column in _CONTENT}


def _details(row: Any) -> Details | None:
    if row["salt"] is None:
        return None
    return Details({column.name: row[column.name] for column in _DETAILS}, row["salt"], row["erased_by"])


async def count_waiting(tx: "Tx") -> int:
    """Return how many records wait for their seal."""
    return int((await tx.connection.execute(select(func.count()).select_from(audit_unsealed))).scalar_one())


async def oldest_waiting(tx: "Tx") -> UUID | None:
    """Return the oldest record that waits for its seal; None when none does."""
    oldest = select(audit_unsealed.c.record_id).order_by(audit_unsealed.c.record_id).limit(1)
    found: UUID | None = (await tx.connection.execute(oldest)).scalar_one_or_none()
    return found


async def strays(tx: "Tx", limit: int) -> list[UUID]:
    """Return records that have no seal and wait for none: nobody wrote them the way records are written."""
    statement = (
        select(audit_trail.c.id)
        .join_from(audit_trail, audit_seals, audit_seals.c.record_id == audit_trail.c.id, isouter=True)
        .join(audit_unsealed, audit_unsealed.c.record_id == audit_trail.c.id, isouter=True)
        .where(audit_seals.c.record_id.is_(None), audit_unsealed.c.record_id.is_(None))
        .limit(limit)
    )
    return list((await tx.connection.execute(statement)).scalars())


async def erasures(tx: "Tx", action: str) -> set[UUID]:
    """Return the records with this action."""
    return set((await tx.connection.execute(select(audit_trail.c.id).where(audit_trail.c.action == action))).scalars())


async def erase(tx: "Tx", user_id: UUID, email: str, erased_by: UUID) -> int:
    """Empty the details of what the person did, of what was done to them, and of what names their address."""
    trail, details = audit_trail.c, audit_details.c
    theirs = select(trail.id).where(
        or_(trail.user_id == user_id, and_(trail.target_kind == "user", trail.target_id == str(user_id)))
    )
    named = [
        func.lower(column.cast(Text)).contains(email, autoescape=True) for column in (details.before, details.after)
    ]
    emptied = await tx.connection.execute(
        update(audit_details)
        .where(or_(details.record_id.in_(theirs), *named), details.erased_by.is_(None))
        .values(ip="", user_agent="", before=None, after=None, erased_by=erased_by)
    )
    return emptied.rowcount
