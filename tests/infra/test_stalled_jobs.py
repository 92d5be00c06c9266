"""What a worker that was killed has left behind is taken up by another."""

from datetime import timedelta

import psycopg

from tollkeeper.infra import Runtime, Tx, job
from tollkeeper.infra.jobs import HEARTBEAT_SECONDS

SILENT = timedelta(seconds=HEARTBEAT_SECONDS + 1)


@job("test.work")
async def work(_: Tx) -> None:
    """Nothing."""


def status(url: str) -> list[tuple[str]]:
    with psycopg.connect(url) as connection:
        return connection.execute("select status::text from procrastinate_jobs").fetchall()


async def test_the_job_of_a_worker_that_was_killed_runs_again(runtime: Runtime, clean_database: str) -> None:
    runtime.jobs.register([work], runtime)
    async with runtime.transaction() as tx:
        await tx.defer(work)
    manager = runtime.jobs.app.job_manager
    async with runtime.jobs.app.open_async():
        worker = await manager.register_worker()
        assert await manager.fetch_job(None, worker) is not None
        assert await runtime.jobs.take_up_stalled() == 0
        assert status(clean_database) == [("doing",)]
        with psycopg.connect(clean_database) as connection:
            connection.execute("update procrastinate_workers set last_heartbeat = now() - %s", [SILENT])
        assert await runtime.jobs.take_up_stalled() == 1
        assert status(clean_database) == [("todo",)]
        await runtime.jobs.drain()
    assert status(clean_database) == []


async def test_the_job_of_a_worker_that_has_left_is_taken_up_at_once(runtime: Runtime, clean_database: str) -> None:
    runtime.jobs.register([work], runtime)
    async with runtime.transaction() as tx:
        await tx.defer(work)
    manager = runtime.jobs.app.job_manager
    async with runtime.jobs.app.open_async():
        worker = await manager.register_worker()
        await manager.fetch_job(None, worker)
        await manager.unregister_worker(worker)
        assert await runtime.jobs.take_up_stalled() == 1
    assert status(clean_database) == [("todo",)]
