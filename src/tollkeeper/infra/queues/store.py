"""Every SQL statement about looking after jobs; the queue's tables are procrastinate's, and asked as they are."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import RowMapping, delete, func, text
from sqlalchemy.dialects.postgresql import insert

from .model import JobNotes, JobState, KnownJob, QueueTally, SoughtJobs, Step
from .tables import JOB_NOTES

if TYPE_CHECKING:
    from tollkeeper.infra.runtime import Tx

_STATE = """
case when j.status = 'todo' and j.scheduled_at > now() and j.attempts > 0 then 'retrying'
    when j.status = 'todo' and j.scheduled_at > now() then 'later'
    when j.status = 'todo' then 'waiting'
    when j.status = 'doing' then 'running'
    when j.status = 'failed' then 'failed'
    else 'cancelled' end
"""
# What makes a state, in the words of the queue's indices.
_IN_STATE = {
    JobState.WAITING: "j.status = 'todo' and (j.scheduled_at is null or j.scheduled_at <= now())",
    JobState.RETRYING: "j.status = 'todo' and j.scheduled_at > now() and j.attempts > 0",
    JobState.LATER: "j.status = 'todo' and j.scheduled_at > now() and j.attempts = 0",
    JobState.RUNNING: "j.status = 'doing'",
    JobState.FAILED: "j.status = 'failed'",
    JobState.CANCELLED: "j.status in ('cancelled', 'aborting', 'aborted')",
}
_JOB = f"""
select j.id, j.queue_name, j.task_name, {_STATE} as state, j.attempts, j.lock, j.args, j.scheduled_at,
    j.abort_requested, n.done, n.total, n.words, n.error, n.failed_at, e.created_at, e.changed_at
from procrastinate_jobs j left join job_notes n on n.job_id = j.id,
lateral (select min(at) as created_at, max(at) as changed_at from procrastinate_events
    where job_id = j.id and type <> 'scheduled') e -- which has the time to come
"""  # noqa: S608 - constants
_STEPS = "select type::text, at from procrastinate_events where job_id = :id and at is not null order by id"
_TALLY = f"""
select queue_name, {_STATE} as state, count(*) as jobs,
    coalesce(extract(epoch from max(now() - coalesce(j.scheduled_at, (
        select max(at) from procrastinate_events where job_id = j.id and type in ('deferred', 'retried')
    )))), 0) as seconds
