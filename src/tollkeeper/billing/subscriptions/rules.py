"""What a subscription's status means. Pure: decides on values passed in."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from .model import Standing, Subscription


class Meaning(NamedTuple):
    """What a status means: whether the plan may be used, and whether the subscription is over for good."""

    grants: bool
    over: bool


MEANINGS: Mapping[str, Meaning] = MappingProxyType(
    {
        "trialing": Meaning(grants=True, over=False),
        "active": Meaning(grants=True, over=False),
        "past_due": Meaning(grants=True, over=False),
        "incomplete": Meaning(grants=False, over=False),
        "unpaid": Meaning(grants=False, over=False),
        "paused": Meaning(grants=False, over=False),
        "incomplete_expired": Meaning(grants=False, over=True),
        "canceled": Meaning(grants=False, over=True),
    }
)
"""The published table. `past_due` keeps the plan while the provider tries again to collect."""

UNKNOWN = Meaning(grants=False, over=False)
"""A status invented later neither gives anything away nor lets a second subscription be sold."""


def meaning(status: str) -> Meaning:
    """Return what a status means."""
    return MEANINGS.get(status, UNKNOWN)


def grants(subscription: Subscription) -> bool:
    """Whether its plan may be used now."""
    given = meaning(subscription.status).grants and subscription.withheld is None
    return subscription.plan is not None and given


def granting(subscriptions: Sequence[Subscription], rank: Mapping[str, int]) -> Subscription | None:
    """Return the subscription that decides the plan: the highest plan by `rank`, then the one started last."""
    found = [each for each in subscriptions if grants(each)]
    return max(found, key=lambda each: _order(each, rank), default=None)


def shown(subscriptions: Sequence[Subscription], rank: Mapping[str, int]) -> Subscription | None:
    """Return the subscription a person should see: the granting one, else one that waits for something, else None."""
    waiting = [each for each in subscriptions if not meaning(each.status).over]
    return granting(subscriptions, rank) or max(waiting, key=lambda each: _order(each, rank), default=None)


def standing(subscription: Subscription | None) -> Standing:
    """Return what the granting subscription gives."""
    if subscription is None:
        return Standing()
    return Standing(subscription.plan, subscription.current_period_start, subscription.current_period_end)


def _order(subscription: Subscription, rank: Mapping[str, int]) -> tuple[int, datetime, str]:
    return rank.get(subscription.plan or "", -1), subscription.started_at, subscription.provider_id
