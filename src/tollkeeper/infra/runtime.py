"""What a running process has at hand: settings, clock, database, routes of events, and parts by their type."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import psycopg
from sqlalchemy.ext.asyncio import AsyncConnection

from tollkeeper.kit import Clock

from .db import Database
from .events import Event, EventRoutes
from .jobs import Job, JobQueue
from .settings import Settings
from .steps import Steps

P = TypeVar("P")

CHANGES = "tollkeeper_changes"
"""The channel on which every process hears what its caches must forget, as `<kind>:<key>`."""


@dataclass(slots=True)
class Runtime:
    """The one bag of long-lived things of a process, filled by wiring and handed down, never imported."""

    settings: Settings
    clock: Clock
    database: Database
    jobs: JobQueue
    routes: EventRoutes = field(default_factory=EventRoutes)
    parts: dict[type, Any] = field(default_factory=dict)

    def provide(self, kind: type[P], part: P) -> None:
        """Offer a part (a provider's adapter, the password hasher) under the type others ask for it by."""
        self.parts[kind] = part

    def part(self, kind: type[P]) -> P:
        """Return the part offered under this type; KeyError is a fault in wiring."""
        found: P = self.parts[kind]
        return found

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Tx"]:
        """Open one transaction and commit it on leaving, or roll all of it back on an error. The edge's tool only."""
        async with self.database.begin() as connection:
            yield self.tx(connection)

    @asynccontextmanager
    async def steps(self) -> AsyncIterator[Steps]:
        """Take one connection for several transactions, one after the other. The edge's tool only."""
        async with self.database.engine.connect() as connection:
            yield Steps(self, connection)

    def tx(self, connection: AsyncConnection) -> "Tx":
        """Return what a transaction that was just begun on this connection is handed down as."""
        return Tx(self, connection, self.clock.now())


@dataclass(slots=True)
class Tx:
    """One open transaction: the connection, the moment it stands for, and what is to happen with its commit."""

    runtime: Runtime
    connection: AsyncConnection
    now: datetime

    async def raw(self) -> psycopg.AsyncConnection:
        """Return the driver's own connection, inside this transaction."""
        raw: psycopg.AsyncConnection | None = (await self.connection.get_raw_connection()).driver_connection
        if raw is None:
            raise RuntimeError("the connection is closed")
        return raw

    async def emit(self, event: Event) -> None:
        """Say what happened. Projections run now, in this transaction; reactions become job rows in it."""
        for project in self.runtime.routes.projections(type(event)):
            await project(self, event)
        for job in self.runtime.routes.reactions(type(event)):
            await self.defer(job, **event.payload())

    async def defer(self, job: Job, *, lock: str | None = None, **payload: Any) -> None:
        """Enqueue a job that exists exactly if this transaction commits. Jobs of one `lock` run one at a time."""
        await self.runtime.jobs.defer(await self.raw(), job, payload, lock=lock)

    async def changed(self, kind: str, key: object = "") -> None:
        """Tell every process, on commit, that what it may have cached of `kind` (and `key`) is out of date."""
        await self.runtime.database.notify(self.connection, CHANGES, f"{kind}:{key}")
