"""Which counters a billed period has, what of each is to be charged, and where to. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from tollkeeper.catalog import CALENDAR, CALENDAR_ANCHOR, EntitlementPeriod
from tollkeeper.rating import Interval, Period, PriceVersion, Usage, UsageLine, charge_in_words, period_at, rate_overage

from .model import Beyond, Charge, Reason

# Longer than any month: a billing period beyond it is a year's, and is counted by the month within it.
LONGEST_MONTH = timedelta(days=32)


def counters(kind: EntitlementPeriod, billed: Period, until: datetime) -> Iterator[Period]:
    """Yield the periods that usage was counted in while `billed` was the known billing period, those begun before
    `until`, oldest first.

    As the gate counts: a year is cut into months; when a renewal is heard of late, months follow the known period. What
    is counted for ever has no period at whose end it could be charged.
    """
    if kind in CALENDAR:
        yield from _series(CALENDAR_ANCHOR, CALENDAR[kind], billed.start, until)
    elif kind is EntitlementPeriod.BILLING:
        if billed.end - billed.start <= LONGEST_MONTH:
            yield billed
        else:
            for month in _series(billed.start, Interval.MONTH, billed.start, min(until, billed.end)):
                yield Period(month.start, min(month.end, billed.end))
        yield from _series(billed.end, Interval.MONTH, billed.end, until)


def _series(anchor: datetime, interval: Interval, since: datetime, until: datetime) -> Iterator[Period]:
    each = period_at(anchor, interval, since)
    while each.start < until:
        yield each
        each = period_at(anchor, interval, each.end)


def where_it_began(last: Charge | None, plan: str, price: PriceVersion | None) -> int:
    """Return where the counter stood when this plan, at this price, began to count.

    Another plan or price takes over where the one before was charged up to, so that nothing is charged twice.
    """
    if last is None:
        return 0
    same = last.plan == plan and last.price_id == (price.id if price else None)
    return last.base if same else last.used


def beyond(price: PriceVersion | None, *, included: int, charged_to: int, used: int) -> Beyond:
    """Return what usage between `charged_to` and `used` adds to what is to be paid.

    It is the difference of the whole, so that however often a period is charged the sum is that of charging it once.
    """
    quantity = max(0, used - included) - max(0, charged_to - included)
    if price is None:
        return Beyond(quantity, 0)
    now, before = _rated(price, used, included), _rated(price, charged_to, included)
    return Beyond(quantity, _sum(now) - _sum(before), now, before)


def _rated(price: PriceVersion, used: int, included: int) -> tuple[UsageLine, ...]:
    return rate_overage(price, Usage(Decimal(used), Decimal(included)))


def _sum(lines: tuple[UsageLine, ...]) -> int:
    return sum(line.money.amount for line in lines)


def describe(title: str, found: Beyond, price: PriceVersion, included: int, reason: Reason | None) -> str:
    """Say what a line charges for, or gives back: `Prompts: 3,000 beyond 250,000 (0.10 USD for each 1,000)`."""
    late = ", counted late" if reason is Reason.LATE else ""
    quantity = f"{found.quantity:,}"
    if found.quantity < 0:
        late, quantity = ", corrected", f"{-found.quantity:,} fewer"
    return f"{title}: {quantity} beyond {included:,}{late} ({charge_in_words(price.charge, price.currency)})"
