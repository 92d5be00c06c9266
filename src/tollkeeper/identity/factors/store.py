"""Every SQL statement of further proofs. Rows become frozen values here."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, delete, exists, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql

from tollkeeper.identity.model import Session
from tollkeeper.identity.tables import sessions, token_families, users
from tollkeeper.infra import Tx
from tollkeeper.kit import ActorKind

from .model import Passkey, TotpSecret
from .tables import code_failures, passkeys, recovery_codes, spent_challenges, totp_secrets

_LOGINS = {ActorKind.SESSION: sessions, ActorKind.TOKEN: token_families}

_ENROLLED = select(
    or_(
        exists().where(totp_secrets.c.user_id == bindparam("user_id"), totp_secrets.c.confirmed_at.is_not(None)),
        exists().where(passkeys.c.user_id == bindparam("user_id")),
    )
)


async def proved_at(tx: Tx, kind: ActorKind, credential_id: UUID) -> datetime | None:
    """Return when this session or token family last proved itself; None when it is gone or was never asked."""
    table = _LOGINS[kind]
    found: datetime | None = await tx.connection.scalar(select(table.c.proved_at).where(table.c.id == credential_id))
    return found


async def renew_session(tx: Tx, session_id: UUID, token_digest: bytes) -> Session | None:
    """Give the session another token and note that it proved itself now; None when it has ended."""
    renewed = await tx.connection.execute(
        update(sessions)
        .where(sessions.c.id == session_id, sessions.c.expires_at > tx.now)
        .values(token_digest=token_digest, proved_at=tx.now)
        .returning(*(column for column in sessions.c if column.name != "token_digest"))
    )
    row = renewed.mappings().first()
    return Session(**row) if row else None


async def prove_family(tx: Tx, family_id: UUID) -> None:
    """Note that this family of tokens proved itself now."""
    await tx.connection.execute(update(token_families).where(token_families.c.id == family_id).values(proved_at=tx.now))


async def is_enrolled(tx: Tx, user_id: UUID) -> bool:
    """Whether the person has a confirmed device that makes codes, or a passkey."""
    return bool(await tx.connection.scalar(_ENROLLED, {"user_id": user_id}))


async def lock_person(tx: Tx, user_id: UUID) -> None:
    """Have others who change this person's proofs, or try one, wait until the end of the transaction."""
    await tx.connection.execute(select(users.c.id).where(users.c.id == user_id).with_for_update(key_share=True))


async def totp_secret(tx: Tx, user_id: UUID) -> TotpSecret | None:
    """Return the person's secret, confirmed or not."""
    found = await tx.connection.execute(select(totp_secrets).where(totp_secrets.c.user_id == user_id))
    row = found.mappings().first()
    return TotpSecret(**row) if row else None


async def put_totp_secret(tx: Tx, secret: TotpSecret) -> None:
    """Insert the secret, or put it in place of the one that was there."""
    row = {name: getattr(secret, name) for name in ("sealed", "created_at", "confirmed_at", "last_step")}
    statement = postgresql.insert(totp_secrets).values(user_id=secret.user_id, **row)
    await tx.connection.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=row))


async def take_step(tx: Tx, user_id: UUID, step: int, *, confirmed_at: datetime | None = None) -> bool:
    """Note the step of an accepted code; False when one as late was accepted before.

    `confirmed_at` is set by the first code, which proves that the device has the secret.
    """
    secret = totp_secrets.c
    changes: dict[str, Any] = {"last_step": step}
    if confirmed_at is not None:
        changes["confirmed_at"] = confirmed_at
    taken = await tx.connection.execute(
        update(totp_secrets)
        .where(secret.user_id == user_id, or_(secret.last_step.is_(None), secret.last_step < step))
        .values(**changes)
        .returning(secret.user_id)
    )
    return taken.first() is not None


async def remove_totp(tx: Tx, user_id: UUID) -> bool:
    """Delete the person's secret; False when there was none that was confirmed."""
    gone = await tx.connection.execute(
        delete(totp_secrets).where(totp_secrets.c.user_id == user_id).returning(totp_secrets.c.confirmed_at)
    )
    row = gone.first()
    return row is not None and row.confirmed_at is not None


async def put_recovery_codes(tx: Tx, user_id: UUID, digests: Iterable[bytes]) -> None:
    """Let these be the person's only recovery codes."""
    await remove_recovery_codes(tx, user_id)
    rows = [{"digest": each, "user_id": user_id, "created_at": tx.now} for each in digests]
    await tx.connection.execute(insert(recovery_codes), rows)


async def remove_recovery_codes(tx: Tx, user_id: UUID) -> None:
    """Delete the person's recovery codes, used or not."""
    await tx.connection.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))


async def use_recovery_code(tx: Tx, user_id: UUID, digest: bytes) -> bool:
    """Use up a code; False when the person has none such, or it was used."""
    code = recovery_codes.c
    used = await tx.connection.execute(
        update(recovery_codes)
        .where(code.digest == digest, code.user_id == user_id, code.used_at.is_(None))
        .values(used_at=tx.now)
        .returning(code.digest)
    )
    return used.first() is not None


