"""What every worker keeps in memory: credentials, and what their organizations may use.

Loaded when first asked for, dropped when the database says that it changed, dropped wholly while the worker cannot
hear the database: stale for a moment at most, and `/health` says so.
"""

import asyncio
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from tollkeeper.catalog import load_catalogue
from tollkeeper.identity import (
    AccessClaims,
    ApiKey,
    Session,
    is_login_open,
    is_within,
    key_kind_of,
    read_access_token,
    session_of,
)
from tollkeeper.infra import CHANGES, Listener, LoadingCache, Runtime, digest
from tollkeeper.kit import Actor, ActorKind, NotFoundError
from tollkeeper.metering import list_meters
from tollkeeper.orgs import actor_of_member

from . import late, rules, store
from .lookups import Lookups
from .model import Access, AddressNotAllowedError, InvalidKeyError, Standing

# While the listener is disconnected, what is kept is dropped this often (seconds): the promise is one second.
DEAF_SECONDS = 0.5
# What is kept is asked for by calls that hold a connection of the pool already; were it looked up over the same pool,
# as many of them as it has connections would wait for each other.
CONNECTIONS = 2
# A change is told at once; this only bounds what a fault of that could do.
KEPT_SECONDS = 3600.0
# How many changes of what an organization bought are looked back on: years, and periods close after days.
LONGEST_PAST = 100
# Sessions are asked for anew more often, so that idle ones are seen to be used.
SESSION_SECONDS = 30.0


