"""Every statement of the catalogue."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Select, Table, delete, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from tollkeeper.infra import Tx
from tollkeeper.kit import Money, new_id
from tollkeeper.rating import Charge, Interval, PriceVersion

from .addons import load_addons
from .charges import charge_from_json, charge_to_json
from .keeping import read_each_time, read_once
from .model import Catalogue, Entitlement, EntitlementPeriod, Feature, FeatureKind, Plan, Price
from .offers import Trial, TrialEnd, load_codes, load_coupons
from .spec import PlanSpec
from .tables import FEATURES, OVERAGE_PRICES, PLAN_CONCURRENCY, PLAN_ENTITLEMENTS, PLAN_RATES, PLANS, PRICES

Overage: TypeAlias = dict[tuple[str, str], list[PriceVersion]]

_LOCK = "select pg_advisory_xact_lock(hashtext('tollkeeper.catalogue'))"


async def lock(tx: Tx) -> None:
    """Let one change of the catalogue run at a time, until the transaction ends."""
    await tx.connection.execute(text(_LOCK))
    read_each_time(tx)


async def load(tx: Tx) -> Catalogue:
    """Return everything, archived features and plans included, prices only those on sale."""
    return await read_once(tx, "catalogue", _read)


async def _read(tx: Tx) -> Catalogue:
    rows = (await tx.connection.execute(select(FEATURES).order_by(FEATURES.c.position, FEATURES.c.key))).mappings()
    features = {row["key"]: _feature(row) for row in rows}
    prices: dict[str, list[Price]] = defaultdict(list)
    on_sale = select(PRICES).where(PRICES.c.archived_at.is_(None)).order_by(PRICES.c.position)
    for row in (await tx.connection.execute(on_sale)).mappings():
        prices[row["plan"]].append(_price(row))
    overage = await _current_overage(tx)
    entitlements: dict[str, list[Entitlement]] = defaultdict(list)
    for row in (await tx.connection.execute(select(PLAN_ENTITLEMENTS))).mappings():
        entitlements[row["plan"]].append(_entitlement(row, features, overage))
    rates, at_once = await _by_plan(tx, PLAN_RATES), await _by_plan(tx, PLAN_CONCURRENCY)
    shown = list(features)
    plans: dict[str, Plan] = {}
    for row in (await tx.connection.execute(select(PLANS).order_by(PLANS.c.position, PLANS.c.key))).mappings():
        key = row["key"]
        allowed = sorted(entitlements[key], key=lambda each: shown.index(each.feature.key))
        plans[key] = _plan(row, prices[key], allowed, rates[key], at_once[key])
    addons = await load_addons(tx, features)
    coupons, codes = await load_coupons(tx), await load_codes(tx)
    offered = MappingProxyType(coupons), MappingProxyType(codes)
    return Catalogue(MappingProxyType(features), MappingProxyType(plans), *offered, addons)


async def list_prices(tx: Tx) -> Sequence[Price]:
    """Return every price there ever was, oldest first."""
    return await read_once(tx, "prices", _read_prices)


async def _read_prices(tx: Tx) -> tuple[Price, ...]:
    rows = await tx.connection.execute(select(PRICES).order_by(PRICES.c.created_at, PRICES.c.id))
    return tuple(_price(row) for row in rows.mappings())


async def save_feature(tx: Tx, feature: Feature, position: int) -> None:
    """Add the feature, or make the one of its key equal to it."""
    values = {
        "name": feature.name,
        "description": feature.description,
        "kind": feature.kind.value,
        "unit": feature.unit,
        "position": position,
        "archived_at": None,
    }
    statement = insert(FEATURES).values(key=feature.key, **values)
    await tx.connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=values))


async def save_plan(tx: Tx, key: str, spec: PlanSpec, position: int) -> None:
    """Add the plan, or make the one of its key equal to the file's."""
    values = {
        "name": spec.name,
        "description": spec.description,
        "position": position,
        "is_default": spec.default,
        "is_public": spec.public,
        "archived_at": None,
        **_trial_values(spec),
    }
    statement = insert(PLANS).values(key=key, created_at=tx.now, **values)
    await tx.connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=values))


def _trial_values(spec: PlanSpec) -> dict[str, Any]:
    trial = spec.trial.trial() if spec.trial else None
    return {
        "trial_days": trial.days if trial else None,
        "trial_needs_card": trial.needs_card if trial else None,
        "trial_without_card": trial.without_card.value if trial else None,
    }


