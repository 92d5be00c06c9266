"""Pure decisions of the gate: which period is current, which plan to offer, what a plan comes to."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from tollkeeper.catalog import (
    CALENDAR,
    CALENDAR_ANCHOR,
    Catalogue,
    Entitlement,
    EntitlementPeriod,
    FeatureKind,
    Plan,
    entitled,
    sources_of,
)
from tollkeeper.kit import Actor, ForbiddenError
from tollkeeper.metering import (
    NOBODY,
    THRESHOLDS,
    Aggregation,
    CounterKey,
    Meter,
    Outcome,
    Seen,
    Terms,
    fits,
    short_by,
    window_start,
)
from tollkeeper.metering import Standing as Counted
from tollkeeper.rating import Interval, Period, period_at

from .model import NO_ADDONS, Access, Allowance, Balance, NeedsEventsError, Offer, Purchase, Share, Standing

FOREVER = Period(datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
# Longer than any month: a billing period beyond it is a year's, and its quotas are by the month within it.
LONGEST_MONTH = timedelta(days=32)
# How far ahead of ours a caller's clock may be.
CLOCK_SKEW = timedelta(minutes=5)
# The shortest time, and how far month ends of one series lie apart.
MOMENT = timedelta(microseconds=1)
MONTHS_DIFFER = timedelta(days=3)


class Purchases:
    """What the catalogue comes to for whoever bought the same: worked out once, shared by all of them in memory."""

    def __init__(self, catalogue: Catalogue, meters: Iterable[Meter]) -> None:
        """Nothing is worked out before it is asked for."""
        self._catalogue = catalogue
        self._meters = tuple(meters)
        self._known: dict[tuple[str | None, frozenset[tuple[str, int]]], Purchase] = {}

    def access(self, standing: Standing) -> Access:
        """Return what an organization of this standing may use."""
        bought = (standing.plan, frozenset(standing.addons.items()))
        known = self._known.get(bought)
        if known is None:
            known = self._known[bought] = build_purchase(standing, self._catalogue, self._meters)
        return Access(standing, known)


def build_access(standing: Standing, catalogue: Catalogue, meters: Iterable[Meter]) -> Access:
    """Work out what an organization of this standing may use."""
    return Access(standing, build_purchase(standing, catalogue, meters))


def build_purchase(standing: Standing, catalogue: Catalogue, meters: Iterable[Meter]) -> Purchase:
    """Work out what whoever bought the same may use."""
    plan = catalogue.plans.get(standing.plan or "") or catalogue.default
    counted = {meter.key: meter for meter in meters}
    allowed = entitled(catalogue, plan, standing.addons)
    allowances = {
        feature.key: _allowance(allowed, counted[feature.key], plan)
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
    return Purchase(
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


def _allowance(allowed: Sequence[Entitlement], meter: Meter, plan: Plan) -> Allowance:
    entitlement = next((each for each in allowed if each.feature.key == meter.key), None)
    by = meter.aggregation
    if entitlement is None:
        billing = EntitlementPeriod.BILLING
        return Allowance(meter.key, meter.id, 0, hard=True, period=billing, offered=False, aggregation=by)
    own = plan.entitlement(meter.key)
    return Allowance(
        meter.key,
        meter.id,
        entitlement.limit,
        entitlement.hard,
        entitlement.period,
        aggregation=by,
        grace=entitlement.grace,
        thresholds=THRESHOLDS if entitlement.thresholds is None else entitlement.thresholds,
        window=entitlement.window,
        rollover=entitlement.rollover,
        quota=own.limit or 0 if own else 0,
        per_member=entitlement.per_member,
    )


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


def balance_of(
    allowance: Allowance,
    period: Period,
    counted: Counted,
    *,
    credits_left: int | None = None,
    member: tuple[UUID, Counted] | None = None,
) -> Balance:
    """Return where a feature stands by what its counter says, and the member's own, if that is kept."""
    share = None
    if member is not None and allowance.per_member is not None:
        share = Share(member[0], allowance.per_member, member[1].used, member[1].reserved)
    return Balance(
        allowance, period, counted.used, counted.reserved, counted.carried, counted.credited, credits_left, share
    )


def balance_after(allowance: Allowance, period: Period, outcome: Outcome, member_id: UUID | None) -> Balance:
    """Return where a feature stands after a request about it."""
    member = None if outcome.member is None or member_id is None else (member_id, outcome.member)
    return balance_of(allowance, period, outcome.counted, credits_left=outcome.credits, member=member)


