"""Background work of data exports."""

from uuid import UUID

import structlog

from tollkeeper.infra import Job, JobNotes, Tx, find_job_with, job

from . import service, store
from .model import Export

log = structlog.get_logger(__name__)


@job("identity.make_export")
async def make_export(tx: Tx, *, export_id: str) -> None:
    """Make one export."""
    await service.make_export(tx, UUID(export_id))


@job("identity.forget_exports", cron="27 * * * *")
async def forget_exports(tx: Tx) -> None:
    """Delete exports whose time is over."""
    log.info("exports forgotten", removed=await store.remove_expired(tx, tx.now))


async def ask_for_export(tx: Tx, user_id: UUID) -> Export:
    """Have an export made of everything that is held of the person; asking while one is being made changes nothing."""
    export, is_new = await service.plan_export(tx, user_id)
    if is_new:
        await tx.defer(make_export, export_id=str(export.id))
    return export


async def export_progress(tx: Tx, export_id: UUID) -> JobNotes | None:
    """Return how far the making of an export has come; None: it is made, or was not begun. Nobody's rows are shown.

    Asks the queue, which is not for tenants: for a transaction that sees everything.
    """
    found = await find_job_with(tx, make_export, "export_id", str(export_id))
    return found.notes if found is not None else None


jobs: list[Job] = [make_export, forget_exports]
