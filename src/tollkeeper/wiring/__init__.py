"""Wiring: puts the floors together into an application, a worker, and the commands that prepare a database.

Owns: which parts a process has, the order of layers around a request, migrations, health.
Does not own: any rule of a domain. It is the only place that knows every door.
Invariants: what it builds follows from the settings alone; nothing below it imports it.
"""

from .app import build_api, build_app
from .convergence import Trial, converge, read_history
from .health import health_report
from .migrate import alembic_config, current_revision, migrate, newest_revision
from .runtime import build_runtime, every_job, subscribe_doors
from .seed import Seeded, is_empty, prepare, seed
from .time_machine import ClockFixedError, Clocks, TimeMachine, TwinClockError
from .worker import run_worker

__all__ = [
    "ClockFixedError",
    "Clocks",
    "Seeded",
    "TimeMachine",
    "Trial",
    "TwinClockError",
    "alembic_config",
    "build_api",
    "build_app",
    "build_runtime",
    "converge",
    "current_revision",
    "every_job",
    "health_report",
    "is_empty",
    "migrate",
    "newest_revision",
    "prepare",
    "read_history",
    "run_worker",
    "seed",
    "subscribe_doors",
]