def balance_seen(allowance: Allowance, period: Period, seen: Seen, member_id: UUID | None) -> Balance:
    """Return where a feature stands by a look at it. Credits are of no use beside a limit that refuses nothing."""
    member = None if seen.member is None or member_id is None else (member_id, seen.member)
    left = None if allowance.bound.ceiling is None else seen.credits
    return balance_of(allowance, period, seen.standing, credits_left=left, member=member)


def counted_for(allowance: Allowance, member_id: UUID | None) -> UUID | None:
    """Return the member, if members have limits of their own."""
    return None if allowance.per_member is None else member_id


def member_of(actor: Actor, named: UUID | None) -> UUID | None:
    """Return whose usage a call is about: whom it names, else the caller's own; None: nobody knows.

    The nil id names nobody: in counters it stands for the organization as a whole.

    Raises:
        ForbiddenError: somebody logged in names another member.
    """
    if named is None or named == actor.user_id:
        return actor.member_id
    if actor.user_id is not None:
        raise ForbiddenError("You can report and ask for your own usage only; an API key may name any member.")
    return None if named == NOBODY else named


def must_be_counted_by_number(allowance: Allowance) -> None:
    """Refuse a call that says how much of a feature was used, where only values count.

    Raises:
        NeedsEventsError: only values count.
    """
    if allowance.aggregation is Aggregation.UNIQUE:
        raise NeedsEventsError(f"{allowance.feature!r} counts how many different values there are: send events.")


def admits(balance: Balance, count: int) -> bool:
    """Whether `count` more may be taken."""
    if not balance.carried and not balance.credits and balance.member is None and not balance.credited:
        return fits(balance.used, count, balance.allowance.bound, reserved=balance.reserved)
    counted = Counted(balance.used, balance.reserved, carried=balance.carried, credited=balance.credited)
    lacking = short_by(counted, balance.used + count, balance.allowance.bound)
    if lacking > (balance.credits or 0):
        return False
    own = balance.allowance.bound_of_member
    return own is None or balance.member is None or not own.hard or count <= balance.member.remaining


def terms_of(access: Access, allowance: Allowance, period: Period, *, undated: bool) -> Terms | None:
    """Return what bears on a request beside its limit; None: nothing does."""
    if allowance.is_plain:
        return None
    previous, rollover = None, allowance.rollover
    if rollover is not None:
        previous = previous_start(access.standing, allowance.period, period)
    return Terms(previous, rollover or 0, allowance.quota, allowance.bound_of_member, undated)


def previous_start(standing: Standing, kind: EntitlementPeriod, period: Period) -> datetime | None:
    """Return when the period before one began at the earliest; None: the plan began with it, or later.

    A month's day is the series' own, so a billing period's counter may have begun up to three days later than said.
    """
    if period.start <= (standing.since or standing.anchor):
        return None
    if kind in CALENDAR:
        return period_at(CALENDAR_ANCHOR, CALENDAR[kind], period.start - MOMENT).start
    return period_at(period.start, Interval.MONTH, period.start - MOMENT).start - MONTHS_DIFFER


def counter_of(access: Access, allowance: Allowance, now: datetime) -> tuple[Period, CounterKey]:
    """Return a feature's period that holds `now`, and the counter of that."""
    organization_id = access.standing.organization_id
    if allowance.window is not None:
        start = window_start(allowance.window)
        return window_at(allowance.window, now), CounterKey(organization_id, allowance.meter_id, start)
    period = current_period(access, allowance.period, now)
    return period, CounterKey(organization_id, allowance.meter_id, period.start)


def current_period(access: Access, kind: EntitlementPeriod, now: datetime) -> Period:
    """The period of this kind that holds `now`; worked out once per period."""
    if kind is EntitlementPeriod.BILLING:
        known = access.billing
        if known is None or now not in known:
            known = access.billing = period_of(access.standing, kind, now)
        return known
    known = access.purchase.calendar.get(kind)
    if known is None or now not in known:
        known = access.purchase.calendar[kind] = period_of(access.standing, kind, now)
    return known


def window_at(window: timedelta, now: datetime) -> Period:
    """Return what a rolling window looks like now: by its end, all that counts in it now has left it."""
    return Period(now - window, now + window)


def period_of(standing: Standing, kind: EntitlementPeriod, now: datetime) -> Period:
    """Return the period of this kind that holds a moment."""
    if kind is EntitlementPeriod.NEVER:
        return FOREVER
    if kind in CALENDAR:
        return period_at(CALENDAR_ANCHOR, CALENDAR[kind], now)
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
