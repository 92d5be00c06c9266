"""Plumbing every domain stands on: settings, database, jobs, events, the HTTP edge, limits, logs, secrets.

Owns: connections, transactions and their one commit at the edge, delivery of events and jobs, the shape of errors.
Does not own: any rule or table of a domain.
Invariants: a job or event exists exactly if the transaction that wanted it committed; no secret reaches a log; a
failure leaves as a problem document with a request id and never as a trace.
What each time means: `Tx.now` is the one moment a whole transaction stands for, read from the injected clock.
"""

from .answers import Answer, Header, lines, pairs
from .cache import LoadingCache
from .clock import clock_offset, follow_clock, load_clock, move_clock
from .crypto import digest, make_secret, same
from .db import Database, Listener, libpq_url
from .events import Event, EventRoutes
from .http import (
    ActorDep,
    OptionalActorDep,
    RuntimeDep,
    TxDep,
    current_actor,
    install_error_handlers,
    optional_actor,
    request_id_of,
    runtime_of,
)
from .idempotency import (
    Idempotency,
    IdempotencyAnswerLostError,
    IdempotencyDep,
    IdempotencyInProgressError,
    IdempotencyKeyReusedError,
    forget_idempotency_keys,
)
from .jobs import Job, JobQueue, bring_jobs_forward, job, jobs_health, jobs_waiting, pending_jobs, run_job
from .log import configure_logging, redact
from .middleware import DATA_HEADERS, Edge, base_headers, observe, sane_request_id
from .problems import MEDIA_TYPE as PROBLEM_MEDIA_TYPE
from .problems import (
    DatabaseUnavailableError,
    MalformedBodyError,
    as_tollkeeper_error,
    every_error,
    is_outage,
    problem_response,
)
from .runtime import CHANGES, Runtime, Tx
from .sealing import Seal
from .settings import (
    Environment,
    Settings,
    SettingsError,
    Switch,
    TaxMode,
    load_settings,
    read_local_secrets,
    write_local_secrets,
)
from .steps import Steps
from .tables import metadata
from .throttle import LocalThrottle, Rate, Rates, SharedThrottle, Throttle, Verdict

__all__ = [
    "CHANGES",
    "DATA_HEADERS",
    "PROBLEM_MEDIA_TYPE",
    "ActorDep",
    "Answer",
    "Database",
    "DatabaseUnavailableError",
    "Edge",
    "Environment",
    "Event",
    "EventRoutes",
    "Header",
    "Idempotency",
    "IdempotencyAnswerLostError",
    "IdempotencyDep",
    "IdempotencyInProgressError",
    "IdempotencyKeyReusedError",
    "Job",
    "JobQueue",
    "Listener",
    "LoadingCache",
    "LocalThrottle",
    "MalformedBodyError",
    "OptionalActorDep",
    "Rate",
    "Rates",
    "Runtime",
    "RuntimeDep",
    "Seal",
    "Settings",
    "SettingsError",
    "SharedThrottle",
    "Steps",
    "Switch",
    "TaxMode",
    "Throttle",
    "Tx",
    "TxDep",
    "Verdict",
    "as_tollkeeper_error",
    "base_headers",
    "bring_jobs_forward",
    "clock_offset",
    "configure_logging",
    "current_actor",
    "digest",
    "every_error",
    "follow_clock",
    "forget_idempotency_keys",
    "install_error_handlers",
    "is_outage",
    "job",
    "jobs_health",
    "jobs_waiting",
    "libpq_url",
    "lines",
    "load_clock",
    "load_settings",
    "make_secret",
    "metadata",
    "move_clock",
    "observe",
    "optional_actor",
    "pairs",
    "pending_jobs",
    "problem_response",
    "read_local_secrets",
    "redact",
    "request_id_of",
    "run_job",
    "runtime_of",
    "same",
    "sane_request_id",
    "write_local_secrets",
]
