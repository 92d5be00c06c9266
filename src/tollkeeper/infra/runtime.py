"""What a running process has at hand: settings, clock, database, routes of events, and parts by their type."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from sqlalchemy.ext.asyncio import AsyncConnection

from tollkeeper.kit import Clock, new_id

from .db import Database, raw_of
from .events import Event, EventRoutes
from .jobs import Job, JobQueue
from .sealing import Seal
from .settings import Settings
from .steps import Steps
from .tenancy import current_tenant, widened
from .trail import SYSTEM, Origin, Record, current_origin, write_down
from .watching import watch

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
    hearers: list[Callable[[str], None]] = field(default_factory=list)
    """What this process's caches forget by, given what a transaction of its own changed as soon as that is committed:
    who is answered that something is done sees it done, before word comes back from the database."""

    def provide(self, kind: type[P], part: P) -> None:
        """Offer a part (a provider's adapter, the password hasher) under the type others ask for it by."""
        self.parts[kind] = part

    def part(self, kind: type[P]) -> P:
        """Return the part offered under this type; KeyError is a fault in wiring."""
        found: P = self.parts[kind]
        return found

    @property
    def owner_url(self) -> str:
        """The database's address as the owner of its tables reaches it."""
        return self.settings.owner_url or self.database.url

    def seal(self, purpose: str) -> Seal:
        """Return what secrets that rest in the database are encrypted with; for one purpose each."""
        keys = self.settings.sealing_keys
        if not keys:
            raise RuntimeError("settings come from load_settings, which fills in the secrets")
        return Seal(keys[0], purpose, older=keys[1:])

    @asynccontextmanager
    async def transaction(self, *, of_all: bool = False) -> AsyncIterator["Tx"]:
        """Open one transaction and commit it on leaving, or roll all of it back on an error. The edge's tool only.

        It sees the rows of the tenant who asks. `of_all`: everybody's, whoever asks, as what is kept for all needs it.
        """
        tenant = None if of_all else current_tenant()
        async with self.database.begin(tenant) as connection:
            tx = self.tx(connection, is_narrow=tenant is not None)
            yield tx
        self.heard(tx.told)

    def heard(self, payloads: list[str]) -> None:
        """Have this process forget what a transaction of its own changed; it is committed."""
        for payload in payloads:
            for hear in self.hearers:
                hear(payload)

    @asynccontextmanager
    async def looking(self) -> AsyncIterator["Tx"]:
        """Read everybody's rows without a transaction around it: each statement sees what is committed by then.

        For the few statements by which it is found out who calls. Nothing is written over it, nothing is locked.
        """
        async with self.database.look() as connection:
            yield self.tx(connection)

    @asynccontextmanager
    async def steps(self) -> AsyncIterator[Steps]:
        """Take one connection for several transactions, one after the other. The edge's tool only."""
        async with self.database.engine.connect() as connection:
            yield Steps(self, connection)

    def tx(self, connection: AsyncConnection, *, is_narrow: bool = False) -> "Tx":
        """Return what a transaction that was just begun on this connection is handed down as."""
        return Tx(self, connection, self.clock.now(), current_origin(), is_narrow)


@dataclass(slots=True)
class Tx:
    """One open transaction: the connection, the moment it stands for, who acts, and what happens with its commit.

    `is_narrow` says that it sees the rows of one tenant alone. `memory` holds what somebody read and need not read
    again before it ends, under a key of their own. `told` is what `changed` told.
    """

    runtime: Runtime
    connection: AsyncConnection
    now: datetime
    origin: Origin = SYSTEM
    is_narrow: bool = False
    memory: dict[object, Any] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    async def raw(self) -> psycopg.AsyncConnection:
        """Return the driver's own connection, inside this transaction."""
        return await raw_of(self.connection)

    @asynccontextmanager
    async def beyond_tenant(self) -> AsyncIterator[None]:
        """See and write everybody's rows within: for what by its nature concerns another tenant than who asks.

        Somebody joins another organization, or founds one. Whoever uses it has checked that they may.
        """
        if not self.is_narrow:
            yield
            return
        async with widened(await self.raw()):
            self.is_narrow = False
            try:
                yield
            finally:
                self.is_narrow = True

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
        payload = f"{kind}:{key}"
        await self.runtime.database.notify(self.connection, CHANGES, payload)
        self.told.append(payload)

    async def record(
        self,
        action: str,
        *,
        target: tuple[str, object],
        organization_id: UUID | None = None,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        by: UUID | None = None,
    ) -> UUID:
        """Write down what is done, to be committed with it; returns the record's id.

        Args:
            action: `<thing>.<what happened to it>`, for example `key.revoked`.
            target: the kind of thing and its id. A person is `("user", user_id)`.
            organization_id: whose trail it belongs to; None: it concerns none, or all.
            before: what changed, as it was. Secrets never belong here; what looks like one is hidden.
            after: what changed, as it is.
            by: the person, where the edge cannot know them yet: they are logging in, or follow a link sent by mail.
        """
        origin = replace(self.origin, user_id=by) if by else self.origin
        record = Record(new_id(), self.now, action, organization_id, origin, target[0], str(target[1]), before, after)
        await write_down(self, record)
        watch(action)
        return record.id
