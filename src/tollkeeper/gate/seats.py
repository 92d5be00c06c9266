"""Seats: how many members an organization has, as a gauge like any other, set by the transaction that changes it.

A catalogue that has a metered feature `seats` whose meter is a gauge (`aggregation: latest`, best with `period: never`)
limits the members; one that has none, or a plan that does not mention it, does not.
"""

from typing import NamedTuple
from uuid import UUID

from tollkeeper.catalog import load_catalogue
from tollkeeper.infra import Tx
from tollkeeper.metering import (
    Consumption,
    CounterKey,
    Standing,
    ThresholdReached,
    Verdict,
    announce_threshold,
    consume,
    list_meters,
    read_counters,
)
from tollkeeper.orgs import MembersChanged, SeatsAsked
from tollkeeper.rating import Period

from . import rules, store
from .model import GAUGES, Access, Allowance
from .refusing import quota_exceeded

SEATS = "seats"


class _Gauge(NamedTuple):
    access: Access
    allowance: Allowance
    period: Period
    counter: CounterKey


async def on_members_changed(tx: Tx, event: MembersChanged) -> None:
    """Set the gauge. Members who go are always let go, whatever the limit.

    Raises:
        QuotaExceededError: there would be more than a hard limit allows; nobody is added.
    """
    gauge = await _gauge(tx, event.organization_id)
    if gauge is None:
        return
    access, allowance, period, counter = gauge
    bound = allowance.bound if event.rises else allowance.bound._replace(hard=False)
    # The clock, not `tx.now`: of two changes the one that waited for the other is the later one.
    at = max(tx.runtime.clock.now(), period.start)
    wanted = Consumption(counter, event.seats, bound, at, aggregation=allowance.aggregation)
    [outcome], crossings, _ = await consume(await tx.raw(), [wanted], tx.now)
    if outcome.verdict is Verdict.REFUSED:
        balance = rules.balance_after(allowance, period, outcome, None)
        raise quota_exceeded(access, balance, event.seats - balance.used)
    for crossing in crossings:
        await tx.defer(announce_threshold, **ThresholdReached.of(crossing).payload())


async def on_seats_asked(tx: Tx, event: SeatsAsked) -> None:
    """Refuse an invitation that could not be accepted.

    Raises:
        QuotaExceededError: with everybody who is invited there would be more members than a hard limit allows.
    """
    gauge = await _gauge(tx, event.organization_id)
    if gauge is None:
        return
    access, allowance, period, counter = gauge
    counted = (await read_counters(await tx.raw(), [counter])).get(counter, Standing())
    balance = rules.balance_of(allowance, period, counted)
    if not rules.admits(balance, event.seats - balance.used):
        raise quota_exceeded(access, balance, event.seats - balance.used)


async def _gauge(tx: Tx, organization_id: UUID) -> _Gauge | None:
    """Return what holds the organization's seats; None: its plan does not count them."""
    meters = await list_meters(tx)
    if not any(meter.key == SEATS and meter.aggregation in GAUGES for meter in meters):
        return None
    standing = await store.find_standing(tx, organization_id)
    if standing is None:
        return None
    access = rules.build_access(standing, await load_catalogue(tx), meters)
    allowance = access.allowances.get(SEATS)
    if allowance is None or not allowance.offered:
        return None
    return _Gauge(access, allowance, *rules.counter_of(access, allowance, tx.runtime.clock.now()))
