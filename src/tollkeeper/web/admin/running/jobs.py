"""Background work: how the queues stand, live, one job with its error, and running it again or calling it off."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from tollkeeper.infra import (
    JobNotFoundError,
    JobState,
    KnownJob,
    QueueTally,
    Runtime,
    RuntimeDep,
    SoughtJobs,
    Tx,
    cancel_job,
    find_job,
    list_jobs,
    retry_job,
    tally_queues,
)
from tollkeeper.web.admin.guard import AdminDep, StaffDep, admin_viewer, is_still_staff
from tollkeeper.web.admin.numbers import whole_number
from tollkeeper.web.admin.showing import Asking, ask, show
from tollkeeper.web.ui import Asked, Column, Filter, Option, Table, go, live, part, read_form, toast

router = APIRouter()

SHOWN = 50
RUNNING_SHOWN = 20
LIVE_SECONDS = 1.0
HOME = "/admin/jobs"
TONES = {
    JobState.WAITING: "neutral",
    JobState.RETRYING: "warn",
    JobState.LATER: "neutral",
    JobState.RUNNING: "accent",
    JobState.FAILED: "bad",
    JobState.CANCELLED: "neutral",
}
STEPS = {
    "deferred": "Wanted",
    "scheduled": "Put off until",
    "started": "Began",
    "deferred_for_retry": "Failed, to be tried again",
    "failed": "Given up",
    "cancelled": "Called off",
    "abort_requested": "Told to stop",
    "aborted": "Stopped",
    "retried": "Run again by staff",
}
_MOST_DIGITS = 18
LISTED = Table(
    path=HOME,
    columns=(
        Column("name", "Job"),
        Column("state", "State"),
        Column("queue", "Queue"),
        Column("tries", "Failed tries", is_number=True),
        Column("created_at", "Wanted", sorts=True),
        Column("changed_at", "Last heard of"),
    ),
    filters=(
        Filter(
            "state", "State", (Option("", "Any"), *(Option(each.value, each.value.capitalize()) for each in JobState))
        ),
        Filter("queue", "Queue", hint="default"),
        Filter("name", "Job", hint="billing.process_event"),
    ),
    order="-created_at",
)


@dataclass(frozen=True, slots=True)
class Now:
    """How the queues stand, and what runs: the part of the page that stays up to date."""

    queues: Sequence[QueueTally]
    running: Sequence[KnownJob]

    def count(self, state: str) -> int:
        """Return how many jobs of all queues stand so."""
        return sum(int(getattr(each, state)) for each in self.queues)


async def standing(tx: Tx) -> Now:
    """Return how the queues stand, and the latest jobs that run."""
    running = await list_jobs(tx, SoughtJobs(state=JobState.RUNNING), limit=RUNNING_SHOWN)
    return Now(await tally_queues(tx), running.data)


@router.get(HOME)
async def jobs_page(request: Request, viewer: StaffDep, runtime: RuntimeDep) -> Response:
    """Show how the queues stand, and the jobs that are not done, the latest first unless asked otherwise."""
    asked = LISTED.read(request.query_params)
    async with runtime.transaction(of_all=True) as tx:
        now = await standing(tx)
        found = await list_jobs(
            tx, _sought(asked), oldest_first=not asked.descending, cursor=_number(asked.cursor), limit=SHOWN
        )
    table = LISTED.shown(asked, next_cursor=found.next_cursor)
    return show(request, viewer, "jobs.html", table=table, rows=found.data, standing=now, tones=TONES)


@router.get(HOME + "/live")
async def jobs_live(request: Request, viewer: StaffDep, runtime: RuntimeDep) -> Response:
    """Send how the queues stand and what runs, now and whenever it changes."""

    async def read() -> Now:
        async with runtime.transaction(of_all=True) as tx:
            return await standing(tx)

    def shown(now: Now) -> str:
        return part(request, "admin/jobs_now.html", viewer=viewer, standing=now)

    return live(request, "jobs", read, shown, every=LIVE_SECONDS, stays=partial(is_still_staff, runtime, viewer))


def _sought(asked: Asked) -> SoughtJobs:
    state = JobState(asked["state"]) if asked["state"] else None
    return SoughtJobs(state=state, queue=asked["queue"] or None, name=asked["name"] or None)


@router.get(HOME + "/{number}")
async def job_page(request: Request, viewer: StaffDep, runtime: RuntimeDep, number: str) -> Response:
    """Show one job: how it stands, of what it failed, and what happened to it."""
    async with runtime.transaction(of_all=True) as tx:
        job, steps = await find_job(tx, _id(number))
    return show(request, viewer, "job.html", job=job, steps=steps, words=STEPS, tone=TONES[job.state])


@router.get(HOME + "/{number}/retry")
async def retry_page(request: Request, viewer: AdminDep, runtime: RuntimeDep, number: str) -> Response:
    """Ask before a job is run again."""
    job = await _found(runtime, number)
    text = "It begins as soon as a worker is free, with as many tries as a new one. What it did is not done twice."
    return ask(request, viewer, _asking(job, "retry", f"Run {job.name} now?", text, "Run it now"))


@router.post(HOME + "/{number}/retry", dependencies=[Depends(admin_viewer)])
async def retry(request: Request, runtime: RuntimeDep, number: str) -> Response:
    """Have a job run again."""
    return await _act(request, runtime, number, retry_job, "It runs as soon as a worker is free.")


@router.get(HOME + "/{number}/cancel")
async def cancel_page(request: Request, viewer: AdminDep, runtime: RuntimeDep, number: str) -> Response:
    """Ask before a job is called off."""
    job = await _found(runtime, number)
    text = "What it was to do is not done, by nobody. One that runs is stopped, and what it was at is rolled back."
    return ask(request, viewer, _asking(job, "cancel", f"Call {job.name} off?", text, "Call it off", is_grave=True))


@router.post(HOME + "/{number}/cancel", dependencies=[Depends(admin_viewer)])
async def cancel(request: Request, runtime: RuntimeDep, number: str) -> Response:
    """Call a job off."""
    return await _act(request, runtime, number, cancel_job, "It is called off.")


async def _act(
    request: Request, runtime: Runtime, number: str, act: Callable[[Tx, int], Awaitable[None]], words: str
) -> Response:
    await read_form(request)
    async with runtime.transaction(of_all=True) as tx:
        await act(tx, _id(number))
    return toast(request, go(HOME), words)


async def _found(runtime: Runtime, number: str) -> KnownJob:
    async with runtime.transaction(of_all=True) as tx:
        return (await find_job(tx, _id(number)))[0]


def _asking(job: KnownJob, act: str, title: str, text: str, button: str, *, is_grave: bool = False) -> Asking:
    return Asking(
        title=title,
        text=text,
        action=f"{HOME}/{job.id}/{act}",
        button=button,
        back=f"{HOME}/{job.id}",
        rows=(("Job", f"{job.name} {job.id}"), ("State", job.state.value), ("Failed tries", str(job.attempts))),
        is_grave=is_grave,
    )


def _number(text: str) -> int | None:
    return whole_number(text, digits=_MOST_DIGITS)


def _id(text: str) -> int:
    found = _number(text)
    if found is None:
        raise JobNotFoundError
    return found
