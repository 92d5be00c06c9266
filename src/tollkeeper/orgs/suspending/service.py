"""Use cases of suspending an organization."""

from uuid import UUID

from tollkeeper.infra import Tx
from tollkeeper.kit import FieldProblem, InvalidInputError
from tollkeeper.orgs.model import Organization, OrganizationReinstated, OrganizationSuspended
from tollkeeper.orgs.service import get_organization

from . import store

MAX_REASON = 500
"""Characters of what its people are told."""


async def suspend_organization(tx: Tx, organization_id: UUID, reason: str) -> Organization:
    """Have an organization use nothing from now on; every process obeys within a second.

    Suspended already, it stays so since then, and for what was said then.

    Args:
        tx: the transaction.
        organization_id: whom.
        reason: why; its people are told so.

    Raises:
        OrganizationNotFoundError: there is none.
        InvalidInputError: no reason is given, or one too long.
    """
    words = " ".join(reason.replace("\x00", "").split())
    if not words:
        raise InvalidInputError([FieldProblem("reason", "Say why; its people are told", "missing")])
    if len(words) > MAX_REASON:
        raise InvalidInputError([FieldProblem("reason", f"must have at most {MAX_REASON} characters", "too_long")])
    organization = await get_organization(tx, organization_id)
    if not await store.suspend(tx, organization_id, words):
        return organization
    await tx.record(
        "organization.suspended",
        target=("organization", organization_id),
        organization_id=organization_id,
        after={"suspension": words},
    )
    await tx.emit(OrganizationSuspended(organization_id=organization_id, suspended_at=tx.now))
    return await get_organization(tx, organization_id)


async def reinstate_organization(tx: Tx, organization_id: UUID) -> Organization:
    """Let a suspended organization use again what it bought; one that is not stays as it is.

    Raises:
        OrganizationNotFoundError: there is none.
    """
    before = await get_organization(tx, organization_id)
    if before.suspended_at is None or not await store.reinstate(tx, organization_id):
        return before
    await tx.record(
        "organization.reinstated",
        target=("organization", organization_id),
        organization_id=organization_id,
        before={"suspended_at": before.suspended_at.isoformat(), "suspension": before.suspension},
    )
    await tx.emit(OrganizationReinstated(organization_id=organization_id))
    return await get_organization(tx, organization_id)
