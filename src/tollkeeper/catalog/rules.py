"""Comparing the file with what stands, in words."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tollkeeper.kit import Money
from tollkeeper.metering import Meter
from tollkeeper.rating import Charge, charge_in_words

from .addons import compare_addons
from .model import Catalogue, Change, ChangeKind, Entitlement, Feature, FeatureKind, Plan
from .offers import Standing, Trial, compare_offers
from .spec import CatalogueSpec, FeatureSpec, PlanSpec, Setting
from .spec_limits import LimitSpec, beside_in_words, period_in_words

Entitled = Mapping[str, LimitSpec | Setting]


def compare(standing: Catalogue, spec: CatalogueSpec) -> list[Change]:
    """Return what applying the file would change, in the file's order; empty when nothing."""
    return [
        *_features(standing.features, spec.features),
        *_plans(standing.plans, spec.plans),
        *compare_addons(standing.addons, spec.addons),
        *(
            Change(ChangeKind(told.kind), told.subject, told.detail)
            for told in compare_offers(Standing(standing.coupons, standing.codes), spec.coupons, spec.codes)
        ),
    ]


def regrouped(meters: Iterable[tuple[Meter, Meter]]) -> Iterator[Change]:
    """Say by what more the history of meters can be split: as each stands, and as the file has it."""
    for meter, wanted in meters:
        if meter.group_by != wanted.group_by:
            said = f"history can be split by {', '.join(wanted.group_by)}"
            yield Change(ChangeKind.CHANGED, f"feature {meter.key}", said)


def feature_of(key: str, spec: FeatureSpec) -> Feature:
    """Return the feature the file describes."""
    return Feature(key, spec.name, spec.kind, spec.unit, spec.description)


def entitlement_of(feature: Feature, value: LimitSpec | Setting) -> Entitlement:
    """Return the entitlement the file describes, but for its overage, which gets versions when it is stored."""
    if isinstance(value, LimitSpec):
        return value.entitlement(feature)
    return Entitlement(feature, value=value)


def in_words(entitlement: Entitlement) -> str:
    """Say what is allowed: `1,000 (hard, a billing period)`, `on`, `30`."""
    return _said(entitlement, {each.currency: each.charge for each in entitlement.overage})


def _said(entitlement: Entitlement, overage: Mapping[str, Charge]) -> str:
    if entitlement.feature.kind is FeatureKind.METERED:
        limit = "unlimited" if entitlement.limit is None else f"{entitlement.limit:,}"
        said = " or ".join(charge_in_words(charge, currency) for currency, charge in sorted(overage.items()))
        beyond = f"; beyond it {said}" if said else ""
        per, beside = period_in_words(entitlement), beside_in_words(entitlement)
        return f"{limit} ({'hard' if entitlement.hard else 'soft'}, {per}{beside}{beyond})"
    if isinstance(entitlement.value, bool):
        return "on" if entitlement.value else "off"
    return str(entitlement.value)


def _features(standing: Mapping[str, Feature], wanted: Mapping[str, FeatureSpec]) -> Iterator[Change]:
    for key, spec in wanted.items():
        old = standing.get(key)
        if old is None:
            yield Change(ChangeKind.ADDED, f"feature {key}", spec.kind)
        elif old.archived_at is not None:
            yield Change(ChangeKind.ADDED, f"feature {key}", "back from the archive")
        if old is not None:
            new = feature_of(key, spec)
            yield from _values(f"feature {key}", old, new, ("name", "kind", "unit", "description"))
    for key, old in standing.items():
        if key not in wanted and old.archived_at is None:
            yield Change(ChangeKind.ARCHIVED, f"feature {key}")
    yield from _order("features", [k for k, f in standing.items() if f.archived_at is None], list(wanted))


def _plans(standing: Mapping[str, Plan], wanted: Mapping[str, PlanSpec]) -> Iterator[Change]:
    for key, spec in wanted.items():
        old = standing.get(key)
        if old is None:
            yield Change(ChangeKind.ADDED, f"plan {key}", spec.name)
        elif old.archived_at is not None:
            yield Change(ChangeKind.ADDED, f"plan {key}", "back from the archive")
        if old is not None:
            yield from _plan_values(key, old, spec)
        if old is None and spec.trial:
            yield from _trial(key, None, spec.trial.trial())
        yield from _prices(key, old, spec)
        yield from _entitlements(key, old.entitlements if old else (), spec.entitlements)
        yield from _rates(key, old.rates if old else {}, spec.rates)
        yield from _concurrency(key, old.concurrency if old else {}, spec.concurrency)
    for key, old in standing.items():
        if key not in wanted and old.archived_at is None:
            yield Change(ChangeKind.ARCHIVED, f"plan {key}", "not sold any more; those who have it keep it")
    yield from _order("plans", [k for k, p in standing.items() if p.archived_at is None], list(wanted))


