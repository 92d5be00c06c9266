"""Every statement about add-ons."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from tollkeeper.catalog.keeping import read_once
from tollkeeper.catalog.model import Addon, AddonPrice, Feature, Grant
from tollkeeper.catalog.spec_addons import AddonSpec
from tollkeeper.catalog.tables import ADDON_GRANTS, ADDON_PLANS, ADDON_PRICES, ADDONS
from tollkeeper.infra import Tx
from tollkeeper.kit import Money, new_id
from tollkeeper.rating import Interval


async def load_addons(tx: Tx, features: Mapping[str, Feature]) -> Mapping[str, Addon]:
    """Read every add-on, archived ones included, prices only those on sale."""
    plans: dict[str, list[str]] = defaultdict(list)
    for row in await tx.connection.execute(select(ADDON_PLANS).order_by(ADDON_PLANS.c.plan)):
        plans[row.addon].append(row.plan)
    prices: dict[str, list[AddonPrice]] = defaultdict(list)
    on_sale = select(ADDON_PRICES).where(ADDON_PRICES.c.archived_at.is_(None)).order_by(ADDON_PRICES.c.position)
    for found in (await tx.connection.execute(on_sale)).mappings():
        prices[found["addon"]].append(_price(found))
    grants: dict[str, list[Grant]] = defaultdict(list)
    for row in await tx.connection.execute(select(ADDON_GRANTS)):
        grants[row.addon].append(Grant(features[row.feature], row.amount))
    shown = list(features)
    addons: dict[str, Addon] = {}
    for row in await tx.connection.execute(select(ADDONS).order_by(ADDONS.c.position, ADDONS.c.key)):
        given = sorted(grants[row.key], key=lambda each: shown.index(each.feature.key))
        addons[row.key] = Addon(
            key=row.key,
            name=row.name,
            description=row.description,
            plans=tuple(plans[row.key]),
            prices=tuple(prices[row.key]),
            grants=tuple(given),
            max_quantity=row.max_quantity,
            archived_at=row.archived_at,
        )
    return MappingProxyType(addons)


async def list_addon_prices(tx: Tx) -> Sequence[AddonPrice]:
    """Return every price of an add-on there ever was, oldest first."""
    return await read_once(tx, "prices of add-ons", _read_prices)


async def _read_prices(tx: Tx) -> tuple[AddonPrice, ...]:
    rows = await tx.connection.execute(select(ADDON_PRICES).order_by(ADDON_PRICES.c.created_at, ADDON_PRICES.c.id))
    return tuple(_price(row) for row in rows.mappings())


async def archive_all_but(tx: Tx, kept: Sequence[str]) -> None:
    """Archive add-ons that are not named, and take their prices off sale."""
    gone = update(ADDONS).values(archived_at=tx.now).where(ADDONS.c.archived_at.is_(None), ADDONS.c.key.not_in(kept))
    await tx.connection.execute(gone)
    table = ADDON_PRICES.c
    withdrawn = update(ADDON_PRICES).values(archived_at=tx.now)
    await tx.connection.execute(withdrawn.where(table.archived_at.is_(None), table.addon.not_in(kept)))


async def save_addon(tx: Tx, key: str, spec: AddonSpec, position: int) -> None:
    """Add the add-on with its plans and what it gives, or make the one of its key equal to the file's."""
    values = {
        "name": spec.name,
        "description": spec.description,
        "position": position,
        "max_quantity": spec.max_quantity,
        "archived_at": None,
    }
    fresh = insert(ADDONS).values(key=key, created_at=tx.now, **values)
    await tx.connection.execute(fresh.on_conflict_do_update(index_elements=["key"], set_=values))
    await tx.connection.execute(delete(ADDON_PLANS).where(ADDON_PLANS.c.addon == key))
    beside = [{"addon": key, "plan": plan} for plan in dict.fromkeys(spec.plans)]
    await tx.connection.execute(insert(ADDON_PLANS), beside)
    await tx.connection.execute(delete(ADDON_GRANTS).where(ADDON_GRANTS.c.addon == key))
    grants = [
        {"addon": key, "feature": feature, "amount": None if value is True else value}
        for feature, value in spec.entitlements.items()
    ]
    await tx.connection.execute(insert(ADDON_GRANTS), grants)


async def archive_price(tx: Tx, price: AddonPrice) -> None:
    """Take a price off sale."""
    gone = update(ADDON_PRICES).values(archived_at=tx.now).where(ADDON_PRICES.c.id == price.id)
    await tx.connection.execute(gone)


async def save_price(tx: Tx, addon: str, interval: Interval, money: Money, position: int) -> None:
    """Put a price on sale; one that is on sale already only moves to its place in the list."""
    fresh = insert(ADDON_PRICES).values(
        id=new_id(),
        addon=addon,
        interval=interval.value,
        amount=money.amount,
        currency=money.currency,
        position=position,
        created_at=tx.now,
    )
    same = fresh.on_conflict_do_update(
        index_elements=["addon", "interval", "currency"],
        index_where=ADDON_PRICES.c.archived_at.is_(None),
        set_={"position": position},
    )
    await tx.connection.execute(same)


def _price(row: Mapping[Any, Any]) -> AddonPrice:
    money = Money(row["amount"], row["currency"])
    return AddonPrice(row["id"], row["addon"], Interval(row["interval"]), money, active=row["archived_at"] is None)
