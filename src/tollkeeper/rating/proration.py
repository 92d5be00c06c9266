"""Proration: what the rest of a period is worth.

Convention: by the second (UTC), `amount * seconds left / seconds of the period`; the credit for the old and the charge
for the new are rounded each on its own, half away from zero. So does Stripe to the nearest cent
(docs.stripe.com/billing/subscriptions/prorations); what Stripe does on an exact half is not published.
"""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from tollkeeper.kit import Money

from .periods import Interval, Period, period_at
from .rounding import round_half_away


@dataclass(frozen=True, slots=True)
class Proration:
    """A change within a period: `credit` (zero or below) for what was paid, `charge` for what comes, both rounded.

    `period` is what the charge pays for.
    """

    credit: Money
    charge: Money
    period: Period

    @property
    def net(self) -> Money:
        """What is due; below zero it is the customer's."""
        return self.credit + self.charge


def remaining(period: Period, moment: datetime) -> Fraction:
    """Return the share of the period that is left at a moment, between 0 and 1; parts of a second are dropped."""
    start, end, now = (int(each.timestamp()) for each in (period.start, period.end, moment))
    if end <= start:
        raise ValueError("the period has no length")
    return Fraction(end - min(max(now, start), end), end - start)


def prorate(amount: Money, period: Period, moment: datetime) -> Money:
    """Return what the rest of the period is worth of an amount (after discounts) that is for the whole period."""
    return Money(round_half_away(amount.amount * remaining(period, moment)), amount.currency)


def change_plan(old: Money, new: Money, period: Period, moment: datetime) -> Proration:
    """Return the lines of a change between amounts for one and the same period, which stays as it is."""
    return Proration(-prorate(old, period, moment), prorate(new, period, moment), Period(moment, period.end))


def change_interval(
    old: Money, new: Money, period: Period, moment: datetime, *, interval: Interval, count: int = 1
) -> Proration:
    """Return the lines of a change of interval: the rest of the old is credited, a new cycle starts and is paid whole.

    So does Stripe when the billing cycle anchor is reset to now; its flexible mode alone would keep the anchor.
    """
    return Proration(-prorate(old, period, moment), new, period_at(moment, interval, moment, count))
