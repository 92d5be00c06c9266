"""Every SQL statement about idempotency keys."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql

from tollkeeper.infra.runtime import Tx

from .tables import idempotency_keys as keys


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt at a call. `status` and `answer` are None while its work runs."""

    scope: str
    key: str
    claim: UUID
    fingerprint: bytes
    status: int | None
    answer: str | None
    claimed_at: datetime
    expires_at: datetime


async def insert(tx: Tx, claim: Claim) -> bool:
    """Insert the claim; False when there is one. Waits for a transaction that is about to commit one."""
    statement = postgresql.insert(keys).values(
        scope=claim.scope,
        key=claim.key,
        claim=claim.claim,
        fingerprint=claim.fingerprint,
        claimed_at=claim.claimed_at,
        expires_at=claim.expires_at,
    )
    inserted = await tx.connection.execute(statement.on_conflict_do_nothing().returning(keys.c.claim))
    return inserted.first() is not None


async def lock(tx: Tx, scope: str, key: str) -> Claim | None:
    """Return the claim, locked until the end of the transaction."""
    found = await tx.connection.execute(select(keys).where(keys.c.scope == scope, keys.c.key == key).with_for_update())
    row = found.mappings().first()
    return Claim(**row) if row else None


async def finish(tx: Tx, claim: Claim, *, status: int, answer: str) -> None:
    """Keep the answer, unless another attempt took the claim over meanwhile."""
    await tx.connection.execute(update(keys).where(keys.c.claim == claim.claim).values(status=status, answer=answer))


async def remove(tx: Tx, claim: UUID) -> None:
    """Delete the claim."""
    await tx.connection.execute(delete(keys).where(keys.c.claim == claim))


async def remove_expired(tx: Tx, expired_by: datetime) -> int:
    """Delete what has expired; return how many."""
    return (await tx.connection.execute(delete(keys).where(keys.c.expires_at <= expired_by))).rowcount
