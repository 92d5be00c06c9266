"""Background work: job rows written with the transaction that wants them, run by procrastinate's worker."""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import procrastinate
import structlog
from procrastinate import BaseRetryStrategy, JobContext, RetryDecision, RetryStrategy
from psycopg.conninfo import make_conninfo
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from tollkeeper.kit import UnavailableError

from . import queues
from .tenancy import APP_ROLE, role_option
from .trail import SYSTEM, acting

if TYPE_CHECKING:
    from .runtime import Runtime, Tx

# A worker that has not reported for this long is taken for dead; procrastinate's workers report every ten seconds.
HEARTBEAT_SECONDS = 30
LONGEST_WAIT_SECONDS = 60
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Run:
    """One try of a job. `noted`: something was noted of the job, in this try or one before."""

    job_id: int
    noted: bool


_running: ContextVar[_Run | None] = ContextVar("running_job", default=None)

_HEALTH = """
select
    (select count(*) from procrastinate_workers
        where last_heartbeat > now() - make_interval(secs => :heartbeat)) as alive,
    (select coalesce(extract(epoch from max(now() - greatest(at, scheduled_at))), 0)
        from procrastinate_jobs j join procrastinate_events e on e.job_id = j.id and e.type = 'deferred'
        where j.status = 'todo' and (j.scheduled_at is null or j.scheduled_at <= now())) as waiting_seconds
"""

# What waits for a retry waits long, and so does what must come after it.
_WAITING = """
select count(*) from procrastinate_jobs j
where status = 'doing' or (
    status = 'todo' and (scheduled_at is null or scheduled_at <= now()) and not exists (
        select from procrastinate_jobs before
        where before.lock = j.lock and before.id < j.id and before.status = 'todo' and before.scheduled_at > now()))
"""

_PENDING = """
select args ->> :argument from procrastinate_jobs where task_name = :name and status in ('todo', 'doing')
"""

_BRING_FORWARD = """
update procrastinate_jobs set scheduled_at = scheduled_at - make_interval(secs => :seconds)
where status = 'todo' and scheduled_at is not null
"""

Handler = Callable[..., Awaitable[None]]

# What fails by a fault of ours waits 2, 4, 8, ... seconds between ten tries, half an hour in all, and needs a person.
FAULT = RetryStrategy(max_attempts=10, exponential_wait=2)
# What fails because something is down waits for it, three days long, and comes soon after it is back.
OUTAGE_TRIES = 900
LONGEST_OUTAGE_WAIT = 300


