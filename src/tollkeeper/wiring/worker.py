"""Runs background work until told to stop."""

import asyncio
import signal

import structlog
from procrastinate.exceptions import ConnectorException

from tollkeeper import metering
from tollkeeper.infra import Runtime, follow_clock

from .runtime import every_job
from .seed import prepare

log = structlog.get_logger(__name__)

CONCURRENCY = 8
# How long jobs that are running may take to end after the order to stop (seconds).
GRACE_SECONDS = 10.0
POLL_SECONDS = 5.0
# How often it is asked what dead workers have left behind (seconds).
TAKE_UP_SECONDS = 5.0


async def run_worker(runtime: Runtime) -> None:
    """Take jobs and run them until SIGTERM or SIGINT; jobs under way are waited for, within limits."""
    runtime.jobs.register(every_job(), runtime)
    app = runtime.jobs.app
    await prepare(runtime)
    beside = [
        asyncio.create_task(each(runtime)) for each in (follow_clock, metering.keep_rolled_up, metering.pass_events_on)
    ]
    async with app.open_async():
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel if task else loop.stop)
        log.info("worker ready", jobs=len(every_job()))
        taking_up = asyncio.create_task(_take_up_stalled(runtime))
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
            for each in beside:
                each.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            taking_up.cancel()
            await runtime.database.close()


async def _take_up_stalled(runtime: Runtime) -> None:
    while True:
        try:
            await runtime.jobs.take_up_stalled()
        except ConnectorException as error:
            log.warning("jobs left behind cannot be looked for", error=str(error))
        await asyncio.sleep(TAKE_UP_SECONDS)
