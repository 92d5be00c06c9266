"""Every SQL statement of proofs by mail."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from tollkeeper.identity.model import User
from tollkeeper.identity.store import user as user_by_id
from tollkeeper.identity.tables import users
from tollkeeper.infra import Tx

from .model import MailProof, Purpose
from .tables import mail_proofs


async def add(tx: Tx, proof: MailProof) -> None:
    """Insert a link."""
    await tx.connection.execute(
        insert(mail_proofs).values({name: getattr(proof, name) for name in mail_proofs.c.keys()})  # noqa: SIM118 - a column collection iterates over columns
    )


async def sent_since(tx: Tx, user_id: UUID, purpose: Purpose, since: datetime) -> int:
    """Return how many links that have not been followed the person was sent since then."""
    proof = mail_proofs.c
    found = await tx.connection.execute(
        select(func.count()).where(proof.user_id == user_id, proof.purpose == purpose, proof.created_at > since)
    )
    return int(found.scalar_one())


async def find(tx: Tx, digest: bytes) -> MailProof | None:
    """Return the link whose token has this digest, expired or not."""
    row = (await tx.connection.execute(select(mail_proofs).where(mail_proofs.c.digest == digest))).mappings().first()
    return _proof(row) if row else None


async def take(tx: Tx, digest: bytes) -> MailProof | None:
    """Delete the link and return it; of two at once one gets it."""
    gone = await tx.connection.execute(
        delete(mail_proofs).where(mail_proofs.c.digest == digest).returning(*mail_proofs.c)
    )
    row = gone.mappings().first()
    return _proof(row) if row else None


async def withdraw(tx: Tx, user_id: UUID) -> None:
    """Delete every link the person was sent."""
    await tx.connection.execute(delete(mail_proofs).where(mail_proofs.c.user_id == user_id))


async def remove_expired(tx: Tx) -> int:
    """Delete links that are no longer good; return how many."""
    return (await tx.connection.execute(delete(mail_proofs).where(mail_proofs.c.expires_at <= tx.now))).rowcount


async def user_by_email(tx: Tx, email: str) -> User | None:
    """Return who has this address."""
    user_id = (await tx.connection.execute(select(users.c.id).where(users.c.email == email))).scalar_one_or_none()
    return await user_by_id(tx, user_id) if user_id else None


async def verify(tx: Tx, user_id: UUID) -> bool:
    """Note that the person's address is proved; False when it was before."""
    changed = await tx.connection.execute(
        update(users).where(users.c.id == user_id, users.c.verified_at.is_(None)).values(verified_at=tx.now)
    )
    return bool(changed.rowcount)


async def move(tx: Tx, user_id: UUID, email: str) -> bool:
    """Give the person another address, proved; False when somebody has it, also by a change that commits meanwhile."""
    try:
        async with tx.connection.begin_nested():
            await tx.connection.execute(
                update(users).where(users.c.id == user_id).values(email=email, verified_at=tx.now)
            )
    except IntegrityError:
        return False
    return True


async def set_password(tx: Tx, user_id: UUID, password_hash: str | None) -> None:
    """Let the person log in by this password from now on; None: by none."""
    await tx.connection.execute(update(users).where(users.c.id == user_id).values(password_hash=password_hash))


def _proof(row: Any) -> MailProof:
    return MailProof(**{**row, "purpose": Purpose(row["purpose"])})
