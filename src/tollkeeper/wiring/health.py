"""Health: is every part this server needs there, and how long does it take to say so."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy.exc import SQLAlchemyError

from tollkeeper import __version__, billing, metering
from tollkeeper.gate import Gate
from tollkeeper.infra import Runtime, RuntimeDep, jobs_health, sealing_lag

router = APIRouter(tags=["Health"])

SECONDS_ALLOWED = 3.0
_UNAVAILABLE = 503
# Usage is rolled up every second; history is exact without, and slower the more waits.
LONGEST_LAG = timedelta(minutes=5)
# The trail is sealed every minute; what waits for its seal could still be changed unseen.
LONGEST_UNSEALED = timedelta(minutes=5)
# Without these no request can be served; the others being down is told but costs no traffic.
HARD = frozenset({"database"})

Check = Callable[[Runtime], Awaitable[str | None]]


async def _database(runtime: Runtime) -> str | None:
    await runtime.database.ping()
    return None


async def _jobs(runtime: Runtime) -> str | None:
    return await jobs_health(runtime)


async def _gate(runtime: Runtime) -> str | None:
    return (
        "changes cannot be heard; caches are dropped twice a second" if runtime.part(Gate).projection.is_stale else None
    )


async def _usage(runtime: Runtime) -> str | None:
    async with runtime.transaction() as tx:
        lag = await metering.rollup_lag(tx)
    return (
        None if lag < LONGEST_LAG else f"the oldest usage that is not rolled up waits for {lag.total_seconds():.0f} s"
    )


async def _trail(runtime: Runtime) -> str | None:
    async with runtime.transaction(of_all=True) as tx:
        lag = await sealing_lag(tx)
    return None if lag < LONGEST_UNSEALED else f"the oldest record waits for its seal for {lag.total_seconds():.0f} s"


async def _redis(runtime: Runtime) -> str | None:
    return await runtime.part(Gate).throttle.problem()


async def _provider(runtime: Runtime) -> str | None:
    return await billing.provider_problem(runtime)


def _checks(runtime: Runtime) -> dict[str, Check]:
    checks: dict[str, Check] = {"database": _database, "jobs": _jobs, "gate": _gate, "usage": _usage}
    checks["trail"] = _trail
    checks["provider"] = _provider
    if runtime.settings.redis_url:
        checks["redis"] = _redis
    if runtime.settings.clickhouse_url:
        checks["clickhouse"] = metering.sink_problem
    return checks


async def _run(check: Check, runtime: Runtime) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        problem = await asyncio.wait_for(check(runtime), SECONDS_ALLOWED)
    except TimeoutError:
        problem = f"no answer within {SECONDS_ALLOWED:g} s"
    except (SQLAlchemyError, OSError):
        problem = "not reachable"
    except metering.OtherServerError as error:
        problem = f"{error.title}: {error.hint}"
    latency = round((time.perf_counter() - started) * 1000, 1)
    answer: dict[str, Any] = {"status": "ok" if problem is None else "failing", "latency_ms": latency}
    return answer if problem is None else {**answer, "problem": problem}


async def health_report(runtime: Runtime) -> dict[str, Any]:
    """Ask every part at once. `status` is `ok`, `degraded`, or `failing` when a hard dependency is gone."""
    checks = _checks(runtime)
    answers = await asyncio.gather(*(_run(check, runtime) for check in checks.values()))
    parts = dict(zip(checks, answers, strict=True))
    parts["provider"]["circuit"] = billing.provider_circuit(runtime)
    failing = {name for name, part in parts.items() if part["status"] != "ok"}
    status = "failing" if failing & HARD else "degraded" if failing else "ok"
    return {"status": status, "version": __version__, "checks": parts}


@router.get("/health", responses={_UNAVAILABLE: {"description": "A hard dependency is gone."}})
@router.get("/api/health", responses={_UNAVAILABLE: {"description": "A hard dependency is gone."}})
async def health(runtime: RuntimeDep, response: Response) -> dict[str, Any]:
    """Tell whether every part is there, with what it took to ask."""
    report = await health_report(runtime)
    if report["status"] == "failing":
        response.status_code = _UNAVAILABLE
    return report


@router.get("/health/live")
async def live() -> dict[str, str]:
    """Tell that the process answers; asks nothing else."""
    return {"status": "ok", "version": __version__}
