"""Fixtures every test can have: a real PostgreSQL database per test process, a clock that stands still."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from pydantic import SecretStr

from mailbox_process import MailboxProcess, Post, with_post
from support import START, Customer, Shelf, client_of, empty, make_customer, make_database
from tollkeeper import billing, identity
from tollkeeper.gate import Gate
from tollkeeper.identity import PasswordHasher
from tollkeeper.infra import Database, EventRoutes, JobQueue, Runtime, Settings
from tollkeeper.infra.embedded import EmbeddedPostgres
from tollkeeper.kit import FixedClock
from tollkeeper.metering import prepare_partitions
from tollkeeper.wiring import build_app, migrate, subscribe_doors

pytest_plugins = ["house_plugin"]


@pytest.fixture(scope="session")
def postgres_url(run_folder: Path) -> Iterator[str]:
    """One embedded server for the whole run, shared by the test processes.

    Nothing in it need outlive a crash of the machine, so it does not wait for the disk. What must be durable is shown
    on servers of their own (`proof`, `tests/system`), which do.
    """
    server = EmbeddedPostgres(
        run_folder / "postgres", options={"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}
    )
    yield server.start()
    server.stop()


@pytest.fixture(scope="session")
def database_url(postgres_url: str) -> str:
    """This test process's own database, with every table."""
    url = make_database(postgres_url, "test_" + os.environ.get("PYTEST_XDIST_WORKER", "main"))
    migrate(url)
    return url


@pytest.fixture
def clean_database(database_url: str) -> str:
    """The database with every row gone."""
    with psycopg.connect(database_url) as connection:
        empty(connection)
    return database_url


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture
async def runtime(clean_database: str, clock: FixedClock, tmp_path: Path) -> AsyncIterator[Runtime]:
    """A bare runtime on an empty database; tests add the parts and routes they need."""
    settings = Settings(
        data_dir=tmp_path,
        env="test",
        jwt_secret=SecretStr("a" * 64),
        jwt_refresh_secret=SecretStr("b" * 64),
    )
    database = Database(clean_database, pool_size=5)
    yield Runtime(settings, clock, database, JobQueue(clean_database), EventRoutes())
    await database.close()


@pytest.fixture(scope="session")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailboxProcess]:
    process = MailboxProcess(tmp_path_factory.mktemp("mailbox"))
    yield process
    process.stop()


@pytest.fixture
def post(runtime: Runtime, mailbox: MailboxProcess) -> Post:
    """Mails of the runtime go into an empty mailbox, to be read there."""
    return with_post(runtime, mailbox)


@pytest.fixture(scope="session")
def hasher() -> Iterator[PasswordHasher]:
    """Hashes at a thousandth of what they cost people: nearly every test makes some, hardly any is about them."""
    hasher = PasswordHasher(workers=1, memory_kib=16)
    yield hasher
    hasher.close()


@pytest.fixture(scope="session")
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def application(
    runtime: Runtime, clean_database: str, shelf: Shelf, hasher: PasswordHasher
) -> AsyncIterator[httpx.ASGITransport]:
    """The whole application as the server serves it, with the demo catalogue and a provider that does not answer."""
    runtime.provide(PasswordHasher, hasher)
    # Nobody listens on the discard port.
    provider = {"stripe_secret_key": SecretStr("sk_test_nobody"), "stripe_api_base": "http://127.0.0.1:9"}
    runtime.settings = runtime.settings.model_copy(update=provider)
    billing.provide(runtime)
    subscribe_doors(runtime)
    async with runtime.transaction() as tx:
        await prepare_partitions(tx)
    await shelf.fill(runtime, clean_database)
    app = build_app(runtime)
    gate = runtime.part(Gate)
    await gate.start()
    yield httpx.ASGITransport(app)
    await gate.close()
    await billing.close(runtime)


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
