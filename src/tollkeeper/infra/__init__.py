"""Plumbing every domain stands on: settings, database, jobs, events, the HTTP edge, limits, logs, secrets.

Owns: connections, transactions and their one commit at the edge, delivery of events and jobs, the shape of errors.
Does not own: any rule or table of a domain.
Invariants: a job or event exists exactly if the transaction that wanted it committed; no secret reaches a log; a
failure leaves as a problem document with a request id and never as a trace.
What each time means: `Tx.now` is the one moment a whole transaction stands for, read from the injected clock.
"""

from .answers import Answer, Header, lines, pairs
from .brand import Brand, Logo, Palette, brand_of
from .cache import LoadingCache
from .captcha_settings import WhenDown
from .clock import clock_offset, follow_clock, load_clock, move_clock
from .cookies import cookie_name, forget_cookie, is_https, keep_cookie, sent_cookie
from .cors import Cors
from .crypto import digest, make_secret, same
from .db import Database, Listener, libpq_url
from .direct import Direct
from .events import Event, EventRoutes, Projection
from .health import Health, Remembered
from .http import (
    ActorDep,
    OptionalActorDep,
    RuntimeDep,
    TxDep,
    base_url_of,
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
    once_for_form,
)
from .jobs import (
    Job,
    JobQueue,
    bring_jobs_forward,
    job,
    jobs_health,
    jobs_waiting,
    pending_jobs,
    report_progress,
    run_job,
)
from .keyset import in_order
from .loading import load_settings, read_local_secrets, write_local_secrets
from .log import configure_logging, redact
from .middleware import DATA_HEADERS, Edge, base_headers, observe, sane_request_id
from .outgoing import (
    AddressRefusedError,
    GuardedTransport,
    OutgoingFailedError,
    check_outgoing_url,
    fetch_guarded,
    guarded_client,
)
from .problems import MEDIA_TYPE as PROBLEM_MEDIA_TYPE
from .problems import (
    DatabaseUnavailableError,
    MalformedBodyError,
    as_tollkeeper_error,
    every_error,
    is_outage,
    problem_response,
)
from .provenance import KnownSetting, known_settings
from .provenance import Source as SettingSource
from .queues import (
    JobNotActionableError,
    JobNotes,
    JobNotFoundError,
    JobState,
    KnownJob,
    QueueTally,
    SoughtJobs,
    cancel_job,
    find_job,
    find_job_with,
    list_jobs,
    retry_job,
    tally_queues,
)
from .queues import Step as JobStep
from .resealing import Resealed, count_by_key, reseal, sealed_columns
from .runtime import CHANGES, Runtime, Tx
from .sealing import Seal, key_name, sealed_for, sealed_under
from .settings import Environment, Settings, SettingsError, Switch, TaxMode
from .sign_in_settings import SignInPreset, SignInProvider
from .steps import Steps
from .tables import metadata
from .tenancy import APP_ROLE, TENANT_ROLE, Tenant, current_tenant, only_rows_of
from .throttle import LocalThrottle, Rate, Rates, Throttle, Verdict, throttle_of
from .trail import (
    NOBODY,
    SYSTEM,
    Fault,
    Head,
    Origin,
    Record,
    Sought,
    Verified,
    acting,
    count_trail,
    current_origin,
    differences,
    erase_from_trail,
    origin_of,
    seal_trail,
    sealing_lag,
    search_trail,
    verify_trail,
)
from .trail_jobs import seal_what_was_recorded
from .uptime import Observation, note_states, spans_since
from .uptime import Span as UptimeSpan
from .uptime_jobs import forget_uptime
from .versions import API_VERSION, VERSION_HEADER, VERSION_LINE, UnknownApiVersionError, version_headers
from .vitals import Replica, Vitals, database_vitals
from .watching import Sparingly, watch_refusal

__all__ = [
    "API_VERSION",
    "APP_ROLE",
    "CHANGES",
    "DATA_HEADERS",
    "NOBODY",
    "PROBLEM_MEDIA_TYPE",
    "SYSTEM",
    "TENANT_ROLE",
    "VERSION_HEADER",
    "VERSION_LINE",
    "ActorDep",
    "AddressRefusedError",
    "Answer",
    "Brand",
    "Cors",
    "Database",
    "DatabaseUnavailableError",
    "Direct",
    "Edge",
    "Environment",
    "Event",
    "EventRoutes",
    "Fault",
    "GuardedTransport",
    "Head",
    "Header",
    "Health",
    "Idempotency",
    "IdempotencyAnswerLostError",
    "IdempotencyDep",
    "IdempotencyInProgressError",
    "IdempotencyKeyReusedError",
    "Job",
    "JobNotActionableError",
    "JobNotFoundError",
    "JobNotes",
    "JobQueue",
    "JobState",
    "JobStep",
    "KnownJob",
    "KnownSetting",
    "Listener",
    "LoadingCache",
    "LocalThrottle",
    "Logo",
    "MalformedBodyError",
    "Observation",
    "OptionalActorDep",
    "Origin",
    "OutgoingFailedError",
    "Palette",
    "Projection",
    "QueueTally",
    "Rate",
    "Rates",
    "Record",
    "Remembered",
    "Replica",
    "Resealed",
    "Runtime",
    "RuntimeDep",
    "Seal",
    "SettingSource",
    "Settings",
    "SettingsError",
    "SignInPreset",
    "SignInProvider",
    "Sought",
    "SoughtJobs",
    "Sparingly",
    "Steps",
    "Switch",
    "TaxMode",
    "Tenant",
    "Throttle",
    "Tx",
    "TxDep",
    "UnknownApiVersionError",
    "UptimeSpan",
    "Verdict",
    "Verified",
    "Vitals",
    "WhenDown",
    "acting",
    "as_tollkeeper_error",
    "base_headers",
    "base_url_of",
    "brand_of",
    "bring_jobs_forward",
    "cancel_job",
    "check_outgoing_url",
    "clock_offset",
    "configure_logging",
    "cookie_name",
    "count_by_key",
    "count_trail",
    "current_actor",
    "current_origin",
    "current_tenant",
    "database_vitals",
    "differences",
    "digest",
    "erase_from_trail",
    "every_error",
    "fetch_guarded",
    "find_job",
    "find_job_with",
    "follow_clock",
    "forget_cookie",
    "forget_idempotency_keys",
    "forget_uptime",
    "guarded_client",
    "in_order",
    "install_error_handlers",
    "is_https",
    "is_outage",
    "job",
    "jobs_health",
    "jobs_waiting",
    "keep_cookie",
    "key_name",
    "known_settings",
    "libpq_url",
    "lines",
    "list_jobs",
    "load_clock",
    "load_settings",
    "make_secret",
    "metadata",
    "move_clock",
    "note_states",
    "observe",
    "once_for_form",
    "only_rows_of",
    "optional_actor",
    "origin_of",
    "pairs",
    "pending_jobs",
    "problem_response",
    "read_local_secrets",
    "redact",
    "report_progress",
    "request_id_of",
    "reseal",
    "retry_job",
    "run_job",
    "runtime_of",
    "same",
    "sane_request_id",
    "seal_trail",
    "seal_what_was_recorded",
    "sealed_columns",
    "sealed_for",
    "sealed_under",
    "sealing_lag",
    "search_trail",
    "sent_cookie",
    "spans_since",
    "tally_queues",
    "throttle_of",
    "verify_trail",
    "version_headers",
    "watch_refusal",
    "write_local_secrets",
]
