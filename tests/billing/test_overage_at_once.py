"""Many charges at once, on fewer connections than there are charges: none waits for a second connection."""

import asyncio
from dataclasses import replace

from sqlalchemy.pool import QueuePool

from tollkeeper.billing import overage
from tollkeeper.infra import Database, Settings

from .shop import Shop
from .test_overage import BEYOND, COST, LIMIT, charge, end_now, items, use, written

CONNECTIONS: int = Settings.model_fields["database_pool_size"].default
AT_ONCE = CONNECTIONS + 3


async def test_more_charges_at_once_than_connections_wait_for_each_other_and_not_for_ever(shop: Shop) -> None:
    many = [await shop.organization(f"Customer {number}") for number in range(AT_ONCE)]
    for each in many:
        await shop.told(await shop.buy(each, "premium"))
        await use(shop, each, LIMIT + BEYOND)
        await end_now(shop, each)
    database = Database(shop.runtime.database.url, pool_size=CONNECTIONS)
    crowded = replace(shop, runtime=replace(shop.runtime, database=database))
    try:
        await asyncio.gather(*(charge(crowded, each) for each in many))
        assert isinstance(database.engine.pool, QueuePool)
        assert database.engine.pool.checkedout() == 0
    finally:
        await database.close()
    for each in many:
        assert [item["amount"] for item in await items(shop, each)] == [COST]
        assert {known.state for known in await written(shop, each) if known.amount} == {overage.State.CHARGED}
