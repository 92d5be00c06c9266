"""Use cases of usage beyond limits: looking at counters when what was bought changes, and writing down what is due.

Callers of `observe` hold the lock of the customer. Nothing here asks the provider: see `placing`.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from tollkeeper.billing.customers import Customer
from tollkeeper.billing.provider import InvoiceState
from tollkeeper.billing.subscriptions import Subscription, meaning
from tollkeeper.catalog import (
    EntitlementPeriod,
    FeatureKind,
    entitled,
    find_overage_price,
    list_prices,
    load_catalogue,
    overage_in_force,
)
from tollkeeper.infra import Tx
from tollkeeper.kit import Money, new_id
from tollkeeper.metering import CounterKey, counters_of_periods, list_meters
from tollkeeper.rating import Period

from . import rules, store
from .model import Beyond, Charge, Destination, Look, Reason, SoFar, State, UsageNotPriced

log = structlog.get_logger(__name__)

LATE_FOR = timedelta(days=100)
LATE_BATCH = 500
_MOMENT = timedelta(microseconds=1)
_NOWHERE = (None, None)


async def observe(
    tx: Tx, customer: Customer, before: Subscription | None, after: Subscription, invoice: InvoiceState | None
) -> bool:
    """Charge what lies beyond the limits of what is over; returns whether there is something to put at the provider.

    Args:
        tx: the transaction that makes our copy of the subscription another; both happen, or neither.
        customer: whose it is.
        before: the subscription as it was mirrored; None when it is new to us.
        after: as the provider has it now.
        invoice: its latest invoice, the renewal's draft if this is a renewal.
    """
    was = before if before is not None and _counts(before) else None
    now = after if _counts(after) else None
    rolled = bool(was and now and was.current_period_start != now.current_period_start)
    if was is not None and (now is None or rolled or was.plan != now.plan):
        await _settle(tx, customer, was, after, _destination(tx, after, invoice if rolled else None))
    if now is not None and (was is None or was.plan != now.plan):
        await _begin(tx, customer, now)
    return bool(await store.intended(tx, after.organization_id))


def _counts(subscription: Subscription) -> bool:
    """Whether usage is counted by its plan. Access that is withheld for a while counts elsewhere, and ends nothing."""
    known = subscription.plan is not None and subscription.current_period_start is not None
    return known and subscription.current_period_end is not None and meaning(subscription.status).grants


def _destination(tx: Tx, after: Subscription, invoice: InvoiceState | None) -> tuple[Destination, str | None]:
    if meaning(after.status).over:
        return Destination.OWN, None
    if invoice is not None and invoice.status == "draft":
        return Destination.DRAFT, invoice.id
    end = after.current_period_end
    far = end is not None and end - tx.now > rules.LONGEST_MONTH
    return (Destination.OWN if far else Destination.NEXT), None


async def _settle(
    tx: Tx, customer: Customer, was: Subscription, after: Subscription, to: tuple[Destination, str | None]
) -> None:
    """Write down what every counter of `was` comes to, as far as it is over or another plan takes it on."""
    start = after.current_period_start
    rolled = _counts(after) and start is not None and start != was.current_period_start
    same_plan = _counts(after) and after.plan == was.plan
    until = start if rolled and start is not None else _now(tx, was)
    reason = Reason.END if not _counts(after) else Reason.RENEWAL if rolled else Reason.CHANGE
    final = rolled or meaning(after.status).over
    async for kind, look in _looks(tx, was, until):
        ended = look.period.end <= until or (final and kind is EntitlementPeriod.BILLING)
        goes_on = not ended and same_plan
        if goes_on or (look.last is not None and look.last.closed):
            continue
        if look.unpriced and look.beyond.quantity:
            await _tell_unpriced(tx, was, look)
        await store.add(tx, _charge(tx, customer, was, look, reason, until=until, closed=ended, to=to))
    if meaning(after.status).over:
        await _collect_what_waits(tx, after.id)


async def _collect_what_waits(tx: Tx, subscription_id: UUID) -> None:
    """No next invoice will come for what waits for one."""
    ids = [each.id for each in await store.waiting_items(tx, subscription_id)]
    await store.change(tx, ids, state=State.INTENDED.value, destination=Destination.OWN.value, wanted_invoice=None)


async def _begin(tx: Tx, customer: Customer, now: Subscription) -> None:
    """Note where counters stand that the plan takes on in the middle, so that only what follows is its to charge."""
    until = _now(tx, now)
    async for _, look in _looks(tx, now, until):
        if look.used and not (look.last is not None and look.last.closed):
            seen = replace(look, base=look.used, included=max(look.included, look.used), beyond=Beyond(0, 0))
            charge = _charge(tx, customer, now, seen, Reason.BEGIN, until=until, closed=False, to=_NOWHERE)
            await store.add(tx, charge)


def _now(tx: Tx, subscription: Subscription) -> datetime:
    """Return a moment within the subscription's period: the provider's clock may be a little ahead of ours."""
    start = subscription.current_period_start
    return max(tx.now, start + _MOMENT) if start else tx.now


async def _looks(tx: Tx, subscription: Subscription, until: datetime) -> AsyncIterator[tuple[EntitlementPeriod, Look]]:
    """Yield every counter with a price beyond its limit that the subscription counted into before `until`."""
    start, end = subscription.current_period_start, subscription.current_period_end
    if subscription.plan is None or start is None or end is None:
        return
    catalogue = await load_catalogue(tx)
    plan = catalogue.plans[subscription.plan]
    meters = {meter.key: meter.id for meter in await list_meters(tx)}
    currency = await currency_of(tx, subscription)
    for each in entitled(catalogue, plan, subscription.units()):
        if each.feature.kind is not FeatureKind.METERED or each.hard or each.limit is None:
            continue
        versions = await overage_in_force(tx, plan.key, each.feature.key, until - _MOMENT)
        if not versions or each.feature.key not in meters:
            continue
        free = subscription.status == "trialing"
        price = None if free else next((version for version in versions if version.currency == currency), None)
        periods = list(rules.counters(each.period, Period(start, end), until))
        keys = [CounterKey(subscription.organization_id, meters[each.feature.key], period.start) for period in periods]
        used = await counters_of_periods(tx, keys)
        last = await store.last_of(tx, subscription.organization_id, each.feature.key, [p.start for p in periods])
        for period, key in zip(periods, keys, strict=True):
            blank = Look(each.feature.key, each.feature.name, key.meter_id, period, last.get(period.start), price)
            look = replace(blank, used=used.get(key, 0), currency=currency, unpriced=price is None and not free)
            yield each.period, _filled(look, plan.key, each.limit)


def _filled(look: Look, plan: str, limit: int) -> Look:
    base = rules.where_it_began(look.last, plan, look.price)
    included, charged_to = max(limit, base), look.last.used if look.last else 0
    found = rules.beyond(look.price, included=included, charged_to=charged_to, used=look.used)
    return replace(look, base=base, included=included, beyond=found)


def _charge(
    tx: Tx,
    customer: Customer,
    subscription: Subscription,
    look: Look,
    reason: Reason,
    *,
    until: datetime,
    closed: bool,
    to: tuple[Destination | None, str | None],
) -> Charge:
    """Return what is written down of one counter. Its id is made after the counter was read: see `explain`."""
    due = look.price is not None and look.beyond.quantity > 0
    words = rules.describe(look.title, look.beyond, look.price, look.included, reason) if look.price and due else ""
    return Charge(
        id=new_id(),
        organization_id=subscription.organization_id,
        subscription_id=subscription.id,
        customer=customer.provider_id,
        feature=look.feature,
        meter_id=look.meter_id,
        period_start=look.period.start,
        period_end=min(look.period.end, until),
        sequence=look.last.sequence + 1 if look.last else 0,
        reason=reason,
        plan=subscription.plan or "",
        price_id=look.price.id if look.price else None,
        currency=look.price.currency if look.price else look.currency,
        base=look.base,
        included=look.included,
        used=look.used,
        quantity=look.beyond.quantity,
        amount=look.beyond.amount,
        description=words,
        closed=closed,
        state=State.INTENDED if due else State.CLOSED,
        destination=to[0] if due else None,
        wanted_invoice=to[1] if due else None,
        attempts=0,
        provider_item=None,
        invoice=None,
        problem=None,
        created_at=tx.now,
        charged_at=None,
    )


async def currency_of(tx: Tx, subscription: Subscription) -> str:
    """Return the currency that the subscription is paid in; empty when it was sold at none of our prices."""
    prices = await list_prices(tx)
    return next((each.money.currency for each in prices if each.id == subscription.price_id), "")


async def _tell_unpriced(tx: Tx, subscription: Subscription, look: Look) -> None:
    event = UsageNotPriced(
        organization_id=subscription.organization_id,
        plan=subscription.plan or "",
        feature=look.feature,
        quantity=look.beyond.quantity,
        currency=look.currency,
    )
    log.warning("usage beyond the limit has no price in this currency", **event.payload())
    await tx.emit(event)


async def so_far(tx: Tx, subscription: Subscription) -> list[SoFar]:
    """Return what the subscription's usage beyond limits will cost at the end of the period as it stands now: what was
    charged before is not in it. Features with nothing beyond are left out.
    """
    found: dict[str, SoFar] = {}
    if not _counts(subscription):
        return []
    async for _, look in _looks(tx, subscription, _now(tx, subscription)):
        closed = look.last is not None and look.last.closed
        if look.price is None or not look.beyond.quantity or closed:
            continue
        words = rules.describe(look.title, look.beyond, look.price, look.included, None)
        one = SoFar(look.feature, look.beyond.quantity, Money(look.beyond.amount, look.price.currency), words)
        known = found.get(look.feature)
        if known is not None:
            one = replace(one, quantity=known.quantity + one.quantity, money=known.money + one.money)
        found[look.feature] = one
    return list(found.values())


async def waiting(tx: Tx, subscription: Subscription) -> list[Money]:
    """Return what was charged of the subscription's usage before and waits for its next invoice, as far as we know."""
    there = await store.waiting_items(tx, subscription.id)
    coming = [
        each
        for each in await store.intended(tx, subscription.organization_id)
        if each.subscription_id == subscription.id and each.destination is Destination.NEXT
    ]
    return [each.money for each in (*there, *coming)]