async def recovery_codes_left(tx: Tx, user_id: UUID) -> int:
    """Return how many codes are not used yet."""
    code = recovery_codes.c
    counted = select(func.count()).select_from(recovery_codes).where(code.user_id == user_id, code.used_at.is_(None))
    return int(await tx.connection.scalar(counted) or 0)


async def add_passkey(tx: Tx, passkey: Passkey) -> bool:
    """Insert the passkey; False when it is known already, whoever's it is."""
    row = {column.name: getattr(passkey, column.name) for column in passkeys.c}
    statement = postgresql.insert(passkeys).values(**{**row, "transports": list(passkey.transports)})
    added = await tx.connection.execute(
        statement.on_conflict_do_nothing(index_elements=["credential_id"]).returning(passkeys.c.id)
    )
    return added.first() is not None


async def passkeys_of(tx: Tx, user_id: UUID) -> tuple[Passkey, ...]:
    """Return the person's passkeys, oldest first."""
    found = await tx.connection.execute(select(passkeys).where(passkeys.c.user_id == user_id).order_by(passkeys.c.id))
    return tuple(_passkey(row) for row in found.mappings())


async def lock_passkey(tx: Tx, credential_id: bytes) -> Passkey | None:
    """Return the passkey its authenticator calls so, locked until the end of the transaction."""
    found = await tx.connection.execute(
        select(passkeys).where(passkeys.c.credential_id == credential_id).with_for_update()
    )
    row = found.mappings().first()
    return _passkey(row) if row else None


async def note_passkey_use(tx: Tx, passkey_id: UUID, *, sign_count: int, backed_up: bool) -> None:
    """Keep what the authenticator told when it was used."""
    await tx.connection.execute(
        update(passkeys)
        .where(passkeys.c.id == passkey_id)
        .values(sign_count=sign_count, backed_up=backed_up, last_used_at=tx.now)
    )


async def rename_passkey(tx: Tx, user_id: UUID, passkey_id: UUID, name: str) -> Passkey | None:
    """Give the person's passkey another name; None when they have none such."""
    renamed = await tx.connection.execute(
        update(passkeys)
        .where(passkeys.c.id == passkey_id, passkeys.c.user_id == user_id)
        .values(name=name)
        .returning(*passkeys.c)
    )
    row = renamed.mappings().first()
    return _passkey(row) if row else None


async def remove_passkey(tx: Tx, user_id: UUID, passkey_id: UUID) -> str | None:
    """Delete the person's passkey and return its name; None when they have none such."""
    gone = await tx.connection.execute(
        delete(passkeys).where(passkeys.c.id == passkey_id, passkeys.c.user_id == user_id).returning(passkeys.c.name)
    )
    name: str | None = gone.scalar_one_or_none()
    return name


async def spend_challenge(tx: Tx, digest: bytes, expires_at: datetime) -> bool:
    """Note that the challenge was answered; False when it was before."""
    statement = postgresql.insert(spent_challenges).values(digest=digest, expires_at=expires_at)
    spent = await tx.connection.execute(statement.on_conflict_do_nothing().returning(spent_challenges.c.digest))
    return spent.first() is not None


async def remove_all(tx: Tx, user_id: UUID) -> None:
    """Delete everything the person has besides the password, and what was counted against them."""
    for table in (totp_secrets, passkeys, recovery_codes, code_failures):
        await tx.connection.execute(delete(table).where(table.c.user_id == user_id))


async def failures(tx: Tx, user_id: UUID) -> tuple[int, datetime] | None:
    """Return how many proofs of the person were wrong in a row, and when the last was; None when the last was right."""
    failure = code_failures.c
    found = await tx.connection.execute(select(failure.in_a_row, failure.failed_at).where(failure.user_id == user_id))
    row = found.first()
    return (row.in_a_row, row.failed_at) if row else None


async def count_failure(tx: Tx, user_id: UUID) -> None:
    """Count one more wrong proof."""
    statement = postgresql.insert(code_failures).values(user_id=user_id, in_a_row=1, failed_at=tx.now)
    more = {"in_a_row": code_failures.c.in_a_row + 1, "failed_at": tx.now}
    await tx.connection.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=more))


async def forget_failures(tx: Tx, user_id: UUID) -> None:
    """Begin to count anew, after a right proof."""
    await tx.connection.execute(delete(code_failures).where(code_failures.c.user_id == user_id))


async def remove_ended(tx: Tx, *, begun_by: datetime) -> tuple[int, int]:
    """Delete challenges refused by their age, and secrets begun by then and never confirmed; return how many."""
    spent = await tx.connection.execute(delete(spent_challenges).where(spent_challenges.c.expires_at <= tx.now))
    secret = totp_secrets.c
    begun = and_(secret.confirmed_at.is_(None), secret.created_at <= begun_by)
    left = await tx.connection.execute(delete(totp_secrets).where(begun))
    return spent.rowcount, left.rowcount


def _passkey(row: Mapping[Any, Any]) -> Passkey:
    return Passkey(**{**row, "transports": tuple(row["transports"])})
