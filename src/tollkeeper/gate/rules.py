"""Pure decisions of the gate: which period is current, which plan to offer, what a plan comes to."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from tollkeeper.catalog import Catalogue, Entitlement, EntitlementPeriod, FeatureKind, Plan, entitled, sources_of
from tollkeeper.metering import Meter, fits
from tollkeeper.rating import Interval, Period, period_at

from .model import Access, Allowance, Balance, Offer, Standing

FOREVER = Period(datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
# Longer than any month: a billing period beyond it is a year's, and its quotas are by the month within it.
LONGEST_MONTH = timedelta(days=32)
# How far ahead of ours a caller's clock may be.
CLOCK_SKEW = timedelta(minutes=5)
NO_ADDONS: Mapping[str, int] = MappingProxyType({})


class Tiers:
    """What the catalogue comes to for whoever bought the same: worked out once, shared by all of them in memory."""

    def __init__(self, catalogue: Catalogue, meters: Iterable[Meter]) -> None:
        """Nothing is worked out before it is asked for."""
        self._catalogue = catalogue
        self._meters = tuple(meters)
        self._known: dict[tuple[str | None, frozenset[tuple[str, int]]], Access] = {}

    def access(self, standing: Standing) -> Access:
        """Return what an organization of this standing may use."""
        bought = (standing.plan, frozenset(standing.addons.items()))
        like = self._known.get(bought)
        if like is None:
            like = self._known[bought] = build_access(standing, self._catalogue, self._meters)
        return replace(like, standing=standing, periods={}, call_rates={})


def build_access(standing: Standing, catalogue: Catalogue, meters: Iterable[Meter]) -> Access:
    """Work out what an organization of this standing may use."""
    plan = catalogue.plans.get(standing.plan or "") or catalogue.default
    counted = {meter.key: meter for meter in meters}
    allowed = entitled(catalogue, plan, standing.addons)
    allowances = {
        feature.key: _allowance(allowed, counted[feature.key])
        for feature in catalogue.features.values()
        if feature.kind is FeatureKind.METERED and feature.key in counted
    }
    if standing.addons:
        allowances = {
            key: replace(each, sources=sources_of(catalogue, plan, standing.addons, key))
            for key, each in allowances.items()
        }
    offers = {key: best_offer(catalogue, plan, allowance, standing.addons) for key, allowance in allowances.items()}
    feeds = _feeds(counted.values(), allowances)
    return Access(
        standing,
        plan.key,
        plan.name,
        allowances,
        offers,
        plan.rates,
        allowed,
        concurrency=plan.concurrency,
        feeds=feeds,
    )


def _feeds(meters: Iterable[Meter], allowances: Mapping[str, Allowance]) -> dict[str, tuple[Meter, ...]]:
    """Return which meters count events of each type.

    A feature the plan does not have is passed over where the events count for another that it has: a new feature of
    another plan must not make this plan's events fail.
    """
    by_type: dict[str, list[Meter]] = defaultdict(list)
    for meter in meters:
        if meter.key in allowances:
            by_type[meter.event_type].append(meter)
    feeds = {}
    for event_type, fed in by_type.items():
        offered = [meter for meter in fed if allowances[meter.key].offered]
        feeds[event_type] = tuple(offered or fed)
    return feeds


def _allowance(allowed: Sequence[Entitlement], meter: Meter) -> Allowance:
    entitlement = next((each for each in allowed if each.feature.key == meter.key), None)
    by = meter.aggregation
    if entitlement is None:
        billing = EntitlementPeriod.BILLING
        return Allowance(meter.key, meter.id, 0, hard=True, period=billing, offered=False, aggregation=by)
    return Allowance(meter.key, meter.id, entitlement.limit, entitlement.hard, entitlement.period, aggregation=by)


def best_offer(
    catalogue: Catalogue, current: Plan, allowance: Allowance, held: Mapping[str, int] = NO_ADDONS
) -> Offer | None:
    """The next plan up that allows more of this feature, with the add-ons that go with it; None when there is none."""
    if allowance.limit is None:
        return None
    for plan in sorted(catalogue.on_sale(), key=lambda each: each.position):
        kept = {key: units for key, units in held.items() if key in catalogue.addons}
        kept = {key: units for key, units in kept.items() if plan.key in catalogue.addons[key].plans}
        entitlement = next((e for e in entitled(catalogue, plan, kept) if e.feature.key == allowance.feature), None)
        if plan.position <= current.position or entitlement is None:
            continue
        if entitlement.limit is None or entitlement.limit > allowance.limit:
            price = plan.price(Interval.MONTH) or next(iter(plan.prices), None)
            return Offer(
                plan.key,
                plan.name,
                entitlement.limit,
                price.money if price else None,
                price.interval.value if price else None,
            )
    return None


def admits(balance: Balance, count: int) -> bool:
    """Whether `count` more may be taken."""
    return fits(balance.used, count, balance.allowance.bound, reserved=balance.reserved)


def current_period(access: Access, kind: EntitlementPeriod, now: datetime) -> Period:
    """The period of this kind that holds `now`; worked out once per period."""
    known = access.periods.get(kind)
    if known is None or now not in known:
        known = access.periods[kind] = period_of(access.standing, kind, now)
    return known


def period_of(standing: Standing, kind: EntitlementPeriod, now: datetime) -> Period:
    """Return the period of this kind that holds a moment."""
    if kind is EntitlementPeriod.NEVER:
        return FOREVER
    if kind is EntitlementPeriod.CALENDAR_MONTH:
        return period_at(datetime(2000, 1, 1, tzinfo=UTC), Interval.MONTH, now)
    if standing.bought is None:
        return period_at(standing.anchor, Interval.MONTH, now)
    start, end = standing.bought.start, standing.bought.end
    if now >= end:
        # The renewal has not reached us yet. It starts where the known period ends, so counting goes on there.
        return period_at(end, Interval.MONTH, now)
    if end - start > LONGEST_MONTH:
        month = period_at(start, Interval.MONTH, now)
        return Period(month.start, min(month.end, end))
    return Period(start, end)
