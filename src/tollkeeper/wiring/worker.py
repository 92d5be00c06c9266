"""Runs background work until told to stop."""

import asyncio
import signal

import structlog

from tollkeeper.infra import Runtime, follow_clock

from .runtime import every_job
from .seed import prepare

log = structlog.get_logger(__name__)

CONCURRENCY = 8
# How long jobs that are running may take to end after the order to stop (seconds).
GRACE_SECONDS = 10.0
POLL_SECONDS = 5.0


async def run_worker(runtime: Runtime) -> None:
    """Take jobs and run them until SIGTERM or SIGINT; jobs under way are waited for, within limits."""
    runtime.jobs.register(every_job(), runtime)
    app = runtime.jobs.app
    await prepare(runtime)
    following = asyncio.create_task(follow_clock(runtime))
    async with app.open_async():
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel if task else loop.stop)
        log.info("worker ready", jobs=len(every_job()))
        try:
            await app.run_worker_async(
                concurrency=CONCURRENCY,
                install_signal_handlers=False,
                shutdown_graceful_timeout=GRACE_SECONDS,
                fetch_job_polling_interval=POLL_SECONDS,
                delete_jobs="successful",
            )
        except asyncio.CancelledError:
            log.info("worker stopped")
        finally:
            following.cancel()
            await runtime.database.close()
