"""Looking after background work: how it stands, of what it failed, and the acts of people on it."""

import json

import psycopg
import pytest
from procrastinate.jobs import Status

from tollkeeper.infra import (
    JobNotActionableError,
    JobNotFoundError,
    JobState,
    KnownJob,
    Runtime,
    Sought,
    SoughtJobs,
    Tx,
    cancel_job,
    find_job,
    job,
    list_jobs,
    report_progress,
    retry_job,
    search_trail,
    tally_queues,
)
from tollkeeper.infra.jobs import FAULT

SECRET = "tk_live_" + "A" * 40


class Fault:
    """Whether the job fails, and what was seen of it while it ran."""

    fails = True
    seen: KnownJob | None = None


@job("test.fall", queue="mail")
async def fall(tx: Tx, *, who: str) -> None:
    """Say how far it has come, look at itself, and fail as long as it should."""
    await report_progress(tx.runtime, 3, 12, f"greeting {who}")
    async with tx.runtime.transaction() as other:
        [Fault.seen] = (await list_jobs(other, SoughtJobs(state=JobState.RUNNING))).data
    if Fault.fails:
        raise ValueError(f"cannot greet {who}@example.com with {SECRET}")


async def wanted(runtime: Runtime, who: str = "ada") -> int:
    async with runtime.transaction() as tx:
        await tx.defer(fall, who=who)
    async with runtime.transaction() as tx:
        return (await list_jobs(tx, SoughtJobs())).data[0].id


async def standing(runtime: Runtime, job_id: int) -> KnownJob:
    async with runtime.transaction() as tx:
        return (await find_job(tx, job_id))[0]


async def retried(runtime: Runtime, job_id: int) -> None:
    async with runtime.transaction() as tx:
        await retry_job(tx, job_id)


async def drain(runtime: Runtime) -> None:
    async with runtime.jobs.app.open_async():
        await runtime.jobs.drain()


def given_up(url: str) -> None:
    """Have the next try be the last."""
    with psycopg.connect(url) as connection:
        connection.execute("update procrastinate_jobs set attempts = %s", [FAULT.max_attempts])


@pytest.fixture
def failing(runtime: Runtime) -> type[Fault]:
    runtime.jobs.register([fall], runtime)
    Fault.fails = True
    return Fault


async def test_a_job_that_failed_tells_of_what_and_runs_again_when_asked(
    runtime: Runtime, clean_database: str, failing: type[Fault]
) -> None:
    job_id = await wanted(runtime)
    given_up(clean_database)
    await drain(runtime)
    found = await standing(runtime, job_id)
    assert (found.state, found.name, found.queue) == (JobState.FAILED, "test.fall", "mail")
    assert found.notes.error == "ValueError: cannot greet [redacted] with [redacted]"
    assert found.notes.failed_at is not None
    assert failing.seen is not None
    assert (failing.seen.notes.share, failing.seen.notes.words) == (25, "greeting ada")

    failing.fails = False
    await retried(runtime, job_id)
    again = await standing(runtime, job_id)
    assert (again.state, again.attempts) == (JobState.WAITING, 0)
    await drain(runtime)
    with pytest.raises(JobNotFoundError):
        await standing(runtime, job_id)
    with psycopg.connect(clean_database) as connection:
        assert connection.execute("select count(*) from job_notes").fetchone() == (0,)
    async with runtime.transaction() as tx:
        [record] = (await search_trail(tx, Sought(target_kind="job", target_id=str(job_id)))).data
    assert (record.action, record.before) == ("job.retried", {"name": "test.fall", "state": "failed"})


async def test_a_job_that_waits_for_its_next_try_can_have_it_now(runtime: Runtime, failing: type[Fault]) -> None:
    job_id = await wanted(runtime)
    await drain(runtime)
    found = await standing(runtime, job_id)
    assert (found.state, found.attempts) == (JobState.RETRYING, 1)
    failing.fails = False
    await retried(runtime, job_id)
    await drain(runtime)
    with pytest.raises(JobNotFoundError):
        await standing(runtime, job_id)


async def test_what_waits_is_called_off_and_stays_so(runtime: Runtime, failing: type[Fault]) -> None:
    failing.seen = None
    job_id = await wanted(runtime)
    async with runtime.transaction() as tx:
        await cancel_job(tx, job_id)
    await drain(runtime)
    assert (await standing(runtime, job_id)).state is JobState.CANCELLED
    assert failing.seen is None
    with pytest.raises(JobNotActionableError):
        await retried(runtime, job_id)
    async with runtime.transaction() as tx:
        with pytest.raises(JobNotActionableError):
            await cancel_job(tx, job_id)
    with pytest.raises(JobNotFoundError):
        await retried(runtime, job_id + 1)


async def test_what_runs_already_is_not_run_twice(runtime: Runtime, failing: type[Fault]) -> None:
    job_id = await wanted(runtime)
    assert failing.fails
    with pytest.raises(JobNotActionableError):
        await retried(runtime, job_id)


async def test_queues_are_tallied_and_lists_go_on(runtime: Runtime, clean_database: str, failing: type[Fault]) -> None:
    assert failing.fails
    first = await wanted(runtime, "ada")
    given_up(clean_database)
    await drain(runtime)
    second, third = await wanted(runtime, "eve"), await wanted(runtime, "bob")
    async with runtime.transaction() as tx:
        [tally] = await tally_queues(tx)
        page = await list_jobs(tx, SoughtJobs(queue="mail"), limit=2)
        rest = await list_jobs(tx, SoughtJobs(queue="mail"), cursor=int(page.next_cursor or 0), limit=2)
        waiting = await list_jobs(tx, SoughtJobs(state=JobState.WAITING, name="test.fall"))
        nothing = await list_jobs(tx, SoughtJobs(queue="billing"))
    assert (tally.queue, tally.waiting, tally.failed, tally.running) == ("mail", 2, 1, 0)
    assert tally.oldest_seconds >= 0
    assert [each.id for each in page.data] == [third, second]
    assert [each.id for each in rest.data] == [first]
    assert rest.next_cursor is None
    assert [each.id for each in waiting.data] == [third, second]
    assert not nothing.data


async def test_the_end_of_a_job_wakes_workers_for_what_waits_for_its_lock(
    runtime: Runtime, clean_database: str, failing: type[Fault]
) -> None:
    assert failing.fails
    async with runtime.transaction() as tx:
        for who in ("ada", "eve"):
            await tx.defer(fall, lock="one", who=who)
    manager = runtime.jobs.app.job_manager
    async with (
        runtime.jobs.app.open_async(),
        await psycopg.AsyncConnection.connect(clean_database, autocommit=True) as listening,
    ):
        first = await manager.fetch_job(None, await manager.register_worker())
        assert first is not None
        await listening.execute('listen "procrastinate_any_queue_v1"')
        await manager.finish_job(first, Status.SUCCEEDED, delete_job=True)
        told = [each async for each in listening.notifies(timeout=30, stop_after=1)]
    async with runtime.transaction() as tx:
        [second] = (await list_jobs(tx, SoughtJobs(name="test.fall"))).data
    assert [json.loads(each.payload) for each in told] == [{"type": "job_inserted", "job_id": second.id}]