class Patience(BaseRetryStrategy):
    """When a job that failed is tried again."""

    def get_retry_decision(self, *, exception: BaseException, job: procrastinate.jobs.Job) -> RetryDecision | None:
        """Return when; None: never."""
        if not isinstance(exception, UnavailableError):
            return FAULT.get_retry_decision(exception=exception, job=job)
        if job.attempts >= OUTAGE_TRIES:
            return None
        asked = int(exception.headers.get("Retry-After", 0))
        wait = LONGEST_OUTAGE_WAIT if job.attempts > 8 else 2 ** (job.attempts + 1)  # noqa: PLR2004 - 2^9 exceeds it
        return RetryDecision(retry_in={"seconds": max(asked, min(wait, LONGEST_OUTAGE_WAIT))})


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of background work.

    `handler(tx, **payload)` gets a transaction that the worker commits when it returns; it must stand being run twice.
    `cron` makes it periodic (procrastinate's five or six fields, UTC); it is then called with no payload. `in_steps`
    says that the handler is given `Steps` instead, since what it does must be kept piece by piece.
    """

    name: str
    handler: Handler
    queue: str = "default"
    cron: str | None = None
    in_steps: bool = False


def job(
    name: str, *, queue: str = "default", cron: str | None = None, in_steps: bool = False
) -> Callable[[Handler], Job]:
    """Declare the decorated coroutine as the handler of a job named `<domain>.<verb>`."""

    def declare(handler: Handler) -> Job:
        return Job(name, handler, queue, cron, in_steps)

    return declare


class JobQueue:
    """Puts jobs into the database and builds the worker that takes them out."""

    def __init__(self, conninfo: str) -> None:
        """`conninfo` is a libpq URL of the database that holds the jobs. Nothing is opened yet."""
        as_application = make_conninfo(conninfo, options=role_option(APP_ROLE))
        self.app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(conninfo=as_application, min_size=1, max_size=8)
        )

    async def defer(self, connection: Any, job: Job, payload: dict[str, Any], *, lock: str | None = None) -> None:
        """Insert a job row on the caller's own psycopg connection; it appears when the caller commits."""
        deferrer = self.app.configure_task(
            job.name, allow_unknown=True, connection=connection, lock=lock, queue=job.queue
        )
        await deferrer.defer_async(**payload)

    def register(self, jobs: Iterable[Job], runtime: "Runtime") -> None:
        """Teach the worker how to run these jobs."""
        for each in jobs:
            task = self.app.task(name=each.name, queue=each.queue, retry=Patience(), pass_context=True)(
                _runner(each, runtime)
            )
            if each.cron:
                self.app.periodic(cron=each.cron)(task)

    async def take_up_stalled(self) -> int:
        """Have the jobs that dead workers left behind run again, by whoever comes first; returns how many there were.

        The app is open. A worker that died in order has left; one that was killed is missed after `HEARTBEAT_SECONDS`.
        """
        manager = self.app.job_manager
        found = list(await manager.get_stalled_jobs(seconds_since_heartbeat=HEARTBEAT_SECONDS))
        for each in found:
            log.warning("taking up the job of a worker that died", job=each.task_name, job_id=each.id)
            await manager.retry_job(each)
        return len(found)

    async def drain(self, *, concurrency: int = 4) -> None:
        """Run every job that is due, and those they make, then return. The jobs are registered, the app is open."""
        await self.app.run_worker_async(
            wait=False,
            concurrency=concurrency,
            install_signal_handlers=False,
            listen_notify=False,
            delete_jobs="successful",
        )


def _runner(job: Job, runtime: "Runtime") -> Callable[..., Awaitable[None]]:
    async def run(context: JobContext, **payload: Any) -> None:
        payload.pop("timestamp", None) if job.cron else None
        structlog.contextvars.bind_contextvars(job=job.name, job_id=context.job.id)
        this = _Run(context.job.id or 0, noted=context.job.attempts > 0)
        _running.set(this)
        try:
            await run_job(runtime, job, **payload)
        except Exception as error:
            with suppress(SQLAlchemyError, OSError):  # what it failed of goes to the log in any case
                async with runtime.transaction() as tx:
                    await queues.note_failure(tx, this.job_id, error)
            raise
        if this.noted:
            async with runtime.transaction() as tx:
                await queues.forget_notes(tx, this.job_id)

    return run


async def report_progress(runtime: "Runtime", done: int, total: int, words: str) -> None:
    """Tell people how far the job that runs has come; outside a job, as in a command, it is told to nobody.

    It is on disk at once, in a transaction of its own: for work that holds no other meanwhile, or few do.

    Args:
        runtime: the process's.
        done: how much is done, of `total`.
        total: how much there is to do; 0: nobody knows.
        words: what it is at.
    """
    this = _running.get()
    if this is not None:
        this.noted = True
        async with runtime.transaction() as tx:
            await queues.note_progress(tx, this.job_id, done=done, total=total, words=words)


async def run_job(runtime: "Runtime", job: Job, **payload: Any) -> None:
    """Run a job now, as the worker does: in one transaction, or in the steps it asks for."""
    origin = replace(SYSTEM, via=f"job {job.name}")
    with acting(lambda: origin):
        async with runtime.steps() if job.in_steps else runtime.transaction() as given:
            await job.handler(given, **payload)


async def jobs_waiting(runtime: "Runtime") -> int:
    """Return how many jobs are running or due for the first time, at whichever worker; retries wait longer."""
    async with runtime.transaction() as tx:
        return int((await tx.connection.execute(text(_WAITING))).scalar_one())


async def pending_jobs(tx: "Tx", job: Job, argument: str) -> set[str]:
    """Return the values of this argument that jobs of this kind still wait with, or run with."""
    found = await tx.connection.execute(text(_PENDING), {"name": job.name, "argument": argument})
    return set(found.scalars())


async def bring_jobs_forward(tx: "Tx", by: timedelta) -> None:
    """Have what waits for its time wait this much less: for a clock that was moved, the queue's own cannot be."""
    await tx.connection.execute(text(_BRING_FORWARD), {"seconds": by.total_seconds()})


async def jobs_health(runtime: "Runtime") -> str | None:
    """Say what is wrong with background work; None when a worker is alive and nothing waits for long."""
    async with runtime.transaction() as tx:
        row = (await tx.connection.execute(text(_HEALTH), {"heartbeat": HEARTBEAT_SECONDS})).one()
    if row.alive == 0:
        return "no worker is running"
    if row.waiting_seconds > LONGEST_WAIT_SECONDS:
        return f"the oldest job has been waiting for {row.waiting_seconds:.0f} s"
    return None