async def clear_default(tx: Tx) -> None:
    """Take the mark of the default plan away, so that another can have it."""
    await tx.connection.execute(update(PLANS).values(is_default=False).where(PLANS.c.is_default))


async def archive_all_but(tx: Tx, features: Sequence[str], plans: Sequence[str]) -> None:
    """Archive features and plans that are not named, and take the prices of archived plans off sale."""
    for table, kept in ((FEATURES, features), (PLANS, plans)):
        gone = update(table).values(archived_at=tx.now).where(table.c.archived_at.is_(None), table.c.key.not_in(kept))
        await tx.connection.execute(gone)
    withdrawn = update(PRICES).values(archived_at=tx.now)
    await tx.connection.execute(withdrawn.where(PRICES.c.archived_at.is_(None), PRICES.c.plan.not_in(plans)))


async def archive_price(tx: Tx, price: Price) -> None:
    """Take a price off sale."""
    await tx.connection.execute(update(PRICES).values(archived_at=tx.now).where(PRICES.c.id == price.id))


async def save_price(tx: Tx, plan: str, interval: Interval, money: Money, position: int) -> None:
    """Put a price on sale; one that is on sale already only moves to its place in the list."""
    statement = insert(PRICES).values(
        id=new_id(),
        plan=plan,
        interval=interval.value,
        amount=money.amount,
        currency=money.currency,
        position=position,
        created_at=tx.now,
    )
    same = statement.on_conflict_do_update(
        index_elements=["plan", "interval", "currency"],
        index_where=PRICES.c.archived_at.is_(None),
        set_={"position": position},
    )
    await tx.connection.execute(same)


async def replace_entitlements(tx: Tx, plan: str, entitlements: Sequence[Entitlement]) -> None:
    """Make these the plan's entitlements, and only these."""
    await tx.connection.execute(delete(PLAN_ENTITLEMENTS).where(PLAN_ENTITLEMENTS.c.plan == plan))
    rows = [
        {
            "plan": plan,
            "feature": each.feature.key,
            "amount": each.limit,
            "value": each.value,
            "hard": each.hard,
            "period": each.period.value,
            "window_seconds": _seconds(each.window),
            "grace": each.grace,
            "thresholds": None if each.thresholds is None else list(each.thresholds),
            "rollover": each.rollover,
            "per_member": each.per_member,
        }
        for each in entitlements
    ]
    if rows:
        await tx.connection.execute(insert(PLAN_ENTITLEMENTS), rows)


async def overage_in_force(tx: Tx, plan: str, feature: str, moment: datetime) -> tuple[PriceVersion, ...]:
    """Return what usage beyond the limit cost at a moment, a version a currency; empty when nothing."""
    table = OVERAGE_PRICES
    held = (table.c.created_at <= moment) & or_(table.c.archived_at.is_(None), table.c.archived_at > moment)
    wanted = _overage().where(table.c.plan == plan, table.c.feature == feature, held).order_by(table.c.currency)
    return tuple(_version(row) for row in (await tx.connection.execute(wanted)).mappings())


async def find_overage_price(tx: Tx, version: UUID) -> PriceVersion | None:
    """Return a version, one that holds no more too; None when there never was one of this id."""
    row = (await tx.connection.execute(_overage().where(OVERAGE_PRICES.c.id == version))).mappings().one_or_none()
    return _version(row) if row else None


async def archive_overage_price(tx: Tx, version: UUID) -> None:
    """Let a version hold no longer."""
    gone = update(OVERAGE_PRICES).values(archived_at=tx.now).where(OVERAGE_PRICES.c.id == version)
    await tx.connection.execute(gone)


async def add_overage_price(tx: Tx, plan: str, feature: str, currency: str, charge: Charge) -> None:
    """Let usage beyond the limit cost this from now on."""
    statement = insert(OVERAGE_PRICES).values(
        id=new_id(),
        plan=plan,
        feature=feature,
        currency=currency,
        charge=charge_to_json(charge),
        created_at=tx.now,
    )
    await tx.connection.execute(statement)


async def replace_rates(tx: Tx, plan: str, rates: Mapping[str, int | None]) -> None:
    """Make these the plan's request rates, and only these."""
    await tx.connection.execute(delete(PLAN_RATES).where(PLAN_RATES.c.plan == plan))
    rows = [{"plan": plan, "route_group": group, "per_minute": rate} for group, rate in rates.items()]
    if rows:
        await tx.connection.execute(insert(PLAN_RATES), rows)


