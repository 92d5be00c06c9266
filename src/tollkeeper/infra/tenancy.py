"""Whose rows a transaction may see. The database holds it (row-level security); here it is told who asks.

The application's role sees the rows of every tenant, since jobs, webhooks and the group commit work for all of them.
What a member or a key of an organization asks for runs in a narrower role, which sees and writes the rows of that
organization alone, whatever a statement forgets to ask for. It ends with the transaction.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import NamedTuple
from uuid import UUID

import psycopg
from psycopg.pq import TransactionStatus

APP_ROLE = "tollkeeper_app"
"""What the application works as: reads and writes every tenant's rows, and alters no table."""
TENANT_ROLE = "tollkeeper_tenant"
"""What a transaction for one tenant works as."""

_NARROW = (
    "select set_config('role', %s, true), set_config('tollkeeper.organization', %s, true),"
    " set_config('tollkeeper.person', %s, true)"
)
_BECOME = "select set_config('role', %s, true)"


class Tenant(NamedTuple):
    """Who asks: an organization, by one of its people or, None, by a program."""

    organization_id: UUID
    user_id: UUID | None = None


_tenant: ContextVar[Tenant | None] = ContextVar("tenant", default=None)


def current_tenant() -> Tenant | None:
    """Return whose rows a transaction opened now may see; None: everybody's."""
    return _tenant.get()


@contextmanager
def only_rows_of(tenant: Tenant | None) -> Iterator[None]:
    """Have every transaction opened within see this tenant's rows alone; None: everybody's. The edge's tool."""
    before = _tenant.set(tenant)
    try:
        yield
    finally:
        _tenant.reset(before)


async def narrow(connection: psycopg.AsyncConnection, tenant: Tenant) -> None:
    """Let the transaction that begins now see this tenant's rows alone; travels together with its BEGIN."""
    async with connection.pipeline():
        await connection.execute(_NARROW, [TENANT_ROLE, str(tenant.organization_id), str(tenant.user_id or "")])


@asynccontextmanager
async def widened(connection: psycopg.AsyncConnection) -> AsyncIterator[None]:
    """Let the transaction see everybody's rows for a while, and then its tenant's alone again."""
    await connection.execute(_BECOME, [APP_ROLE])
    try:
        yield
    finally:
        # A transaction that failed takes no more statements, and sees nothing more.
        if connection.info.transaction_status is TransactionStatus.INTRANS:
            await connection.execute(_BECOME, [TENANT_ROLE])


def role_option(role: str) -> str:
    """Return the connection option that makes this role of the login's what the connection works as."""
    return f"-c role={role}"


def tenant_options(tenant: Tenant) -> str:
    """Return the connection options by which all that is done over the connection sees this tenant's rows alone."""
    person = f" -c tollkeeper.person={tenant.user_id}" if tenant.user_id else ""
    return f"{role_option(TENANT_ROLE)} -c tollkeeper.organization={tenant.organization_id}{person}"
