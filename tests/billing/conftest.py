"""A shop with the demo catalogue, and the provider's imitation as a process of its own."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from support import Shelf
from tollkeeper import billing
from tollkeeper.billing import EntitlementsChanged, PaymentProvider
from tollkeeper.billing.provider import StripeProvider
from tollkeeper.infra import Runtime, Tx, install_error_handlers
from tollkeeper.kit import FixedClock

from .shop import KEY, SECRET, SITE, Shop, TwinProcess


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwinProcess]:
    """One for each file: what one file does there, moving its clock too, would meet whichever file comes next."""
    process = TwinProcess(tmp_path_factory.mktemp("twin"))
    yield process
    process.stop()


@pytest.fixture
def clock(twin: TwinProcess) -> FixedClock:
    """The time at the provider's imitation: real time, but for what earlier tests let pass there."""
    return FixedClock(twin.now())


@pytest.fixture
async def shop(runtime: Runtime, twin: TwinProcess, clean_database: str, shelf: Shelf) -> AsyncIterator[Shop]:
    provider = StripeProvider(KEY, api_base=twin.url)
    runtime.parts[PaymentProvider] = provider
    runtime.provide(billing.WebhookSecrets, billing.WebhookSecrets([SECRET]))
    made = Shop(runtime, provider, twin)

    async def hear(_: Tx, event: EntitlementsChanged) -> None:
        made.heard.append(event)

    runtime.routes.add(projections={EntitlementsChanged: hear})
    # Each test's prices are others: the provider remembers those of earlier tests.
    await shelf.fill(runtime, clean_database, anew=True)
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