async def replace_concurrency(tx: Tx, plan: str, concurrency: Mapping[str, int | None]) -> None:
    """Make this how much long work the plan allows at once, and nothing else."""
    await tx.connection.execute(delete(PLAN_CONCURRENCY).where(PLAN_CONCURRENCY.c.plan == plan))
    rows = [{"plan": plan, "name": name, "at_once": at_once} for name, at_once in concurrency.items()]
    if rows:
        await tx.connection.execute(insert(PLAN_CONCURRENCY), rows)


async def _by_plan(tx: Tx, table: Table) -> Mapping[str, dict[str, int | None]]:
    """Read a table of plan, name and number."""
    found: dict[str, dict[str, int | None]] = defaultdict(dict)
    for plan, name, number in await tx.connection.execute(select(table).order_by(table.c[0], table.c[1])):
        found[plan][name] = number
    return found


async def plan_names(tx: Tx) -> dict[str, str]:
    """Return what every plan is called by its key, archived ones too, in order."""
    return {key: plan.name for key, plan in (await load(tx)).plans.items()}


async def default_plan_keys(tx: Tx) -> list[str]:
    """Return which plans are marked as the default one: one, unless no catalogue was applied yet."""
    return list(await tx.connection.scalars(select(PLANS.c.key).where(PLANS.c.is_default)))


def _seconds(window: timedelta | None) -> int | None:
    return None if window is None else window // timedelta(seconds=1)


def _feature(row: Mapping[Any, Any]) -> Feature:
    kind = FeatureKind(row["kind"])
    return Feature(row["key"], row["name"], kind, row["unit"], row["description"], row["archived_at"])


def _price(row: Mapping[Any, Any]) -> Price:
    money = Money(row["amount"], row["currency"])
    return Price(row["id"], row["plan"], Interval(row["interval"]), money, active=row["archived_at"] is None)


def _entitlement(row: Mapping[Any, Any], features: Mapping[str, Feature], overage: Overage) -> Entitlement:
    period = EntitlementPeriod(row["period"])
    beyond = tuple(overage.get((row["plan"], row["feature"]), ()))
    window = row["window_seconds"]
    return Entitlement(
        features[row["feature"]],
        row["amount"],
        row["value"],
        row["hard"],
        period,
        beyond,
        window=None if window is None else timedelta(seconds=window),
        grace=row["grace"],
        thresholds=None if row["thresholds"] is None else tuple(row["thresholds"]),
        rollover=row["rollover"],
        per_member=row["per_member"],
    )


async def _current_overage(tx: Tx) -> Overage:
    found: Overage = defaultdict(list)
    current = _overage().where(OVERAGE_PRICES.c.archived_at.is_(None)).order_by(OVERAGE_PRICES.c.currency)
    for row in (await tx.connection.execute(current)).mappings():
        found[row["plan"], row["feature"]].append(_version(row))
    return found


def _overage() -> Select[Any]:
    return select(OVERAGE_PRICES, FEATURES.c.unit).join(FEATURES, FEATURES.c.key == OVERAGE_PRICES.c.feature)


def _version(row: Mapping[Any, Any]) -> PriceVersion:
    return PriceVersion(row["id"], row["feature"], row["unit"], row["currency"], charge_from_json(row["charge"]))


def _plan(
    row: Mapping[Any, Any],
    prices: Sequence[Price],
    entitlements: Sequence[Entitlement],
    rates: Mapping[str, int | None],
    concurrency: Mapping[str, int | None],
) -> Plan:
    return Plan(
        key=row["key"],
        name=row["name"],
        description=row["description"],
        position=row["position"],
        is_default=row["is_default"],
        is_public=row["is_public"],
        prices=tuple(prices),
        entitlements=tuple(entitlements),
        rates=MappingProxyType(dict(rates)),
        archived_at=row["archived_at"],
        trial=_trial(row),
        concurrency=MappingProxyType(concurrency),
    )


def _trial(row: Mapping[Any, Any]) -> Trial | None:
    if row["trial_days"] is None:
        return None
    return Trial(row["trial_days"], row["trial_needs_card"], TrialEnd(row["trial_without_card"]))