def _plan_values(key: str, old: Plan, spec: PlanSpec) -> Iterator[Change]:
    told = {"name": spec.name, "description": spec.description, "is_default": spec.default, "is_public": spec.public}
    for name, new in told.items():
        was = getattr(old, name)
        if was != new:
            yield Change(ChangeKind.CHANGED, f"plan {key}", _becomes(name, was, new))
    yield from _trial(key, old.trial, spec.trial.trial() if spec.trial else None)


def _trial(key: str, old: Trial | None, new: Trial | None) -> Iterator[Change]:
    if old is None and new is not None:
        yield Change(ChangeKind.ADDED, f"trial of {key}", str(new))
    elif new is None and old is not None:
        yield Change(ChangeKind.ARCHIVED, f"trial of {key}", f"{old}; those that run go on")
    elif old != new:
        yield Change(ChangeKind.CHANGED, f"trial of {key}", f"{old} becomes {new}")


def _values(subject: str, old: Any, new: Any, names: tuple[str, ...]) -> Iterator[Change]:
    for name in names:
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            yield Change(ChangeKind.CHANGED, subject, _becomes(name, was, now))


def _becomes(name: str, was: Any, now: Any) -> str:
    shown = [f'"{value}"' if isinstance(value, str) else str(value).lower() for value in (was, now)]
    return f"{name.removeprefix('is_')} {shown[0]} becomes {shown[1]}"


def _prices(key: str, old: Plan | None, spec: PlanSpec) -> Iterator[Change]:
    before = {(p.interval, p.money.currency): p.money.amount for p in (old.prices if old else ())}
    after = spec.amounts()
    for (interval, currency), amount in after.items():
        if before.get((interval, currency)) != amount:
            yield Change(ChangeKind.ADDED, f"price of {key}", f"{Money(amount, currency)} a {interval}")
    for (interval, currency), amount in before.items():
        if after.get((interval, currency)) != amount:
            said = f"{Money(amount, currency)} a {interval}; subscribers keep it"
            yield Change(ChangeKind.ARCHIVED, f"price of {key}", said)


def _entitlements(key: str, old: tuple[Entitlement, ...], wanted: Entitled) -> Iterator[Change]:
    before = {each.feature.key: each for each in old}
    for feature, value in wanted.items():
        was = before.get(feature)
        kind = was.feature.kind if was else FeatureKind.METERED if isinstance(value, LimitSpec) else FeatureKind.SETTING
        overage = value.charges() if isinstance(value, LimitSpec) else {}
        now = _said(entitlement_of(Feature(feature, feature, kind), value), overage)
        if was is None:
            yield Change(ChangeKind.ADDED, f"entitlement of {key}", f"{feature} {now}")
        elif in_words(was) != now:
            yield Change(ChangeKind.CHANGED, f"entitlement of {key}", f"{feature} {in_words(was)} becomes {now}")
    for feature in (each for each in before if each not in wanted):
        yield Change(ChangeKind.ARCHIVED, f"entitlement of {key}", feature)


def _rates(key: str, old: Mapping[str, int | None], wanted: Mapping[str, int | None]) -> Iterator[Change]:
    for group in [*wanted, *(each for each in old if each not in wanted)]:
        if group not in wanted:
            yield Change(ChangeKind.ARCHIVED, f"rate of {key}", group)
        elif group not in old:
            yield Change(ChangeKind.ADDED, f"rate of {key}", f"{group} {_rate(wanted[group])}")
        elif old[group] != wanted[group]:
            said = f"{group} {_rate(old[group])} becomes {_rate(wanted[group])}"
            yield Change(ChangeKind.CHANGED, f"rate of {key}", said)


def _concurrency(key: str, old: Mapping[str, int | None], wanted: Mapping[str, int | None]) -> Iterator[Change]:
    subject = f"concurrency of {key}"
    for name in [*wanted, *(each for each in old if each not in wanted)]:
        if name not in wanted:
            yield Change(ChangeKind.ARCHIVED, subject, name)
        elif name not in old:
            yield Change(ChangeKind.ADDED, subject, f"{name} {_at_once(wanted[name])}")
        elif old[name] != wanted[name]:
            yield Change(ChangeKind.CHANGED, subject, f"{name} {_at_once(old[name])} becomes {_at_once(wanted[name])}")


def _at_once(limit: int | None) -> str:
    return "not limited" if limit is None else f"{limit:,} at once"


def _rate(per_minute: int | None) -> str:
    return "by contract" if per_minute is None else f"{per_minute:,} a minute"


def _order(what: str, before: list[str], after: list[str]) -> Iterator[Change]:
    kept, wanted = [k for k in before if k in after], [k for k in after if k in before]
    if kept != wanted:
        yield Change(ChangeKind.CHANGED, f"order of {what}", ", ".join(after))
