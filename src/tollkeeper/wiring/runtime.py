"""Builds the runtime of a process: settings in, every part in its place."""

from tollkeeper import billing, catalog, gate, identity, metering, notify, orgs
from tollkeeper.infra import (
    Database,
    Job,
    JobQueue,
    Runtime,
    Settings,
    forget_idempotency_keys,
    forget_uptime,
    seal_what_was_recorded,
)
from tollkeeper.kit import Clock, MovableClock, SystemClock

from . import privacy

DOORS = (metering, notify, identity, orgs, catalog, billing, gate)
"""The domains, lowest floor first. What a door offers (router, jobs, projections, reactions) is looped over."""


def build_runtime(settings: Settings, database_url: str, *, clock: Clock | None = None) -> Runtime:
    """Put together what a process needs. Opens no connection yet."""
    database = Database(database_url, pool_size=settings.database_pool_size)
    runtime = Runtime(settings, clock or _clock(settings), database, JobQueue(database.url))
    runtime.provide(identity.PasswordHasher, identity.PasswordHasher())
    runtime.provide(identity.Places, identity.Places(settings.places))
    identity.provide_captcha(runtime)
    billing.provide(runtime)
    metering.provide_sink(runtime)
    subscribe_doors(runtime)
    return runtime


def _clock(settings: Settings) -> Clock:
    return SystemClock() if settings.is_production else MovableClock()


def subscribe_doors(runtime: Runtime) -> None:
    """Let every domain hear the events it offers handlers for, and identity know what all hold of a person."""
    runtime.provide(identity.PersonalData, identity.PersonalData(privacy.collect))
    for door in DOORS:
        runtime.routes.add(
            projections=getattr(door, "projections", None),
            reactions=getattr(door, "reactions", None),
        )


def every_job() -> list[Job]:
    """Every kind of background work there is."""
    return [
        forget_idempotency_keys,
        seal_what_was_recorded,
        forget_uptime,
        *(each for door in DOORS for each in getattr(door, "jobs", [])),
    ]
