"""What add-ons come to beside a plan, and how the file's differ from those that stand. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tollkeeper.catalog.model import (
    Addon,
    AddonNotFoundError,
    Catalogue,
    Change,
    ChangeKind,
    Entitlement,
    Feature,
    FeatureKind,
    Plan,
)
from tollkeeper.catalog.spec_addons import AddonSpec
from tollkeeper.kit import Money


@dataclass(frozen=True, slots=True)
class Source:
    """Where a part of what is allowed comes from: the plan (`quantity` 1), or so many units of an add-on.

    `amount` is the part of the limit, None for all of it without end and for switches.
    """

    name: str
    amount: int | None
    quantity: int = 1
    addon: str | None = None


def find_addon(catalogue: Catalogue, key: str) -> Addon:
    """Return an add-on, an archived one too.

    Raises:
        AddonNotFoundError: there never was one of this key.
    """
    found = catalogue.addons.get(key)
    if found is None:
        raise AddonNotFoundError(f"There is no add-on {key!r}.")
    return found


def entitled(catalogue: Catalogue, plan: Plan, held: Mapping[str, int]) -> tuple[Entitlement, ...]:
    """Return what a plan and add-ons, so many units of each, allow together, in the order of the features.

    Units add to the limit, and what is unlimited stays so; switches are on when anything turns them on. Whether a
    limit is hard, its period and what is charged beyond it are the plan's; of a feature the plan does not have they
    are a hard limit a billing period.
    """
    allowed = {each.feature.key: each for each in plan.entitlements}
    for key, quantity in held.items():
        addon = catalogue.addons.get(key)
        for grant in addon.grants if addon and quantity > 0 else ():
            name = grant.feature.key
            if grant.feature.kind is FeatureKind.METERED:
                before = allowed.get(name, Entitlement(grant.feature, limit=0))
                more = None if before.limit is None else before.limit + (grant.amount or 0) * quantity
                allowed[name] = replace(before, limit=more)
            else:
                allowed[name] = Entitlement(grant.feature, value=True)
    return tuple(allowed[name] for name in catalogue.features if name in allowed)


def sources_of(catalogue: Catalogue, plan: Plan, held: Mapping[str, int], feature: str) -> tuple[Source, ...]:
    """Return what a feature's limit is made of, the plan's part first."""
    own = plan.entitlement(feature)
    parts = [Source(plan.name, own.limit)] if own is not None and (own.limit != 0 and own.value is not False) else []
    for key, quantity in held.items():
        addon = catalogue.addons.get(key)
        grant = next((each for each in addon.grants if each.feature.key == feature), None) if addon else None
        if addon is not None and grant is not None and quantity > 0:
            amount = None if grant.amount is None else grant.amount * quantity
            parts.append(Source(addon.name, amount, quantity, key))
    return tuple(parts)


def compare_addons(standing: Mapping[str, Addon], wanted: Mapping[str, AddonSpec]) -> Iterator[Change]:
    """Yield what applying the file would change of add-ons, in words."""
    for key, spec in wanted.items():
        old = standing.get(key)
        if old is None:
            yield Change(ChangeKind.ADDED, f"add-on {key}", f"{spec.name}, for {', '.join(spec.plans)}")
        else:
            if old.archived_at is not None:
                yield Change(ChangeKind.ADDED, f"add-on {key}", "back from the archive")
            yield from _values(key, old, spec)
        yield from _prices(key, old, spec)
        yield from _grants(key, old, spec)
    for key, old in standing.items():
        if key not in wanted and old.archived_at is None:
            yield Change(ChangeKind.ARCHIVED, f"add-on {key}", "not sold any more; those who have it keep it")
    before = [key for key, addon in standing.items() if addon.archived_at is None and key in wanted]
    after = [key for key in wanted if key in before]
    if before != after:
        yield Change(ChangeKind.CHANGED, "order of add-ons", ", ".join(wanted))


def _values(key: str, old: Addon, spec: AddonSpec) -> Iterator[Change]:
    told = (
        ("name", f'"{old.name}"', f'"{spec.name}"'),
        ("description", f'"{old.description}"', f'"{spec.description}"'),
        ("plans", ", ".join(sorted(old.plans)), ", ".join(sorted(set(spec.plans)))),
        ("max_quantity", f"{old.max_quantity:,}", f"{spec.max_quantity:,}"),
    )
    for name, was, now in told:
        if was != now:
            yield Change(ChangeKind.CHANGED, f"add-on {key}", f"{name} {was} becomes {now}")


def _prices(key: str, old: Addon | None, spec: AddonSpec) -> Iterator[Change]:
    before = {(p.interval, p.money.currency): p.money.amount for p in (old.prices if old else ())}
    after = spec.amounts()
    for (interval, currency), amount in after.items():
        if before.get((interval, currency)) != amount:
            yield Change(ChangeKind.ADDED, f"price of add-on {key}", f"{Money(amount, currency)} a {interval}")
    for (interval, currency), amount in before.items():
        if after.get((interval, currency)) != amount:
            said = f"{Money(amount, currency)} a {interval}; those who have it keep it"
            yield Change(ChangeKind.ARCHIVED, f"price of add-on {key}", said)


def _grants(key: str, old: Addon | None, spec: AddonSpec) -> Iterator[Change]:
    before = {each.feature.key: _in_words(each.feature, each.amount) for each in (old.grants if old else ())}
    after = {name: "on" if value is True else f"+{value:,}" for name, value in spec.entitlements.items()}
    for feature, now in after.items():
        if feature not in before:
            yield Change(ChangeKind.ADDED, f"entitlement of add-on {key}", f"{feature} {now}")
        elif before[feature] != now:
            yield Change(
                ChangeKind.CHANGED, f"entitlement of add-on {key}", f"{feature} {before[feature]} becomes {now}"
            )
    for feature in (each for each in before if each not in after):
        yield Change(ChangeKind.ARCHIVED, f"entitlement of add-on {key}", feature)


def _in_words(feature: Feature, amount: int | None) -> str:
    return f"+{amount:,}" if feature.kind is FeatureKind.METERED and amount is not None else "on"
