"""Making the add-ons equal to the file's."""

from collections.abc import Mapping

from tollkeeper.catalog.model import Addon
from tollkeeper.catalog.spec_addons import AddonSpec
from tollkeeper.infra import Tx
from tollkeeper.kit import Money

from . import store


async def apply_addons(tx: Tx, standing: Mapping[str, Addon], wanted: Mapping[str, AddonSpec]) -> None:
    """Make the add-ons equal to these; features and plans of the file stand already."""
    await store.archive_all_but(tx, list(wanted))
    for position, (key, spec) in enumerate(wanted.items()):
        await store.save_addon(tx, key, spec, position)
        amounts = spec.amounts()
        old = standing.get(key)
        for price in old.prices if old else ():
            if amounts.get((price.interval, price.money.currency)) != price.money.amount:
                await store.archive_price(tx, price)
        for place, ((interval, currency), amount) in enumerate(amounts.items()):
            await store.save_price(tx, key, interval, Money(amount, currency), place)
