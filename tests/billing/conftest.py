"""A shop with the demo catalogue, and the provider's imitation as a process of its own."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest

from tollkeeper import billing, catalog
from tollkeeper.billing import EntitlementsChanged, PaymentProvider
from tollkeeper.billing.provider import StripeProvider
from tollkeeper.infra import Runtime, Tx
from tollkeeper.kit import FixedClock

from .shop import KEY, SECRET, Shop, TwinProcess


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
