"""Use cases of looking after background work."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tollkeeper.infra.log import redact_people
from tollkeeper.kit import Page, page_by_id

from . import store
from .model import JobNotActionableError, JobNotFoundError, JobState, KnownJob, QueueTally, SoughtJobs, Step

if TYPE_CHECKING:
    from tollkeeper.infra.jobs import Job
    from tollkeeper.infra.runtime import Tx

MAX_ERROR = 2000


async def tally_queues(tx: "Tx") -> Sequence[QueueTally]:
    """Return how many jobs of each queue stand how; queues without any are not named."""
    return await store.tally(tx)


async def list_jobs(
    tx: "Tx", sought: SoughtJobs, *, oldest_first: bool = False, cursor: int | None = None, limit: int = 50
) -> Page[KnownJob]:
    """Return one page of jobs, the latest wanted first unless `oldest_first`."""
    found = await store.find_jobs(tx, sought, oldest_first=oldest_first, after=cursor, limit=limit + 1)
    return page_by_id(found, limit)


async def find_job(tx: "Tx", job_id: int) -> tuple[KnownJob, Sequence[Step]]:
    """Return a job and what happened to it, in order.

    Raises:
        JobNotFoundError: there is none of this number, any more.
    """
    found = await store.find_job(tx, job_id)
    if found is None:
        raise JobNotFoundError
    return found, await store.steps_of(tx, job_id)


async def find_job_with(tx: "Tx", job: "Job", argument: str, value: str) -> KnownJob | None:
    """Return the latest job of this kind with this argument; None when none waits, runs or was given up."""
    return await store.find_job_with(tx, job.name, argument, value)


async def retry_job(tx: "Tx", job_id: int) -> None:
    """Have a job run now that was given up, or waits for a time to come. It is written down in the trail.

    Raises:
        JobNotFoundError: it is gone.
        JobNotActionableError: it runs, waits for a worker already, or was cancelled.
    """
    job = await _held(tx, job_id)
    if not job.may_run_again:
        raise JobNotActionableError(f"The job is {job.state}; only one that failed or waits for its time runs anew.")
    await (store.take_up if job.state is JobState.FAILED else store.run_now)(tx, job_id)
    await _record(tx, "job.retried", job)


async def cancel_job(tx: "Tx", job_id: int) -> None:
    """Call off a job: one that waits never runs, one that runs is stopped, and what it was at is rolled back.

    Raises:
        JobNotFoundError: it is gone.
        JobNotActionableError: it is over already, or told to stop.
    """
    job = await _held(tx, job_id)
    if not job.may_be_cancelled:
        raise JobNotActionableError(f"The job is {'stopping' if job.stopping else job.state} already.")
    await store.call_off(tx, job_id)
    await _record(tx, "job.cancelled", job)


async def note_progress(tx: "Tx", job_id: int, *, done: int, total: int, words: str) -> None:
    """Note how far a job has come, for people; `total` 0: nobody knows how much there is to do."""
    await store.note(tx, job_id, done=done, total=total, words=words)


async def note_failure(tx: "Tx", job_id: int, error: BaseException) -> None:
    """Note of what a try failed; what looks like a secret or names a person is hidden."""
    words = redact_people(f"{type(error).__name__}: {error}".replace("\x00", ""))
    await store.note_failure(tx, job_id, words[:MAX_ERROR])


async def forget_notes(tx: "Tx", job_id: int) -> None:
    """Forget what was noted of a job that succeeded."""
    await store.forget_notes(tx, job_id)


async def _held(tx: "Tx", job_id: int) -> KnownJob:
    await store.hold_job(tx, job_id)
    found = await store.find_job(tx, job_id)
    if found is None:
        raise JobNotFoundError
    return found


async def _record(tx: "Tx", action: str, job: KnownJob) -> None:
    await tx.record(action, target=("job", job.id), before={"name": job.name, "state": job.state})
