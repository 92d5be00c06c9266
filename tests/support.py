"""What several test folders share and no fixture is needed for."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import httpx
import psycopg
from psycopg import sql
from sqlalchemy import text

from tollkeeper import identity, orgs
from tollkeeper.infra import Runtime

START = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
"""Where the clock of every test stands at first."""


def make_database(server_url: str, name: str) -> str:
    """Create an empty database (dropping an old one) and return its address."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return server_url.replace("/tollkeeper?", f"/{name}?")


@dataclass(frozen=True, slots=True)
class Customer:
    """An organization with a key, and a client that sends it."""

    organization_id: UUID
    key: identity.ApiKey
    secret: str
    client: httpx.AsyncClient


def client_of(application: httpx.ASGITransport, secret: str | None) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    return httpx.AsyncClient(transport=application, base_url="http://127.0.0.1:8000", headers=headers)


async def make_customer(
    runtime: Runtime, application: httpx.ASGITransport, name: str, *, external_id: str | None = None
) -> Customer:
    async with runtime.transaction() as tx:
        organization = await orgs.create_organization(tx, name, None, external_id)
        key, secret = await identity.create_key(
            tx,
            organization_id=organization.id,
            created_by=None,
            name="test",
            kind=identity.KeyKind.LIVE,
            scopes=(),
            expires_at=None,
        )
    return Customer(organization.id, key, secret, client_of(application, secret))


async def settled(runtime: Runtime) -> None:
    """Wait until every transaction before has ended: readers in commit order wait for those of other tests, too."""
    ended = text(
        "select coalesce(max(tx), 0) < pg_snapshot_xmin(pg_current_snapshot())::text::bigint from usage_events"
    )
    async with asyncio.timeout(60):
        while True:
            async with runtime.transaction() as tx:
                if (await tx.connection.execute(ended)).scalar_one():
                    return
            await asyncio.sleep(0.05)
