"""Every SQL statement of invitations. Rows become frozen values here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, insert, select, update

from tollkeeper.infra import Tx
from tollkeeper.orgs.roles import ROLE_COLUMNS, named_columns, role_of_row, roles

from .model import Invitation
from .tables import invitations

_KEPT = tuple(column for column in invitations.c if column.name not in {"token_digest", "role_id"})


def _select() -> Select[Any]:
    return select(*_KEPT, *ROLE_COLUMNS).join_from(
        invitations, roles, roles.c.id == invitations.c.role_id, isouter=True
    )


def _invitation(row: Any) -> Invitation:
    fields = {column.name: row[column.name] for column in _KEPT if column.name != "role"}
    return Invitation(**fields, role=role_of_row(row))


async def _one(tx: Tx, statement: Select[Any]) -> Invitation | None:
    row = (await tx.connection.execute(statement)).mappings().first()
    return _invitation(row) if row else None


async def add(tx: Tx, invitation: Invitation, token_digest: bytes) -> None:
    """Insert an invitation."""
    plain = {column.name: getattr(invitation, column.name) for column in _KEPT if column.name != "role"}
    await tx.connection.execute(
        insert(invitations).values(**plain, **named_columns(invitation.role), token_digest=token_digest)
    )


async def unclosed(tx: Tx, organization_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Invitation]:
    """Return invitations neither accepted nor revoked, expired ones too, newest first, older than `before`."""
    statement = _select().where(invitations.c.organization_id == organization_id, invitations.c.closed_at.is_(None))
    if before is not None:
        statement = statement.where(before > invitations.c.id)
    rows = await tx.connection.execute(statement.order_by(invitations.c.id.desc()).limit(limit))
    return [_invitation(row) for row in rows.mappings()]


async def unclosed_by_people(tx: Tx, organization_id: UUID, by: UUID | None = None) -> Sequence[Invitation]:
    """Return what members, or this one, sent and nobody answered, oldest first; some may have expired."""
    sent = invitations.c.invited_by
    rows = await tx.connection.execute(
        _select()
        .where(invitations.c.organization_id == organization_id, invitations.c.closed_at.is_(None))
        .where(sent.is_not(None) if by is None else sent == by)
        .order_by(invitations.c.id)
    )
    return [_invitation(row) for row in rows.mappings()]


async def find(tx: Tx, organization_id: UUID, invitation_id: UUID) -> Invitation | None:
    """Return one of the organization's invitations."""
    return await _one(
        tx, _select().where(invitations.c.organization_id == organization_id, invitations.c.id == invitation_id)
    )


async def unclosed_to(tx: Tx, organization_id: UUID, email: str) -> Invitation | None:
    """Return the invitation to this address that is neither accepted nor revoked; it may have expired."""
    of_address = (invitations.c.organization_id == organization_id, invitations.c.email == email)
    return await _one(tx, _select().where(*of_address, invitations.c.closed_at.is_(None)))


async def by_digest(tx: Tx, token_digest: bytes) -> Invitation | None:
    """Return the invitation whose newest token has this digest, open or not."""
    return await _one(tx, _select().where(invitations.c.token_digest == token_digest))


async def count_open(tx: Tx, organization_id: UUID) -> int:
    """Return how many can be accepted now."""
    found = await tx.connection.execute(
        select(func.count()).where(
            invitations.c.organization_id == organization_id,
            invitations.c.closed_at.is_(None),
            invitations.c.expires_at > tx.now,
        )
    )
    return int(found.scalar_one())


async def count_since(tx: Tx, organization_id: UUID, since: datetime) -> int:
    """Return how many were made after a moment, whatever became of them."""
    found = await tx.connection.execute(
        select(func.count()).where(invitations.c.organization_id == organization_id, invitations.c.created_at > since)
    )
    return int(found.scalar_one())


async def send_again(tx: Tx, invitation: Invitation, token_digest: bytes) -> None:
    """Write down that it was sent anew, as this value says, with another token."""
    values = {"sent_at": invitation.sent_at, "sends": invitation.sends, "expires_at": invitation.expires_at}
    await tx.connection.execute(
        update(invitations).where(invitations.c.id == invitation.id).values(**values, token_digest=token_digest)
    )


async def close(tx: Tx, invitation_id: UUID) -> None:
    """Mark the invitation as accepted or revoked."""
    await tx.connection.execute(update(invitations).where(invitations.c.id == invitation_id).values(closed_at=tx.now))


async def forget(tx: Tx, ended_by: datetime) -> int:
    """Delete what was closed or expired long ago; return how many."""
    ended = func.coalesce(invitations.c.closed_at, invitations.c.expires_at) <= ended_by
    return (await tx.connection.execute(delete(invitations).where(ended))).rowcount
