"""Every SQL statement of leaving."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.dialects import postgresql

from tollkeeper.identity.tables import users
from tollkeeper.infra import Tx

from .model import Deletion, Erasure
from .tables import account_deletions, erasures


async def add_deletion(tx: Tx, deletion: Deletion) -> None:
    """Note the wish; one that was there before stays as it is."""
    statement = postgresql.insert(account_deletions).values(
        user_id=deletion.user_id, requested_at=deletion.requested_at, due_at=deletion.due_at
    )
    await tx.connection.execute(statement.on_conflict_do_nothing())


async def deletion_of(tx: Tx, user_id: UUID) -> Deletion | None:
    """Return the person's wish to be deleted; None when there is none."""
    found = await tx.connection.execute(select(account_deletions).where(account_deletions.c.user_id == user_id))
    row = found.mappings().first()
    return Deletion(**row) if row else None


async def lock_deletion(tx: Tx, user_id: UUID) -> Deletion | None:
    """As `deletion_of`, locked until the transaction ends: taking it back and doing it wait for each other."""
    query = select(account_deletions).where(account_deletions.c.user_id == user_id).with_for_update()
    row = (await tx.connection.execute(query)).mappings().first()
    return Deletion(**row) if row else None


async def remove_deletion(tx: Tx, user_id: UUID) -> bool:
    """Forget the wish; False when there was none."""
    gone = await tx.connection.execute(
        delete(account_deletions).where(account_deletions.c.user_id == user_id).returning(account_deletions.c.user_id)
    )
    return gone.first() is not None


async def due_deletions(tx: Tx, now: datetime, *, most: int) -> Sequence[UUID]:
    """Return who is to be deleted by now, who waits longest first."""
    due = account_deletions.c
    query = select(due.user_id).where(due.due_at <= now).order_by(due.due_at, due.user_id).limit(most)
    return list((await tx.connection.execute(query)).scalars())


async def remove_user(tx: Tx, user_id: UUID) -> None:
    """Delete the person's row, and with it every row that points at it."""
    await tx.connection.execute(delete(users).where(users.c.id == user_id))


async def add_erasure(tx: Tx, erasure: Erasure) -> None:
    """Note that somebody was deleted."""
    await tx.connection.execute(
        insert(erasures).values(
            user_id=erasure.user_id,
            email_digest=erasure.email_digest,
            requested_at=erasure.requested_at,
            erased_at=erasure.erased_at,
        )
    )


async def known_again(tx: Tx, emails: Collection[str]) -> set[str]:
    """Return which of these addresses people have who are there."""
    return set((await tx.connection.execute(select(users.c.email).where(users.c.email.in_(emails)))).scalars())


async def erased_by_digest(tx: Tx, digests: Collection[bytes]) -> dict[bytes, UUID]:
    """Return who of the deleted had an address with one of these digests."""
    table = erasures.c
    query = select(table.email_digest, table.user_id).where(table.email_digest.in_(digests))
    return {row.email_digest: row.user_id for row in await tx.connection.execute(query)}
