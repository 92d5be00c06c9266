"""A world for each story: the whole product, its worker, and the provider's imitation with a clock of its own."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from support import Shelf
from tollkeeper import billing, metering
from tollkeeper.identity import PasswordHasher
from tollkeeper.infra import Runtime
from tollkeeper.kit import MovableClock
from tollkeeper.wiring import TimeMachine, every_job, subscribe_doors
from twin_process import KEY, TwinProcess

from .telling import Story


@pytest.fixture
async def story(
    runtime: Runtime, clean_database: str, shelf: Shelf, hasher: PasswordHasher, tmp_path: Path
) -> AsyncIterator[Story]:
    twin = TwinProcess(tmp_path / "twin")
    at_twin = {"stripe_secret_key": SecretStr(KEY), "stripe_api_base": twin.url}
    runtime.settings = runtime.settings.model_copy(update=at_twin)
    runtime.clock = MovableClock()
    runtime.provide(PasswordHasher, hasher)
    billing.provide(runtime)
    subscribe_doors(runtime)
    runtime.jobs.register(every_job(), runtime)
    async with runtime.transaction() as tx:
        await metering.prepare_partitions(tx)
    await shelf.fill(runtime, clean_database)
    async with runtime.jobs.app.open_async():
        yield Story(runtime, TimeMachine(runtime, longest_step=timedelta(days=7)), twin.url, datetime.now(UTC))
    await billing.close(runtime)
    twin.stop()
