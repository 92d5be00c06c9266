"""Every SQL statement of signing in elsewhere."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.dialects import postgresql

from tollkeeper.identity.tables import users
from tollkeeper.infra import Tx

from .model import Identity, Vouched
from .tables import identities


async def add(tx: Tx, identity: Identity) -> bool:
    """Insert an identity; False when somebody has linked it, also one who commits meanwhile."""
    statement = postgresql.insert(identities).values(
        **{name: getattr(identity, name) for name in identities.c.keys()}  # noqa: SIM118 - a column collection iterates over columns
    )
    added = await tx.connection.execute(statement.on_conflict_do_nothing().returning(identities.c.id))
    return added.first() is not None


async def find(tx: Tx, known: Vouched) -> Identity | None:
    """Return who of ours this is."""
    table = identities.c
    found = await tx.connection.execute(
        select(identities).where(
            table.provider == known.provider, table.issuer == known.issuer, table.subject == known.subject
        )
    )
    row = found.mappings().first()
    return Identity(**row) if row else None


async def touch(tx: Tx, identity_id: UUID, email: str | None) -> None:
    """Record that somebody signed in with it, and the address that was named."""
    await tx.connection.execute(
        update(identities)
        .where(identities.c.id == identity_id)
        .values(last_used_at=func.greatest(identities.c.last_used_at, tx.now), email=email)
    )


async def of_person(tx: Tx, user_id: UUID) -> Sequence[Identity]:
    """Return what somebody has linked, oldest first."""
    rows = await tx.connection.execute(
        select(identities).where(identities.c.user_id == user_id).order_by(identities.c.id)
    )
    return [Identity(**row) for row in rows.mappings()]


async def remove(tx: Tx, identity_id: UUID) -> None:
    """Delete an identity."""
    await tx.connection.execute(delete(identities).where(identities.c.id == identity_id))


async def remove_of_person(tx: Tx, user_id: UUID) -> int:
    """Delete every identity of somebody; return how many."""
    return (await tx.connection.execute(delete(identities).where(identities.c.user_id == user_id))).rowcount


async def lock_person(tx: Tx, user_id: UUID) -> bool:
    """Have what somebody logs in with changed by one at a time; whether they have a password."""
    found = await tx.connection.execute(
        select(users.c.password_hash.is_not(None)).where(users.c.id == user_id).with_for_update(key_share=True)
    )
    return bool(found.scalar_one_or_none())


async def uses_provider(tx: Tx, user_id: UUID, provider: str, issuer: str) -> bool:
    """Whether somebody has signed in with this provider."""
    table = identities.c
    found = exists().where(table.user_id == user_id, table.provider == provider, table.issuer == issuer)
    return bool((await tx.connection.execute(select(found))).scalar_one())


async def remove_provider(tx: Tx, provider: str) -> None:
    """Delete every identity at a provider."""
    await tx.connection.execute(delete(identities).where(identities.c.provider == provider))
