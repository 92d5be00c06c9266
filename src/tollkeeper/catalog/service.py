"""Use cases of the catalogue."""

from importlib import resources

from tollkeeper.infra import Tx
from tollkeeper.kit import Money
from tollkeeper.metering import define_meter, list_meters, must_keep_meaning

from . import rules, store
from .addons import apply_addons
from .model import Catalogue, CatalogueChanged, Change, FeatureKind, Plan, PlanNotFoundError
from .offers import save_offers
from .spec import CatalogueSpec, FeatureSpec, PlanSpec
from .spec_limits import LimitSpec
from .versions import keep, latest_version, words_of_file


async def load_catalogue(tx: Tx) -> Catalogue:
    """Return everything there is, archived things included."""
    return await store.load(tx)


async def list_plans(tx: Tx, *, public_only: bool = True) -> list[Plan]:
    """Return the plans that are not archived, in the file's order."""
    return (await store.load(tx)).on_sale(public_only=public_only)


async def get_plan(tx: Tx, key: str) -> Plan:
    """Return a plan, an archived one too.

    Raises:
        PlanNotFoundError: there never was a plan of this key.
    """
    plan = (await store.load(tx)).plans.get(key)
    if plan is None:
        raise PlanNotFoundError(f"There is no plan {key!r}.")
    return plan


async def default_plan_key(tx: Tx) -> str:
    """Return the key of the plan of organizations that bought nothing.

    Raises:
        NoDefaultPlanError: no catalogue was applied yet.
    """
    return (await store.load(tx)).default.key


async def diff(tx: Tx, spec: CatalogueSpec) -> list[Change]:
    """Return what applying this catalogue would change, without changing anything.

    Raises:
        MeterMismatchError: it would change what a meter counts.
    """
    meters = {meter.key: meter for meter in await list_meters(tx)}
    wanted = [(meters[key], feature.meter(key)) for key, feature in _metered(spec).items() if key in meters]
    for meter, new in wanted:
        must_keep_meaning(meter, new)
    return [*rules.compare(await store.load(tx), spec), *rules.regrouped(wanted)]


async def apply(
    tx: Tx, spec: CatalogueSpec, *, source: str = "", note: str = "", restored: int | None = None
) -> list[Change]:
    """Make the catalogue equal to this one and return what that changed; a second time changes nothing.

    What was changed is kept as a version, and so is the first file there is, even if it changes nothing.

    Args:
        tx: the transaction.
        spec: the catalogue.
        source: the file it was read from; without one, a file is written of it.
        note: why, for people who look at versions.
        restored: the number of the older version that this one goes back to.

    Raises:
        MeterMismatchError: it would change what a meter counts; nothing is changed.
    """
    await store.lock(tx)
    changes = await diff(tx, spec)
    held = await latest_version(tx)
    if not changes and held is not None:
        return []
    if changes:
        await _save(tx, spec)
    number = held.number + 1 if held else 1
    said = [str(each) for each in changes]
    about = {"changes": said} | ({"note": note} if note else {}) | ({"restored": restored} if restored else {})
    record = await tx.record("catalogue.applied", target=("catalogue", number), after=about)
    await keep(tx, number, source or words_of_file(spec), said, note=note, restored=restored, record_id=record)
    if changes:
        await tx.emit(CatalogueChanged(changed_at=tx.now))
        await tx.changed("catalogue")
    return changes


async def _save(tx: Tx, spec: CatalogueSpec) -> None:
    for key, feature in _metered(spec).items():
        meter = feature.meter(key)
        await define_meter(
            tx,
            key,
            event_type=meter.event_type,
            aggregation=meter.aggregation,
            unit=meter.unit,
            value=meter.value,
            group_by=meter.group_by,
            filters=meter.filters,
        )
    for position, (key, feature) in enumerate(spec.features.items()):
        await store.save_feature(tx, rules.feature_of(key, feature), position)
    await store.clear_default(tx)
    await store.archive_all_but(tx, list(spec.features), list(spec.plans))
    standing = await store.load(tx)
    for position, (key, plan) in enumerate(spec.plans.items()):
        await store.save_plan(tx, key, plan, position)
        await _save_prices(tx, standing.plans.get(key), key, plan)
        allowed = [rules.entitlement_of(standing.features[name], value) for name, value in plan.entitlements.items()]
        await store.replace_entitlements(tx, key, allowed)
        await _save_overage(tx, standing.plans.get(key), key, plan)
        await store.replace_rates(tx, key, plan.rates)
        await store.replace_concurrency(tx, key, plan.concurrency)
    await apply_addons(tx, standing.addons, spec.addons)
    await save_offers(tx, spec.coupons, spec.codes)


def demo_catalogue() -> str:
    """Return the text of the demo catalogue that comes with the program."""
    return resources.files(__package__).joinpath("demo.yaml").read_text(encoding="utf-8")


async def _save_prices(tx: Tx, old: Plan | None, key: str, spec: PlanSpec) -> None:
    wanted = spec.amounts()
    for price in old.prices if old else ():
        if wanted.get((price.interval, price.money.currency)) != price.money.amount:
            await store.archive_price(tx, price)
    for position, ((interval, currency), amount) in enumerate(wanted.items()):
        await store.save_price(tx, key, interval, Money(amount, currency), position)


async def _save_overage(tx: Tx, old: Plan | None, key: str, spec: PlanSpec) -> None:
    limits = {name: value for name, value in spec.entitlements.items() if isinstance(value, LimitSpec)}
    wanted = {
        (name, currency): charge for name, limit in limits.items() for currency, charge in limit.charges().items()
    }
    standing = {
        (each.feature, each.currency): each for one in (old.entitlements if old else ()) for each in one.overage
    }
    for where, version in standing.items():
        if wanted.get(where) != version.charge:
            await store.archive_overage_price(tx, version.id)
    for (feature, currency), charge in wanted.items():
        before = standing.get((feature, currency))
        if before is None or before.charge != charge:
            await store.add_overage_price(tx, key, feature, currency, charge)


def _metered(spec: CatalogueSpec) -> dict[str, FeatureSpec]:
    return {key: feature for key, feature in spec.features.items() if feature.kind is FeatureKind.METERED}