class Projection:
    """The gate's memory of one process."""

    def __init__(self, runtime: Runtime) -> None:
        self._database = runtime.database.apart(pool_size=CONNECTIONS)
        self._runtime = runtime = replace(runtime, database=self._database)
        self._lookups = Lookups(runtime)
        self._keys: LoadingCache[bytes, tuple[ApiKey, Actor] | None] = LoadingCache(
            self._load_key, ttl_seconds=KEPT_SECONDS, about=lambda found: found and str(found[0].id)
        )
        self._members: LoadingCache[tuple[UUID, UUID], Actor | None] = LoadingCache(
            self._load_member, ttl_seconds=KEPT_SECONDS, about=lambda actor: actor and actor.organization_id
        )
        self._sessions: LoadingCache[str, Session | None] = LoadingCache(
            self._load_session, ttl_seconds=SESSION_SECONDS, about=lambda found: found and str(found.id)
        )
        self._logins: LoadingCache[UUID, bool] = LoadingCache(self._load_login, ttl_seconds=KEPT_SECONDS)
        self._access: LoadingCache[UUID, Access] = LoadingCache(self._load_access, ttl_seconds=KEPT_SECONDS)
        self._past: LoadingCache[UUID, late.Past] = LoadingCache(self._load_past, ttl_seconds=KEPT_SECONDS)
        self._customers: LoadingCache[str, UUID] = LoadingCache(
            self._load_customer, ttl_seconds=KEPT_SECONDS, about=lambda organization_id: organization_id
        )
        self._purchases: LoadingCache[None, rules.Purchases] = LoadingCache(
            self._load_purchases, ttl_seconds=KEPT_SECONDS
        )
        self._callers = (self._keys, self._members, self._sessions, self._logins)
        self._rest = (self._access, self._past, self._customers, self._purchases)
        runtime.hearers.append(self._on_change)
        self.listener = Listener(runtime.database, CHANGES, self._on_change, self.clear)

    async def start(self) -> asyncio.Task[None]:
        """Begin to listen for changes; the task runs until cancelled."""
        return asyncio.create_task(self._run())

    @property
    def is_stale(self) -> bool:
        """Whether changes cannot be heard at the moment."""
        return not self.listener.connected.is_set()

    async def _run(self) -> None:
        listening = asyncio.create_task(self.listener.run())
        try:
            while True:
                await asyncio.sleep(DEAF_SECONDS)
                if self.is_stale:
                    self.clear()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def close(self) -> None:
        """Let go of the connections, when nothing is looked up any more."""
        await asyncio.gather(*(each.settled() for each in (*self._callers, *self._rest)))
        await self._database.close()

    def sizes(self) -> dict[str, int]:
        """Return how many of each kind this process has in memory, for people."""
        return {
            "API keys": len(self._keys),
            "Members": len(self._members),
            "Sessions": len(self._sessions),
            "Logins": len(self._logins),
            "Organizations and what they may use": len(self._access),
            "Customers by their own ids": len(self._customers),
        }

    def clear(self) -> None:
        """Forget everything."""
        for caller in self._callers:
            caller.clear()
        for each in self._rest:
            each.clear()

    def _on_change(self, payload: str) -> None:
        kind, _, key = payload.partition(":")
        if kind == "organization":
            organization_id = UUID(key)
            self._access.forget_key(organization_id)
            self._past.forget_key(organization_id)
            self._members.forget_about(organization_id)
            self._customers.forget_about(organization_id)
        elif kind == "key":
            self._keys.forget_about(key)
        elif kind == "session":
            self._sessions.forget_about(key)
        elif kind == "login":
            self._logins.forget_key(UUID(key))
        elif kind == "catalogue":
            self._purchases.clear()
            self._access.clear()
            self._past.clear()

    async def actor_of_key(self, secret: str, now: datetime, host: str | None) -> Actor:
        """Return who calls with this API key from this address; None: it is not known from where.

        Raises:
            InvalidKeyError: unknown, revoked or expired.
            AddressNotAllowedError: good, but not from there.
        """
        name = digest(secret)
        found = self._keys.peek(name)
        if found is None and key_kind_of(secret) is not None:  # of a mistyped one nothing need be asked
            found = await self._keys.get(name)
        if found is None:
            raise InvalidKeyError("This API key is not known.")
        key, actor = found
        problem = key.problem(now)
        if problem:
            raise InvalidKeyError(f"This API key is {problem}.", reason=problem)
        if key.networks and host is not None and not is_within(key.networks, host):
            raise AddressNotAllowedError
        return actor

    def key_at_hand(self, secret: str) -> tuple[ApiKey, Actor] | None:
        """Return a key and who calls with it when it is in memory; None when it has to be looked up."""
        return self._keys.peek(digest(secret))

    async def actor_of_token(self, token: str, now: datetime) -> Actor:
        """Return who calls with this access token (JWT).

        Raises:
            InvalidKeyError: not ours, expired, its login has ended, or its user is no longer a member.
        """
        claims: AccessClaims | None = read_access_token(self._runtime.settings, token, now)
        if claims is None or not await self._logins.get(claims.family_id):
            raise InvalidKeyError("This access token is not valid or has expired; refresh it or log in again.")
        return await self._member(claims.user_id, claims.organization_id, ActorKind.TOKEN, claims.family_id)

    async def session(self, token: str, now: datetime) -> Session | None:
        """Return the browser session of this cookie; None when it has ended."""
        session = await self._sessions.get(token)
        idle = self._runtime.settings.session_idle
        return session if session is not None and session.is_open(now, idle) else None

    async def actor_of_session(self, session: Session) -> Actor:
        """Return the member a browser session belongs to."""
        return await self._member(session.user_id, session.organization_id, ActorKind.SESSION, session.id)

    async def _member(self, user_id: UUID, organization_id: UUID, kind: ActorKind, credential_id: UUID | None) -> Actor:
        member = await self._members.get((user_id, organization_id))
        if member is None:
            raise InvalidKeyError("Its user is no longer a member of the organization.")
        return replace(member, kind=kind, credential_id=credential_id)

    def access_at_hand(self, organization_id: UUID) -> Access | None:
        """What an organization may use when it is in memory; None when it has to be loaded."""
        return self._access.peek(organization_id)

    async def access(self, organization_id: UUID) -> Access:
        """Return what an organization may use.

        Raises:
            NotFoundError: there is no such organization.
        """
        return await self._access.get(organization_id)

    async def past(self, organization_id: UUID) -> late.Past:
        """Return what an organization might use since when, newest first."""
        return await self._past.get(organization_id)

    def customer_at_hand(self, reference: str) -> UUID | None:
        """The organization an operator names when it is in memory; None when it has to be looked up."""
        return self._customers.peek(reference)

    async def customer(self, reference: str) -> UUID:
        """Return the organization an operator names by id or external id.

        Raises:
            NotFoundError: there is no such organization.
        """
        return await self._customers.get(reference)

    async def _load_key(self, secret_digest: bytes) -> tuple[ApiKey, Actor] | None:
        key = await self._lookups.keys.submit(secret_digest)
        return None if key is None else (key, key.actor)

    async def _load_member(self, who: tuple[UUID, UUID]) -> Actor | None:
        async with self._runtime.looking() as tx:
            return await actor_of_member(
                tx, user_id=who[0], organization_id=who[1], kind=ActorKind.TOKEN, credential_id=None
            )

    async def _load_login(self, family_id: UUID) -> bool:
        async with self._runtime.looking() as tx:
            return await is_login_open(tx, family_id)

    async def _load_session(self, token: str) -> Session | None:
        async with self._runtime.transaction(of_all=True) as tx:
            return await session_of(tx, token)

    async def _load_customer(self, reference: str) -> UUID:
        organization = await self._lookups.organizations.submit(reference)
        if organization is None:
            raise NotFoundError(f"There is no customer {reference!r}.")
        return organization.id

    async def _load_access(self, organization_id: UUID) -> Access:
        purchases = await self._purchases.get(None)
        standing = await self._lookups.standings.submit(organization_id)
        if standing is None:
            raise NotFoundError("There is no such organization.")
        return purchases.access(standing)

    async def _load_past(self, organization_id: UUID) -> late.Past:
        purchases = await self._purchases.get(None)
        async with self._runtime.transaction(of_all=True) as tx:
            found = await store.list_past(tx, organization_id, most=LONGEST_PAST)
            now = await store.find_standing(tx, organization_id)
        if now is None:
            raise NotFoundError("There is no such organization.")
        nothing = Standing(organization_id, now.anchor)
        return [(since, purchases.access(each)) for since, each in (*found, (now.anchor, nothing))]

    async def _load_purchases(self, _: None) -> rules.Purchases:
        async with self._runtime.transaction(of_all=True) as tx:
            return rules.Purchases(await load_catalogue(tx), await list_meters(tx))
