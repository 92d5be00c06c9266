"""The time machine: months of a trial system in a minute, everything in the order it comes due. Never in production.

The twin's clock goes first, since the provider is the authority; then ours; then what came due with us, what the twin
has to tell, and every job of either. A step ends at the next thing due or after a day, whichever comes first.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import structlog
from croniter import croniter

from tollkeeper import billing
from tollkeeper.infra import Job, Runtime, bring_jobs_forward, jobs_waiting, load_clock, move_clock, run_job
from tollkeeper.kit import MovableClock, TollkeeperError

from .runtime import every_job

log = structlog.get_logger(__name__)
LONGEST_STEP = timedelta(days=1)
# Virtual time goes on while we work: what is due now is reached a moment after.
MARGIN = timedelta(seconds=1)
OVERLAP = timedelta(minutes=5)
# What comes due is noticed by the jobs that come round within the hour; they are not waited for.
NOTICED = timedelta(hours=1)
NOW = timedelta()
SETTLE_SECONDS = 120.0


class ClockFixedError(TollkeeperError):
    """Time cannot be moved here: real customers are served, or the provider is a real one."""

    code = "clock_fixed"
    status = 409
    title = "Time cannot be moved here"
    hint = "Move the clock of a trial system on the Stripe twin: TOLLKEEPER_ENV=development and no STRIPE_SECRET_KEY."


class TwinClockError(TollkeeperError):
    """The twin's clock could not be moved."""

    code = "twin_clock"
    status = 503
    title = "The twin's clock cannot be moved"
    hint = "Check that the twin runs: `tollkeeper doctor`."


@dataclass(frozen=True, slots=True)
class Clocks:
    """Where both clocks stand, and how far each was moved."""

    product: datetime
    twin: datetime
    ahead: timedelta
    twin_ahead: timedelta


class TimeMachine:
    """Moves the product's clock and the twin's together. The runtime's jobs must be registered, their app open."""

    def __init__(self, runtime: Runtime, *, longest_step: timedelta = LONGEST_STEP) -> None:
        """Nothing is moved yet. In a step no periodic job runs more than once, however often it came due.

        Raises:
            ClockFixedError: time cannot be moved here.
        """
        clock, base = runtime.clock, runtime.settings.stripe_api_base
        if runtime.settings.is_production or base is None or not isinstance(clock, MovableClock):
            raise ClockFixedError
        self._runtime, self._clock, self._base = runtime, clock, base
        self._longest_step = longest_step

    async def clocks(self) -> Clocks:
        """Return where both clocks stand."""
        await load_clock(self._runtime)
        told = await self._twin("GET", "health")
        now = self._clock.now()
        ahead = timedelta(seconds=told["clock_offset"])
        return Clocks(now, self._clock.wall() + ahead, self._clock.offset, ahead)

    async def reset(self) -> None:
        """Let our clock show the time of the world again. The twin's does not go back: it is emptied for that."""
        async with self._runtime.transaction() as tx:
            await move_clock(tx, timedelta())

    async def advance(self, by: timedelta) -> AsyncIterator[datetime]:
        """Let this much time pass; yields where the clock stands after each step.

        A twin that was ahead (moved without us) is caught up with on the way.
        """
        await load_clock(self._runtime)
        until = self._clock.now() + by
        while (now := self._clock.now()) < until:
            async with self._runtime.transaction() as tx:
                due = await billing.next_due(tx, now)
            longest = min(until, now + self._longest_step)
            is_due = due is not None and due + MARGIN <= longest
            await self._step(due + MARGIN if due and is_due else longest, is_due=is_due)
            yield self._clock.now()

    async def settle(self, since: datetime) -> None:
        """Take in what the twin has to tell since then and run every job, until nothing comes of it any more."""
        async with asyncio.timeout(SETTLE_SECONDS):
            while True:
                async with self._runtime.transaction() as tx:
                    heard = await billing.catch_up(tx, since - OVERLAP)
                if await jobs_waiting(self._runtime):  # here or at another worker
                    await self._runtime.jobs.drain()
                elif not heard:
                    return

    async def _step(self, until: datetime, *, is_due: bool) -> None:
        before = self._clock.now()
        twin = timedelta(seconds=(await self._twin("GET", "health"))["clock_offset"])
        forward = until - self._clock.wall() - twin
        if forward > timedelta():
            await self._twin("POST", "clock", advance_seconds=forward.total_seconds())
        async with self._runtime.transaction() as tx:
            await move_clock(tx, until - self._clock.wall())
            await bring_jobs_forward(tx, until - before)
        await self.settle(before)
        for job in every_job():
            if job.cron and croniter(job.cron, before).get_next(datetime) <= until + (NOTICED if is_due else NOW):
                await self._run(job)
        await self.settle(before)

    async def _run(self, job: Job) -> None:
        try:
            await run_job(self._runtime, job)
        except TollkeeperError as error:  # it comes due again; time goes on
            log.warning("a periodic job failed", job=job.name, error=error.code)

    async def _twin(self, method: str, path: str, **body: float) -> dict[str, float]:
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
                answer = await client.request(method, f"{self._base}/_twin/{path}", json=body or None)
                found: dict[str, float] = answer.raise_for_status().json()
        except httpx.HTTPError as error:
            raise TwinClockError(log=f"{type(error).__name__}: {error}") from error
        return found
