"""The database: one engine per process, SQLAlchemy Core on psycopg 3."""

import asyncio
import os
import select
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import structlog
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from .tenancy import APP_ROLE, Tenant, narrow, role_option, tenant_options

log = structlog.get_logger(__name__)

# No statement of a request or job may hold others up for longer than this (milliseconds).
SESSION_OPTIONS = (
    "-c timezone=UTC -c statement_timeout=30000 -c lock_timeout=15000 -c idle_in_transaction_session_timeout=60000"
)
RECONNECT_SECONDS = 0.5
# A listener that hears nothing asks for a sign of life, and is deaf when none comes: together less than a second.
HEARTBEAT_SECONDS = 0.3
SILENCE_SECONDS = 0.4
# After so long without one the connection is given up; until then the server may only be slow.
LONGEST_SILENCE_SECONDS = 5.0
# A pooled connection unused for so long is asked whether it lives: what is between may have dropped it without a word.
UNUSED_SECONDS = 10.0
_NOTIFY = text("select pg_notify(:channel, :payload)")


def libpq_url(url: str) -> str:
    """Return the address as libpq knows it, whatever driver suffix it was given with.

    It may name several servers (`host1,host2`, each with a port of its own), of which `target_session_attrs` picks.
    """
    _, _, rest = url.partition("://")
    if "," in rest.partition("/")[0].rpartition("@")[2]:  # SQLAlchemy knows one host only
        return f"postgresql://{rest}"
    rendered = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    address, mark, query = rendered.partition("?")
    return address + mark + query.replace("+", "%20")  # libpq takes a plus for a plus


async def raw_of(connection: AsyncConnection) -> psycopg.AsyncConnection:
    """Return the driver's own connection."""
    raw: psycopg.AsyncConnection | None = (await connection.get_raw_connection()).driver_connection
    if raw is None:
        raise RuntimeError("the connection is closed")
    return raw


class Database:
    """The pool of connections of one process."""

    def __init__(self, url: str, *, pool_size: int = 10, role: str | None = APP_ROLE) -> None:
        """Nothing is opened before the first use.

        Args:
            url: `postgresql://...`.
            pool_size: how many connections are kept and opened at most, beside those of `connect`.
            role: what is worked as, whoever logs in; None: as who logs in.
        """
        self.url = libpq_url(url)
        self._works_as = role
        self._role = "" if role is None else " " + role_option(role)
        self.engine: AsyncEngine = create_async_engine(
            "postgresql+psycopg://",  # the address goes to the driver as it is: it knows what libpq knows
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=10,
            connect_args={
                **conninfo_to_dict(self.url),
                "options": SESSION_OPTIONS + self._role,
                "connect_timeout": 5,
                "prepare_threshold": 2,
            },
        )
        _only_whole_connections(self.engine)
        self._looking = self.engine.execution_options(isolation_level="AUTOCOMMIT")  # of the same pool

    def apart(self, *, pool_size: int) -> "Database":
        """Return the same database over connections of its own: who holds one of these waits for none of those."""
        return Database(self.url, pool_size=pool_size, role=self._works_as)

    @asynccontextmanager
    async def begin(self, tenant: Tenant | None = None) -> AsyncIterator[AsyncConnection]:
        """Open a transaction, committed on leaving and rolled back on an error; it sees the tenant's rows, or all."""
        async with self.engine.begin() as connection:
            if tenant is not None:
                await narrow(await raw_of(connection), tenant)
            yield connection

    @asynccontextmanager
    async def look(self) -> AsyncIterator[AsyncConnection]:
        """Take a connection to read over, each statement by itself: begin and commit cost as much as two of them."""
        async with self._looking.connect() as connection:
            yield connection

    async def connect(self, *, application: str) -> psycopg.AsyncConnection:
        """Open a connection of the driver's own outside the pool, in autocommit; the caller closes it."""
        return await psycopg.AsyncConnection.connect(
            self.url,
            autocommit=True,
            options=SESSION_OPTIONS + self._role,
            connect_timeout=5,
            application_name=application,
        )

    def connect_blocking(self, *, application: str, tenant: Tenant | None = None) -> psycopg.Connection:
        """Open a connection for use in a thread, outside the pool, not in autocommit; the caller closes it.

        It sees the tenant's rows, or all.
        """
        role = self._role if tenant is None else " " + tenant_options(tenant)
        return psycopg.connect(
            self.url, options=SESSION_OPTIONS + role, connect_timeout=5, application_name=application
        )

    async def ping(self) -> None:
        """Raise unless the database answers."""
        async with self.engine.connect() as connection:
            await connection.execute(text("select 1"))

    async def notify(self, connection: AsyncConnection, channel: str, payload: str) -> None:
        """Send a notification that listeners get when the connection's transaction commits."""
        await connection.execute(_NOTIFY, {"channel": channel, "payload": payload})

    async def close(self) -> None:
        """Close every pooled connection."""
        await self.engine.dispose()


