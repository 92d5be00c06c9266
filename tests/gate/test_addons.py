"""What add-ons bring to the limits: at once in every process, in answers, headers and refusals, and gone at once."""

import asyncio
from datetime import timedelta

import pytest

from support import Customer
from tollkeeper.billing import EntitlementsChanged
from tollkeeper.gate import Gate
from tollkeeper.infra import Runtime

from .test_usage_api import HEARD_SECONDS, eventually

PACK = 10_000


async def buys(runtime: Runtime, customer: Customer, plan: str, **addons: int) -> None:
    """Tell the gate what billing would tell it."""
    async with runtime.transaction() as tx:
        start, end = tx.now, tx.now + timedelta(days=30)
        event = EntitlementsChanged(
            organization_id=customer.organization_id, plan=plan, period_start=start, period_end=end, addons=addons
        )
        await tx.emit(event)


async def limits(customer: Customer) -> dict[str, dict[str, object]]:
    data = (await customer.client.get("/api/usage/limits")).json()["data"]
    return {each["feature"]: each for each in data}


async def test_units_raise_the_limit_at_once_and_their_end_lowers_it(runtime: Runtime, ada: Customer) -> None:
    await buys(runtime, ada, "pro")
    await eventually(ada.client, 200, count=50_000)
    assert (await ada.client.post("/api/usage/track", json={"feature": "prompts", "count": 50_000})).status_code == 200
    refused = await eventually(ada.client, 402, "track")
    assert "the limit of the Pro plan." in refused.json()["detail"]
    assert refused.json()["upgrade"]["limit"] == 250_000
    await buys(runtime, ada, "pro", extra_prompts=2)
    taken = await eventually(ada.client, 200, "track", count=2 * PACK)
    assert (taken.json()["limit"], taken.json()["remaining"]) == (50_000 + 2 * PACK, 0)
    assert taken.headers["x-quota-limit"] == str(50_000 + 2 * PACK)
    refused = await eventually(ada.client, 402, "track")
    assert "the limit of the Pro plan with 2 Extra prompts." in refused.json()["detail"]
    assert refused.json()["limit"] == 50_000 + 2 * PACK
    assert refused.json()["upgrade"]["limit"] == 250_000 + 2 * PACK, "the packs go along with the plan above"
    await buys(runtime, ada, "pro")
    deadline = asyncio.get_running_loop().time() + HEARD_SECONDS
    while (lowered := await eventually(ada.client, 402, "track")).json()["limit"] != 50_000:
        assert asyncio.get_running_loop().time() < deadline, lowered.text
        await asyncio.sleep(0.02)
    assert (lowered.json()["limit"], lowered.json()["used"], lowered.json()["remaining"]) == (50_000, 70_000, 0)


async def test_every_entry_tells_what_it_is_made_of(runtime: Runtime, ada: Customer) -> None:
    await buys(runtime, ada, "pro", extra_prompts=3, priority_help=1)
    await eventually(ada.client, 200, count=60_000)
    found = await limits(ada)
    assert found["prompts"]["limit"] == 50_000 + 3 * PACK
    assert found["prompts"]["sources"] == [
        {"name": "Pro", "addon": None, "quantity": 1, "limit": 50_000},
        {"name": "Extra prompts", "addon": "extra_prompts", "quantity": 3, "limit": 3 * PACK},
    ]
    assert found["deployments"]["sources"] == [{"name": "Pro", "addon": None, "quantity": 1, "limit": 100}]
    assert found["priority_support"]["value"] is True


async def test_another_process_hears_of_it(runtime: Runtime, ada: Customer) -> None:
    other = Gate(runtime)

    async def limit() -> int | None:
        return (await other.access(ada.organization_id)).allowances["prompts"].limit

    await other.start()
    try:
        for packs in (0, 1, 3, 0):
            await buys(runtime, ada, "pro", **({"extra_prompts": packs} if packs else {}))
            deadline = asyncio.get_running_loop().time() + HEARD_SECONDS
            while (heard := await limit()) != 50_000 + packs * PACK:
                assert asyncio.get_running_loop().time() < deadline, heard
                await asyncio.sleep(0.02)
    finally:
        await other.close()


@pytest.mark.parametrize("addons", [{"nothing_we_know": 4}, {}])
async def test_without_packs_the_limit_is_the_plan_s(runtime: Runtime, ada: Customer, addons: dict[str, int]) -> None:
    await buys(runtime, ada, "pro", **addons)
    await eventually(ada.client, 200, count=50_000)
    assert (await limits(ada))["prompts"]["limit"] == 50_000
