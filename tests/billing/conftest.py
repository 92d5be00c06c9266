"""A shop with the demo catalogue, and the provider's imitation as a process of its own."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tollkeeper import billing, catalog
from tollkeeper.billing import EntitlementsChanged, PaymentProvider
from tollkeeper.billing.provider import StripeProvider
from tollkeeper.infra import Runtime, Tx, install_error_handlers
from tollkeeper.kit import FixedClock

from .shop import KEY, SECRET, SITE, Shop, TwinProcess


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwinProcess]:
    process = TwinProcess(tmp_path_factory.mktemp("twin"))
    yield process
    process.stop()


@pytest.fixture
def clock() -> FixedClock:
    """The provider's imitation lives in real time, so ours must be about that."""
    return FixedClock(datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
async def shop(runtime: Runtime, twin: TwinProcess) -> AsyncIterator[Shop]:
    provider = StripeProvider(KEY, api_base=twin.url)
    runtime.parts[PaymentProvider] = provider
    runtime.provide(billing.WebhookSecrets, billing.WebhookSecrets([SECRET]))
    made = Shop(runtime, provider, twin)

    async def hear(_: Tx, event: EntitlementsChanged) -> None:
        made.heard.append(event)

    runtime.routes.add(projections={EntitlementsChanged: hear})
    async with runtime.transaction() as tx:
        await catalog.apply(tx, catalog.read_catalogue_file(catalog.demo_catalogue()))
    yield made
    await provider.close()


@pytest.fixture
async def client(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    """The addresses of billing, called by whoever `shop.caller` is."""
    app = FastAPI()
    app.state.runtime = shop.runtime
    app.include_router(billing.router, prefix="/api")

    async def page(*_: Any) -> Any:
        raise AssertionError("the API answers problems, not pages")

    async def admitted(scope: Any, receive: Any, send: Any) -> None:
        scope.setdefault("state", {})["actor"] = shop.caller
        await app(scope, receive, send)

    install_error_handlers(app, page)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(admitted), base_url=SITE) as made:
        yield made