from procrastinate_jobs j where j.status <> 'succeeded' group by 1, 2 order by 1
"""  # noqa: S608 - constants
_TAKE_UP = "select procrastinate_retry_job_v2(:id, now(), null, null, null)"
_BEGIN_ANEW = "update procrastinate_jobs set attempts = 0 where id = :id"
_RUN_NOW = "update procrastinate_jobs set scheduled_at = now() where id = :id and status = 'todo'"
_CALL_OFF = "select procrastinate_cancel_job_v1(:id, true, false)"
_LOCKED = "select status::text from procrastinate_jobs where id = :id for update"


async def find_jobs(
    tx: "Tx", sought: SoughtJobs, *, oldest_first: bool, after: int | None, limit: int
) -> list[KnownJob]:
    """Return jobs, the latest first or the oldest, beyond the job `after`."""
    conditions = [f"({_IN_STATE[sought.state]})"] if sought.state else ["j.status <> 'succeeded'"]
    values: dict[str, Any] = {"queue": sought.queue, "name": sought.name, "id": sought.id, "after": after}
    beyond, way = ("j.id > :after", "asc") if oldest_first else ("j.id < :after", "desc")
    columns = {
        "queue": "j.queue_name = :queue",
        "name": "j.task_name = :name",
        "id": "j.id = :id",
        "after": beyond,
    }
    conditions += [condition for name, condition in columns.items() if values[name] is not None]
    statement = f"{_JOB} where {' and '.join(conditions)} order by j.id {way} limit :limit"
    found = await tx.connection.execute(text(statement), {**values, "limit": limit})
    return [_job(row) for row in found.mappings()]


async def find_job(tx: "Tx", job_id: int) -> KnownJob | None:
    """Return a job; None when there is none of this number."""
    row = (await tx.connection.execute(text(f"{_JOB} where j.id = :id"), {"id": job_id})).mappings().one_or_none()
    return None if row is None else _job(row)


async def find_job_with(tx: "Tx", name: str, argument: str, value: str) -> KnownJob | None:
    """Return the latest job of this name with this argument that is not over well; None when there is none."""
    wanted = f"{_JOB} where j.task_name = :name and j.args ->> :argument = :value and j.status <> 'succeeded'"
    found = await tx.connection.execute(
        text(f"{wanted} order by j.id desc limit 1"), {"name": name, "argument": argument, "value": value}
    )
    row = found.mappings().one_or_none()
    return None if row is None else _job(row)


async def hold_job(tx: "Tx", job_id: int) -> None:
    """Let nobody else change the job until the transaction ends."""
    await tx.connection.execute(text(_LOCKED), {"id": job_id})


async def steps_of(tx: "Tx", job_id: int) -> list[Step]:
    """Return what happened to a job, in order."""
    return [Step(row.type, row.at) for row in await tx.connection.execute(text(_STEPS), {"id": job_id})]


async def tally(tx: "Tx") -> Sequence[QueueTally]:
    """Return how many jobs of each queue stand how."""
    queues: dict[str, dict[str, Any]] = {}
    for row in await tx.connection.execute(text(_TALLY)):
        queue = queues.setdefault(row.queue_name, {**dict.fromkeys(JobState, 0), "seconds": 0.0})
        queue[row.state] = row.jobs
        if row.state == JobState.WAITING:
            queue["seconds"] = max(0.0, float(row.seconds))
    return [
        QueueTally(name, **{state.value: each[state] for state in JobState}, oldest_seconds=each["seconds"])
        for name, each in queues.items()
    ]


async def take_up(tx: "Tx", job_id: int) -> None:
    """Have a job that was given up run again, with as many tries as a new one."""
    await tx.connection.execute(text(_TAKE_UP), {"id": job_id})
    await tx.connection.execute(text(_BEGIN_ANEW), {"id": job_id})


async def run_now(tx: "Tx", job_id: int) -> None:
    """Have a job that waits for its time run as soon as a worker is free."""
    await tx.connection.execute(text(_RUN_NOW), {"id": job_id})


async def call_off(tx: "Tx", job_id: int) -> None:
    """Cancel a job that waits, and have one that runs stopped by its worker."""
    await tx.connection.execute(text(_CALL_OFF), {"id": job_id})


async def note(tx: "Tx", job_id: int, **values: Any) -> None:
    """Note something of a job beside what was noted before."""
    fresh = insert(JOB_NOTES).values(job_id=job_id, **values)
    await tx.connection.execute(fresh.on_conflict_do_update(index_elements=["job_id"], set_=values))


async def note_failure(tx: "Tx", job_id: int, error: str) -> None:
    """Note of what a try failed, now by the database's clock."""
    await note(tx, job_id, error=error, failed_at=func.clock_timestamp())


async def forget_notes(tx: "Tx", job_id: int) -> None:
    """Delete what was noted of a job."""
    await tx.connection.execute(delete(JOB_NOTES).where(JOB_NOTES.c.job_id == job_id))


def _job(row: RowMapping) -> KnownJob:
    notes = JobNotes(row["done"] or 0, row["total"] or 0, row["words"] or "", row["error"] or "", row["failed_at"])
    return KnownJob(
        id=row["id"],
        queue=row["queue_name"],
        name=row["task_name"],
        state=JobState(row["state"]),
        attempts=row["attempts"],
        lock=row["lock"],
        payload=row["args"],
        scheduled_at=row["scheduled_at"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
        stopping=row["abort_requested"] and row["state"] == JobState.RUNNING,
        notes=notes,
    )
