"""What a subscription's status means. Pure: decides on values passed in."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from tollkeeper.billing.provider import (
    DiscountState,
    InvoiceState,
    LineKind,
    Pause,
    PauseBehavior,
    SubscriptionState,
)

from .model import Standing, Subscription

FIRST_INVOICE = "subscription_create"
RENEWAL = "subscription_cycle"
AT_ONCE = timedelta(minutes=1)
TRIAL_NOTICE = timedelta(days=3, hours=1)
"""How long before its end a trial is announced: when the provider does, and its clock may be ahead of ours."""


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
    return subscription.plan is not None and given and not subscription.unpaid and not rests(subscription.pause)


def rests(pause: Pause | None) -> bool:
    """Whether a pause takes the plan along: one that voids its invoices does, since nothing is owed for that time."""
    return pause is not None and pause.behavior == PauseBehavior.VOID


def next_at(subscription: Subscription) -> datetime | None:
    """Return when it ended; until then when a pause that takes the plan along ends, or the period; None: unknown."""
    if subscription.ended_at is not None:
        return subscription.ended_at
    pause = subscription.pause
    return pause.until if pause is not None and rests(pause) else subscription.current_period_end


def unpaid(before: Subscription | None, state: SubscriptionState) -> bool:
    """Whether the running period is not paid, by what we knew and what the provider now says.

    A first invoice that is not paid gives nothing, even where the provider calls the subscription active because the
    money is on its way. An invoice that a pause made void gives nothing when the pause is over, until one is paid,
    whether or not we heard of the pause; nor does one that was asked for in vain and then written off. What somebody
    made void or gave away on purpose is given, and a later invoice that waits or fails changes nothing here: what that
    means is dunning's.
    """
    invoice = state.latest_invoice
    if invoice is None or invoice.status == "paid" or invoice.total <= 0:
        return False
    known = before is not None and before.unpaid
    if invoice.status == "void":
        paused = rests(state.pause) or (before is not None and rests(before.pause))
        return known or paused or (_is_of_period(state, invoice) and _was_never_asked_for(invoice))
    if invoice.status == "uncollectible" and invoice.attempt_count and _is_of_period(state, invoice):
        return True
    # Who is sent invoices was given until `due_at` to pay: the plan is theirs meanwhile; what is overdue is dunning's.
    return invoice.due_at is None and (known or invoice.reason == FIRST_INVOICE)


def _is_of_period(state: SubscriptionState, invoice: InvoiceState) -> bool:
    """Whether an invoice is for the running period, not for a change within it."""
    plan = (each for each in invoice.lines if each.kind is LineKind.PLAN)
    began = state.period_start is not None and any(each.period_start == state.period_start for each in plan)
    return began or invoice.reason in {FIRST_INVOICE, RENEWAL}


def _was_never_asked_for(invoice: InvoiceState) -> bool:
    """Whether an invoice was void as soon as it was final: a pause does that, people take longer."""
    final, void = invoice.finalized_at, invoice.voided_at
    return not invoice.attempt_count and final is not None and void is not None and void - final <= AT_ONCE


def trial_is_ending(subscription: Subscription, now: datetime) -> bool:
    """Whether a trial runs that ends within three days."""
    end = subscription.trial_end
    return subscription.in_trial and end is not None and now < end <= now + TRIAL_NOTICE


def had_trial(trial_end: datetime | None) -> bool:
    """Whether a subscription, of which the trial ends or ended then, counts as the one trial of its organization."""
    return trial_end is not None


def running(discount: DiscountState | None, now: datetime) -> DiscountState | None:
    """Return the discount if the next invoice can still have it; the provider may take it away a little later."""
    return discount if discount and (discount.ends_at is None or discount.ends_at > now) else None


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
    start, end = subscription.current_period_start, subscription.current_period_end
    return Standing(subscription.plan, start, end, subscription.units())


def _order(subscription: Subscription, rank: Mapping[str, int]) -> tuple[int, datetime, str]:
    return rank.get(subscription.plan or "", -1), subscription.started_at, subscription.provider_id
