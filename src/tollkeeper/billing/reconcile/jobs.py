"""Background work: comparing the mirror with the provider every night."""

import structlog

from tollkeeper.infra import Job, Tx, job, report_progress

from .runs import ORDER, reconcile

log = structlog.get_logger(__name__)


@job("billing.reconcile", queue="billing", cron="23 2 * * *")
async def nightly(tx: Tx) -> None:
    """Mend what differs from the provider, and say what it was: each is a message that was lost."""
    async for page in reconcile(tx.runtime, fix=True):
        at = page.progress
        await report_progress(
            tx.runtime, ORDER.index(at.stage), len(ORDER), f"{at.stage}: {at.compared} compared, {at.differing} mended"
        )
        for each in page.differences:
            log.warning("the mirror differed from the provider", kind=each.kind, id=each.provider_id, what=str(each))


jobs: list[Job] = [nightly]
