"""Callers of the whole application: a customer's key, another tenant's, an operator's, and nobody."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest

from tollkeeper import identity, orgs
from tollkeeper.infra import Runtime


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


@pytest.fixture
async def ada(runtime: Runtime, application: httpx.ASGITransport) -> AsyncIterator[Customer]:
    customer = await make_customer(runtime, application, "Ada", external_id="ada-1")
    yield customer
    await customer.client.aclose()


@pytest.fixture
async def eve(runtime: Runtime, application: httpx.ASGITransport) -> AsyncIterator[Customer]:
    customer = await make_customer(runtime, application, "Eve", external_id="eve-1")
    yield customer
    await customer.client.aclose()


@pytest.fixture
async def operator(runtime: Runtime, application: httpx.ASGITransport) -> AsyncIterator[httpx.AsyncClient]:
    async with runtime.transaction() as tx:
        _, secret = await identity.create_key(
            tx,
            organization_id=None,
            created_by=None,
            name="operator",
            kind=identity.KeyKind.OPERATOR,
            scopes=(),
            expires_at=None,
        )
    client = client_of(application, secret)
    yield client
    await client.aclose()


@pytest.fixture
async def nobody(application: httpx.ASGITransport) -> AsyncIterator[httpx.AsyncClient]:
    client = client_of(application, None)
    yield client
    await client.aclose()
