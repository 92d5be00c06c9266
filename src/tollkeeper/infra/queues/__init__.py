"""What background work waits, runs or failed, for the people who look after it.

Owns: the notes of a job (how far it has come, of what its last try failed) and the few acts on a job: run it again, run
it now, call it off. Does not own: how jobs are taken, tried again and given up (`infra.jobs`, procrastinate).
Invariants: a job that succeeded leaves nothing behind; a failed one stays, with its error, until somebody acts on it.
What each time means: all are the database's own, since the queue lives by it; a product's clock moves none of them.
"""

from .model import (
    JobNotActionableError,
    JobNotes,
    JobNotFoundError,
    JobState,
    KnownJob,
    QueueTally,
    SoughtJobs,
    Step,
)
from .service import (
    cancel_job,
    find_job,
    find_job_with,
    forget_notes,
    list_jobs,
    note_failure,
    note_progress,
    retry_job,
    tally_queues,
)

__all__ = [
    "JobNotActionableError",
    "JobNotFoundError",
    "JobNotes",
    "JobState",
    "KnownJob",
    "QueueTally",
    "SoughtJobs",
    "Step",
    "cancel_job",
    "find_job",
    "find_job_with",
    "forget_notes",
    "list_jobs",
    "note_failure",
    "note_progress",
    "retry_job",
    "tally_queues",
]
