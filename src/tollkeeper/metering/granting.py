"""Use cases of credits: granting what may be used beyond a hard limit, and taking back what is left of it."""

from datetime import datetime
from uuid import UUID

from tollkeeper.infra import Tx
from tollkeeper.kit import ConflictError, NotFoundError, Page, new_id, page_of, read_cursor

from . import store
from .model import Grant


class GrantNotFoundError(NotFoundError):
    """There is no such grant, or it is somebody else's."""

    code = "grant_not_found"
    title = "There is no such grant"
    hint = "GET /api/usage/grants lists them."


class GrantMismatchError(ConflictError):
    """A grant of this external id exists and says something else."""

    code = "grant_mismatch"
    title = "This was granted already, and differently"
    hint = "Give every grant an `external_id` of its own; what was granted can be voided."


async def grant_credits(
    tx: Tx,
    organization_id: UUID,
    meter_id: int,
    amount: int,
    *,
    reason: str,
    external_id: str | None,
    expires_at: datetime | None,
    granted_by: UUID | None,
) -> tuple[Grant, bool]:
    """Grant credits; the same external id grants once. Returns the grant, and whether it is new.

    Args:
        tx: commits it; what is decided from then on can draw from it.
        organization_id: whose.
        meter_id: what for.
        amount: at least 1.
        reason: why, for people.
        external_id: the granter's own name for it; None: every call grants anew.
        expires_at: of no use from then on; None: never.
        granted_by: the key that grants it.

    Raises:
        GrantMismatchError: the external id was used for another meter, amount or expiry.
    """
    by = granted_by
    grant = Grant(new_id(), organization_id, meter_id, amount, 0, reason, external_id, tx.now, by, expires_at, None)
    if not await store.add_grant(tx, grant):
        before = await store.find_granted_as(tx, organization_id, external_id or "")
        if before is None or (before.meter_id, before.amount, before.expires_at) != (meter_id, amount, expires_at):
            raise GrantMismatchError(f"{external_id!r} was granted already.")
        return before, False
    given = {
        "meter": meter_id,
        "amount": amount,
        "reason": reason,
        "external_id": external_id,
        "expires_at": expires_at,
    }
    await tx.record("credits.granted", target=("grant", grant.id), organization_id=organization_id, after=given)
    if grant.left(tx.now):
        await store.top_up(tx, organization_id, meter_id, amount)
    return grant, True


async def void_grant(tx: Tx, organization_id: UUID, grant_id: UUID) -> Grant:
    """Take back what is left of a grant; what was used of it stays used. A second time changes nothing.

    Raises:
        GrantNotFoundError: there is none of this id.
    """
    grant = await store.find_grant(tx, organization_id, grant_id)
    if grant is None:
        raise GrantNotFoundError
    left = grant.left(tx.now)
    if grant.voided_at is None:
        await store.void_grant(tx, grant.id, tx.now)
        await tx.record(
            "credits.voided",
            target=("grant", grant.id),
            organization_id=organization_id,
            before={"amount": grant.amount, "left": left},
        )
    if left:
        await store.top_up(tx, organization_id, grant.meter_id, -left)
    return await _again(tx, grant)


async def _again(tx: Tx, grant: Grant) -> Grant:
    found = await store.find_grant(tx, grant.organization_id, grant.id)
    return found or grant


async def list_grants(
    tx: Tx, organization_id: UUID, *, meter_id: int | None = None, cursor: str | None = None, limit: int
) -> Page[Grant]:
    """Return a page of the organization's grants, newest first; `meter_id` None: of all meters.

    Raises:
        InvalidInputError: the cursor is none of ours.
    """
    after = read_cursor(cursor)
    found = await store.list_grants(tx, organization_id, meter_id=meter_id, after=after, limit=limit)
    return page_of(found, limit, lambda grant: (grant.created_at, grant.id))
