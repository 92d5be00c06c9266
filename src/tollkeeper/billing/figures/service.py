"""Use cases of figures."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from tollkeeper.billing.provider import account_of
from tollkeeper.infra import Tx
from tollkeeper.kit import Money

from . import store
from .model import Disputes, Takings


async def takings(tx: Tx, since: datetime) -> Sequence[Takings]:
    """Return what invoices issued since then brought, by currency, the one with the most invoices first."""
    days: dict[str, dict[date, int]] = defaultdict(dict)
    counts: dict[str, int] = defaultdict(int)
    for currency, day, paid, count in await store.paid_by_day(tx, account_of(tx.runtime), since):
        days[currency][day] = paid
        counts[currency] += count
    found = sorted(days, key=lambda currency: -counts[currency])
    return [Takings(Money(sum(days[each].values()), each), days[each]) for each in found]


async def failed_payments(tx: Tx, since: datetime) -> Mapping[date, int]:
    """Return how many payments failed since then, by day."""
    return await store.failed_by_day(tx, account_of(tx.runtime), since)


async def disputes_waiting(tx: Tx) -> Disputes:
    """Return how many disputes wait for evidence, and when the first is due."""
    return await store.disputes_waiting(tx, account_of(tx.runtime))


async def failed_deliveries(tx: Tx, since: datetime) -> int:
    """Return how many of the provider's events received since then failed at their last try."""
    return await store.failed_deliveries(tx, account_of(tx.runtime), since)
