"""Every SQL statement of guessing."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    LargeBinary,
    any_,
    bindparam,
    case,
    delete,
    false,
    func,
    literal,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects import postgresql

from tollkeeper.identity.tables import users
from tollkeeper.infra import Tx

from .rules import REMEMBERED_FOR
from .tables import known_devices, login_failures


def _among(name: str) -> ColumnElement[Any]:
    return any_(bindparam(name, type_=postgresql.ARRAY(LargeBinary)))


def _standing() -> CompoundSelect[Any]:
    """Build what is asked before a password is looked at."""
    device, failure = known_devices.c, login_failures.c
    known = (
        select(device.mark, literal(0), device.last_used_at, true())
        .join(users, users.c.id == device.user_id)
        .where(users.c.email == bindparam("email"), device.mark == _among("marks"))
    )
    failed = select(failure.key, failure.in_a_row, failure.failed_at, false()).where(failure.key == _among("keys"))
    return union_all(known, failed)


# Built once, because every log-in asks them.
_STANDING = _standing()
_LOCK = (
    select(login_failures)
    .where(login_failures.c.key == _among("keys"))
    .order_by(login_failures.c.key)
    .with_for_update()
)
_MARKS = (
    select(known_devices.c.mark, known_devices.c.last_used_at)
    .where(known_devices.c.user_id == bindparam("user_id"))
    .order_by(known_devices.c.last_used_at.desc(), known_devices.c.mark)
)


async def lock_failures(tx: Tx, keys: Collection[bytes]) -> dict[bytes, tuple[int, datetime]]:
    """Return how many failed in a row for each of these, and when the last did; locked in order of the keys."""
    rows = await tx.connection.execute(_LOCK, {"keys": sorted(keys)})
    return {row.key: (row.in_a_row, row.failed_at) for row in rows}


async def count_failures(tx: Tx, keys: Collection[bytes]) -> None:
    """Count one more for each, beginning anew where the last is forgotten."""
    failure = login_failures.c
    statement = postgresql.insert(login_failures).values(
        [{"key": key, "in_a_row": 1, "failed_at": tx.now} for key in sorted(keys)]
    )
    anew = failure.failed_at <= tx.now - REMEMBERED_FOR
    await tx.connection.execute(
        statement.on_conflict_do_update(
            index_elements=[failure.key],
            set_={"in_a_row": case((anew, 1), else_=failure.in_a_row + 1), "failed_at": tx.now},
        )
    )


async def clear_failures(tx: Tx, key: bytes) -> None:
    """Forget what was counted for this."""
    await tx.connection.execute(delete(login_failures).where(login_failures.c.key == key))


async def remove_old_failures(tx: Tx) -> int:
    """Delete what is forgotten; return how many."""
    gone = await tx.connection.execute(
        delete(login_failures).where(login_failures.c.failed_at <= tx.now - REMEMBERED_FOR)
    )
    return gone.rowcount


async def standing(
    tx: Tx, email: str, marks: Collection[bytes], keys: Collection[bytes]
) -> tuple[bytes | None, dict[bytes, tuple[int, datetime]]]:
    """Return one of the marks under which whoever has this address has logged in before (None when there is none), and
    how many failed in a row for each of the keys, and when the last did.
    """
    sent = {"email": email, "marks": sorted(marks), "keys": sorted(keys)}
    rows = (await tx.connection.execute(_STANDING, sent)).all()
    found = {key: (in_a_row, at) for key, in_a_row, at, is_mark in rows if not is_mark}
    return min((key for key, _, _, is_mark in rows if is_mark), default=None), found


async def marks_of(tx: Tx, user_id: UUID) -> dict[bytes, datetime]:
    """Return what the person's devices are known by, the one used last first, and when each was."""
    rows = await tx.connection.execute(_MARKS, {"user_id": user_id})
    return {row.mark: row.last_used_at for row in rows}


async def remember_marks(tx: Tx, user_id: UUID, marks: Collection[bytes]) -> None:
    """Know the person's device by these from now on."""
    device = known_devices.c
    statement = postgresql.insert(known_devices).values(
        [{"user_id": user_id, "mark": mark, "last_used_at": tx.now} for mark in sorted(marks)]
    )
    await tx.connection.execute(
        statement.on_conflict_do_update(
            index_elements=[device.user_id, device.mark],
            set_={"last_used_at": func.greatest(device.last_used_at, tx.now)},
        )
    )


async def forget_marks(tx: Tx, user_id: UUID, marks: Collection[bytes]) -> None:
    """Know the person's devices by these no more."""
    device = known_devices.c
    await tx.connection.execute(
        delete(known_devices).where(tuple_(device.user_id, device.mark).in_([(user_id, mark) for mark in marks]))
    )


async def forget_all_marks(tx: Tx, user_id: UUID) -> None:
    """Know none of the person's devices any more."""
    await tx.connection.execute(delete(known_devices).where(known_devices.c.user_id == user_id))


async def remove_old_devices(tx: Tx, unused_since: datetime) -> int:
    """Delete devices not used for long; return how many."""
    gone = await tx.connection.execute(delete(known_devices).where(known_devices.c.last_used_at <= unused_since))
    return gone.rowcount