async def correct_late(tx: Tx, subscriptions: Mapping[UUID, Subscription], charge: Charge, counted: int) -> bool:
    """Write down what a period was counted to after it was charged: at that period's price, on the next invoice, once.

    More is charged, less is given back. `subscriptions` are the organization's. Returns whether there is something to
    put at the provider.
    """
    price = await find_overage_price(tx, charge.price_id) if charge.price_id else None
    found = rules.beyond(price, included=charge.included, charged_to=charge.used, used=counted)
    subscription = subscriptions.get(charge.subscription_id)
    to = _destination(tx, subscription, None)[0] if subscription else Destination.OWN
    due = price is not None and found.quantity != 0
    title = (await load_catalogue(tx)).features[charge.feature].name
    words = rules.describe(title, found, price, charge.included, Reason.LATE) if price and due else ""
    late = replace(
        charge,
        id=new_id(),
        sequence=charge.sequence + 1,
        reason=Reason.LATE,
        used=counted,
        quantity=found.quantity,
        amount=found.amount,
        description=words,
        state=State.INTENDED if due else State.CLOSED,
        destination=to if due else None,
        wanted_invoice=None,
        attempts=0,
        provider_item=None,
        invoice=None,
        problem=None,
        created_at=tx.now,
        charged_at=None,
    )
    await store.add(tx, late)
    return due


async def moved(tx: Tx) -> AsyncIterator[tuple[Charge, int]]:
    """Yield closed counters that stand elsewhere now than they were charged to, of the last hundred days."""
    after: UUID | None = None
    while page := await store.closed(tx, tx.now - LATE_FOR, after, limit=LATE_BATCH):
        keys = {each.id: CounterKey(each.organization_id, each.meter_id, each.period_start) for each in page}
        counted = await counters_of_periods(tx, list(keys.values()))
        for each in page:
            stands = counted.get(keys[each.id], 0)
            if stands != each.used:
                yield each, stands
        after = page[-1].id


async def note_invoice(tx: Tx, invoice: InvoiceState) -> None:
    """Take note of which charges an invoice has lines of."""
    items = [line.provider_item for line in invoice.lines if line.provider_item]
    if items:
        await store.note_invoice(tx, items, invoice.id)
