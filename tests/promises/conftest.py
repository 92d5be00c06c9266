"""The whole application, with a provider that answers and callers of every kind."""

import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import httpx
import pytest

from tollkeeper import billing
from tollkeeper.infra import Runtime, Switch
from tollkeeper.kit import FixedClock

from .visits import Visits
from .world import SITE, WEBHOOK_SECRET, World


@pytest.fixture
def clock() -> FixedClock:
    """The provider's imitation lives in real time, so ours must be about that."""
    return FixedClock(datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
def runtime(runtime: Runtime) -> Runtime:
    """Without rate limits: a sweep sends more calls a minute than a plan allows."""
    runtime.settings = runtime.settings.model_copy(update={"rate_limits": Switch.OFF})
    return runtime


@pytest.fixture(scope="module")
def twin_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    command = [sys.executable, "-m", "stripe_twin", "--port", "0", "--data", str(tmp_path_factory.mktemp("twin"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own program
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert found, "the imitation did not start"
        yield found.group()
        process.terminate()


@pytest.fixture
async def world(
    runtime: Runtime, clock: FixedClock, application: httpx.ASGITransport, twin_url: str
) -> AsyncIterator[World]:
    provider = billing.StripeProvider("sk_test_tollkeeper", api_base=twin_url)
    runtime.parts[billing.PaymentProvider] = provider
    runtime.parts[billing.WebhookSecrets] = billing.WebhookSecrets([WEBHOOK_SECRET])
    # A fault of ours is to be seen as the caller would see it, not as an exception of the transport.
    application.raise_app_exceptions = False
    async with httpx.AsyncClient(transport=application, base_url=SITE) as client:
        world = World(runtime, clock, client)
        await world.populate(twin_url)
        yield world
    await provider.close()


@pytest.fixture
async def visits(world: World) -> Visits:
    made = Visits(world)
    for name in ("ada", "eve", "staff", "boss"):
        await made.log_in(name)
    return made
