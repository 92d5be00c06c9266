"""The system's health: what `/health` says, how the database is, and what lags behind what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import provider_circuit
from tollkeeper.gate import gate_of
from tollkeeper.infra import Health, Runtime, RuntimeDep, Vitals, database_vitals, sealing_lag
from tollkeeper.metering import rollup_lag, sink_lag
from tollkeeper.web.admin.guard import StaffDep, is_still_staff
from tollkeeper.web.admin.showing import show
from tollkeeper.web.ui import live, part

router = APIRouter()

HOME = "/admin/system"
LIVE_SECONDS = 5.0
PARTS = {
    "database": ("Database", "Nothing works without it"),
    "jobs": ("Background work", "Mails, webhooks, schedules"),
    "gate": ("Gate", "Hears of changes and forgets what is out of date"),
    "usage": ("History of usage", "Exact without, and slower the more waits"),
    "trail": ("Seals of the trail", "What is sealed cannot be changed unseen"),
    "provider": ("Payment provider", "Asked with our key"),
    "redis": ("Redis", "Limits shared between processes"),
    "clickhouse": ("ClickHouse", "Usage events are passed on to it"),
}
_KILO = 1024


@dataclass(frozen=True, slots=True)
class Check:
    """What one part answered. `problem` empty: nothing is wrong. `latency_ms` is how long it took to say so."""

    title: str
    about: str
    problem: str
    latency_ms: float


@dataclass(frozen=True, slots=True)
class Lag:
    """How far something is behind. `note` says when it matters."""

    title: str
    behind: timedelta
    note: str

    @property
    def words(self) -> str:
        """Return it for people."""
        seconds = self.behind.total_seconds()
        if seconds < 1:
            return "up to date"
        return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - two minutes


@dataclass(frozen=True, slots=True)
class Memory:
    """How many of a kind this process has in memory."""

    title: str
    count: int


@dataclass(frozen=True, slots=True)
class System:
    """How everything stands now. `status` empty: the parts are being asked for the first time, and take their time."""

    status: str
    version: str
    checks: Sequence[Check]
    vitals: Vitals
    lags: Sequence[Lag]
    circuit: str

    @property
    def size(self) -> str:
        """Return the database's size for people."""
        size = float(self.vitals.size_bytes)
        for unit in ("B", "kB", "MB", "GB"):
            if size < _KILO:
                return f"{size:.0f} {unit}"
            size /= _KILO
        return f"{size:.1f} TB"


async def system_now(runtime: Runtime) -> System:
    """Return how everything stands: the checks as they were found a moment ago, the rest as it is."""
    report = await runtime.part(Health).report() or {"status": "", "version": "", "checks": {}}
    async with runtime.transaction(of_all=True) as tx:
        vitals = await database_vitals(tx)
        lags = [
            Lag("History of usage", await rollup_lag(tx), "rolled up every second"),
            Lag("Seals of the trail", await sealing_lag(tx), "sealed every minute"),
        ]
        if runtime.settings.clickhouse_url:
            lags.append(Lag("ClickHouse", await sink_lag(tx), "passed on every second"))
    checks = [_check(name, each) for name, each in report["checks"].items()]
    return System(report["status"], report["version"], checks, vitals, lags, provider_circuit(runtime) or "")


def _check(name: str, answer: Mapping[str, Any]) -> Check:
    title, about = PARTS.get(name, (name.capitalize(), ""))
    return Check(title, about, answer.get("problem", ""), answer["latency_ms"])


@router.get(HOME)
async def system_page(request: Request, viewer: StaffDep, runtime: RuntimeDep) -> Response:
    """Show how everything stands."""
    memory = [Memory(title, count) for title, count in gate_of(request).projection.sizes().items()]
    return show(request, viewer, "system.html", system=await system_now(runtime), memory=memory)


@router.get(HOME + "/live")
async def system_live(request: Request, viewer: StaffDep, runtime: RuntimeDep) -> Response:
    """Send how everything stands, now and whenever it changes."""

    async def read() -> System:
        return await system_now(runtime)

    def shown(system: System) -> str:
        return part(request, "admin/system_now.html", viewer=viewer, system=system)

    return live(request, "system", read, shown, every=LIVE_SECONDS, stays=partial(is_still_staff, runtime, viewer))
