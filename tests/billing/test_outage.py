"""The provider goes away and comes back: nothing is lost, nothing is half done, callers are told."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tollkeeper import billing, catalog
from tollkeeper.billing import EventStatus, PaymentProvider, ProviderUnavailableError, StripeProvider
from tollkeeper.billing.flows.service import failed_events
from tollkeeper.infra import Runtime

from .shop import KEY, Shop, TwinProcess


@pytest.fixture
async def frail(runtime: Runtime, tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop whose provider can be stopped."""
    twin = TwinProcess(tmp_path / "twin")
    provider = StripeProvider(KEY, api_base=twin.url)
    runtime.parts[PaymentProvider] = provider
    runtime.routes.add(reactions=billing.reactions)
    runtime.jobs.register(billing.jobs, runtime)
    async with runtime.transaction() as tx:
        await catalog.apply(tx, catalog.read_catalogue_file(catalog.demo_catalogue()))
    yield Shop(runtime, provider, twin)
    await provider.close()
    twin.stop()


async def work(shop: Shop) -> None:
    """Run every job there is, those put off until later, too."""
    async with shop.runtime.transaction() as tx:
        await (await tx.raw()).execute("update procrastinate_jobs set scheduled_at = now() where status = 'todo'")
    async with shop.runtime.jobs.app.open_async():
        await shop.runtime.jobs.app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)


async def statuses(shop: Shop) -> set[str]:
    async with shop.runtime.transaction() as tx:
        return {each.status.value for each in await billing.list_events(tx)}


async def test_events_wait_for_the_provider_to_come_back(frail: Shop) -> None:
    await work(frail)
    ada = await frail.organization()
    customer = await frail.buy(ada)
    for body in (await frail.events(customer))[-2:]:
        await frail.take_in(body)
    frail.twin.stop()
    await work(frail)
    assert await statuses(frail) == {"failed", "received"}, "one customer's events wait for each other"
    async with frail.runtime.transaction() as tx:
        failed = await failed_events(tx)
        assert "ProviderUnavailableError" in (failed[0].error or "")
    assert (await frail.status(ada)).plan == "free"
    frail.twin.start()
    await work(frail)
    assert await statuses(frail) == {"processed"}
    assert (await frail.status(ada)).plan == "pro"
    async with frail.runtime.transaction() as tx:
        assert sorted(each.attempts for each in await billing.list_events(tx)) == [1, 2]


async def test_events_whose_job_gave_up_are_tried_again(frail: Shop) -> None:
    await work(frail)
    ada = await frail.organization()
    body = (await frail.events(await frail.buy(ada)))[-1]
    await frail.take_in(body)
    async with frail.runtime.transaction() as tx:
        raw = await tx.raw()
        await raw.execute("delete from procrastinate_jobs")
        await raw.execute("update provider_events set status = 'failed', error = 'gave up', attempts = 10")
        retry = next(job for job in billing.jobs if job.name == "billing.retry_events")
        await retry.handler(tx)
    await work(frail)
    assert await statuses(frail) == {EventStatus.PROCESSED.value}
    assert (await frail.status(ada)).plan == "pro"


async def test_the_catalogue_reaches_the_provider_by_itself(frail: Shop) -> None:
    frail.twin.stop()
    await work(frail)
    frail.twin.start()
    assert (await frail.api("GET", "products"))["data"] == []
    await work(frail)
    names = {each["name"] for each in (await frail.api("GET", "products"))["data"]}
    assert names == {"Pro", "Premium", "Extra prompts", "Priority help"}


async def test_callers_are_told_and_nothing_is_half_done(frail: Shop) -> None:
    ada = await frail.organization()
    assert await billing.provider_problem(frail.runtime) is None
    frail.twin.stop()
    assert await billing.provider_problem(frail.runtime) == "The payment provider does not answer"
    with pytest.raises(ProviderUnavailableError) as caught:
        await frail.checkout(ada)
    assert (caught.value.status, caught.value.code) == (503, "provider_unavailable")
    assert (await frail.status(ada)).plan == "free"
    frail.twin.start()
    await frail.buy(ada)


async def test_without_a_provider_everything_but_buying_works(runtime: Runtime) -> None:
    bare = Shop(runtime, StripeProvider(KEY, api_base="http://127.0.0.1:1"), None)  # type: ignore[arg-type]
    billing.provide(runtime)
    async with runtime.transaction() as tx:
        await catalog.apply(tx, catalog.read_catalogue_file(catalog.demo_catalogue()))
    ada = await bare.organization()
    assert (await bare.status(ada)).plan == "free"
    with pytest.raises(ProviderUnavailableError):
        await bare.checkout(ada)
    assert await billing.provider_problem(runtime) == "No payment provider is set up."
    await bare.provider.close()


async def test_a_key_the_provider_does_not_take_is_told_apart(shop: Shop) -> None:
    shop.runtime.parts[PaymentProvider] = wrong = StripeProvider("sk_wrong", api_base=shop.twin.url)
    assert await billing.provider_problem(shop.runtime) == "The payment provider does not accept our key"
    await wrong.close()


async def test_the_endpoint_is_registered_once(shop: Shop) -> None:
    url = "http://127.0.0.1:9/api/webhooks/stripe"
    secret = await billing.ensure_webhook_endpoint(shop.runtime, url)
    assert secret is not None
    assert secret.startswith("whsec_")
    assert await billing.ensure_webhook_endpoint(shop.runtime, url) is None
    listed = [each for each in (await shop.api("GET", "webhook_endpoints"))["data"] if each["url"] == url]
    assert len(listed) == 1
    assert listed[0]["api_version"] == "2026-10-28.endive"
    await shop.api("POST", f"webhook_endpoints/{listed[0]['id']}", **{"enabled_events[]": "charge.succeeded"})
    assert await billing.ensure_webhook_endpoint(shop.runtime, url) is None
    [mended] = [each for each in (await shop.api("GET", "webhook_endpoints"))["data"] if each["url"] == url]
    assert "customer.subscription.deleted" in mended["enabled_events"]
    renewed = await billing.ensure_webhook_endpoint(shop.runtime, url, secret_known=False)
    assert renewed not in {None, secret}
    listed = [each for each in (await shop.api("GET", "webhook_endpoints"))["data"] if each["url"] == url]
    assert len(listed) == 1
    await shop.api("DELETE", f"webhook_endpoints/{listed[0]['id']}")
