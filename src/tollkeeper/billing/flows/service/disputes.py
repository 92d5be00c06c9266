"""Answering disputes: evidence, giving in, letting go of the plan. The bank decides; then we mirror."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from tollkeeper.billing.payments import (
    ANSWERABLE,
    Dispute,
    DisputeDecidedError,
    get_dispute,
    release_dispute,
)
from tollkeeper.billing.provider import Subject, lock, provider_of
from tollkeeper.infra import Tx
from tollkeeper.metering import Bucket, history, list_meters

from .webhooks import synchronise

USAGE_LOG = "access_activity_log"
LOGGED = timedelta(days=180)
MAX_EVIDENCE = 20_000
"""How many characters the provider takes in one field of evidence."""


async def give_evidence(
    tx: Tx, dispute_id: UUID, evidence: Mapping[str, str], *, usage_log: bool, submit: bool
) -> Dispute:
    """Write evidence for the bank, field by field; what was written before stays unless it is written anew.

    `usage_log` adds what the organization used, day by day, in the half year up to the dispute. `submit` sends
    everything to the bank, once and for all.

    Raises:
        DisputeNotFoundError, DisputeDecidedError: there is no such dispute; it takes no evidence any more.
    """
    dispute = await _answerable(tx, dispute_id)
    written = dict(evidence)
    if usage_log:
        written[USAGE_LOG] = await _usage_log(tx, dispute.organization_id, dispute.created_at)
    await provider_of(tx.runtime).give_evidence(dispute.provider_id, written, submit=submit)
    await _record(tx, "dispute.evidence_given", dispute, after={"fields": sorted(written), "submitted": submit})
    return await _mirrored(tx, dispute, cause="evidence")


async def accept_dispute(tx: Tx, dispute_id: UUID) -> Dispute:
    """Give in: the dispute is lost, with what that does to the plan.

    Raises:
        DisputeNotFoundError, DisputeDecidedError: there is no such dispute; it is decided, or with the bank already.
    """
    dispute = await _answerable(tx, dispute_id)
    await provider_of(tx.runtime).accept_dispute(dispute.provider_id)
    await _record(tx, "dispute.accepted", dispute)
    return await _mirrored(tx, dispute, cause="dispute accepted")


async def let_go(tx: Tx, dispute_id: UUID) -> Dispute:
    """Let a dispute no longer withhold the plan, whatever comes of it.

    Raises:
        DisputeNotFoundError: there is no such dispute.
    """
    dispute = await get_dispute(tx, None, dispute_id)
    await lock(tx, Subject(customer_id=dispute.customer).lock)
    await release_dispute(tx, dispute)
    await _record(tx, "dispute.released", dispute)
    return await get_dispute(tx, None, dispute_id)


async def _answerable(tx: Tx, dispute_id: UUID) -> Dispute:
    """Lock the customer and return the dispute as the provider has it now, if the bank waits for us."""
    found = await get_dispute(tx, None, dispute_id)
    await lock(tx, Subject(customer_id=found.customer).lock)
    found = await _mirrored(tx, found, cause="before an answer")
    if found.status not in ANSWERABLE:
        raise DisputeDecidedError
    return found


async def _mirrored(tx: Tx, dispute: Dispute, *, cause: str) -> Dispute:
    await synchronise(tx, Subject(customer_id=dispute.customer, payment_id=dispute.charge), cause=cause)
    return await get_dispute(tx, None, dispute.id)


async def _record(tx: Tx, action: str, dispute: Dispute, after: Mapping[str, object] | None = None) -> None:
    await tx.record(action, target=("dispute", dispute.id), organization_id=dispute.organization_id, after=after)


async def _usage_log(tx: Tx, organization_id: UUID, until: datetime) -> str:
    """Return what was used, a line for each day and meter, the latest first as far as it fits."""
    lines = []
    for meter in await list_meters(tx):
        points = await history(tx, organization_id, meter.id, start=until - LOGGED, end=until, bucket=Bucket.DAY)
        lines += [f"{point.start:%Y-%m-%d} {meter.key}: {point.used} {meter.unit}".rstrip() for point in points]
    log = ""
    for line in sorted(lines, reverse=True):
        if len(log) + len(line) >= MAX_EVIDENCE:
            break
        log += f"{line}\n"
    return log or f"No use in the {LOGGED.days} days before {until:%Y-%m-%d}."