def _only_whole_connections(engine: AsyncEngine) -> None:
    """Have the pool replace connections that were cut while nobody used them.

    A server that ends closes the line, which is seen without asking it: the question would be a quarter of what a small
    transaction costs. Only after a while of silence is it asked.
    """
    dialect = engine.sync_engine.dialect

    def take(connection: Any, record: Any, _: Any) -> None:
        raw: psycopg.AsyncConnection = record.driver_connection
        if raw.closed or _has_word(raw.fileno()):
            raise DisconnectionError("the connection was cut")
        if time.monotonic() - record.info.get("left", time.monotonic()) > UNUSED_SECONDS:
            try:
                dialect.do_ping(connection)
            except psycopg.Error as error:
                raise DisconnectionError(str(error)) from None

    def leave(_: Any, record: Any) -> None:
        record.info["left"] = time.monotonic()

    event.listen(engine.sync_engine, "checkout", take)
    event.listen(engine.sync_engine, "checkin", leave)


def _has_word(line: int) -> bool:
    """Whether something came over a line on which nothing was asked: its end, or why it comes to an end."""
    poll = select.poll()
    poll.register(line, select.POLLIN)
    return bool(poll.poll(0))


class Listener:
    """Hears notifications of one channel for as long as it runs, reconnecting by itself.

    `connected` is set while notifications arrive: a connection that gives no sign of life counts as lost, too.
    After every loss and every (re)connection `on_reset` is called, because notifications may have been missed.
    """

    def __init__(
        self,
        database: Database,
        channel: str,
        on_payload: Callable[[str], None],
        on_reset: Callable[[], None],
    ) -> None:
        self._database = database
        self._channel = channel
        self._on_payload = on_payload
        self._on_reset = on_reset
        self.connected = asyncio.Event()

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError) as error:
                log.warning("listener lost its connection", channel=self._channel, error=str(error).strip())
            finally:
                self.connected.clear()
                self._on_reset()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen(self) -> None:
        connection = await self._database.connect(application=f"tollkeeper-listen-{self._channel}")
        async with connection:
            await connection.execute(sql.SQL("listen {}").format(sql.Identifier(self._channel)))
            self._on_reset()
            self.connected.set()
            while True:
                async for notification in connection.notifies(timeout=HEARTBEAT_SECONDS):
                    self._on_payload(notification.payload)
                await self._await_life(connection)

    async def _await_life(self, connection: psycopg.AsyncConnection) -> None:
        """Have the server answer, and say that nothing is heard while it does not: the line may be dead silently."""
        asking = asyncio.create_task(connection.execute("select 1"))
        try:
            if not (await asyncio.wait({asking}, timeout=SILENCE_SECONDS))[0]:
                log.warning("listener hears nothing", channel=self._channel)
                self.connected.clear()
                self._on_reset()
                await asyncio.wait({asking}, timeout=LONGEST_SILENCE_SECONDS)
        finally:
            if not asking.done():  # the driver waits for ever; it notices when the line is cut
                asking.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # nobody may be left to
                with socket.socket(fileno=os.dup(connection.fileno())) as line:
                    line.shutdown(socket.SHUT_RDWR)
        await asking
        self.connected.set()
