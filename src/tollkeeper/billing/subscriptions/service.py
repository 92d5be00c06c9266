"""Use cases of subscriptions. Callers hold the lock of the customer while they mirror."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from tollkeeper.billing.customers import Customer
from tollkeeper.billing.provider import (
    Pause,
    PendingState,
    SubscriptionState,
    account_of,
    addon_prices_of,
    codes_of,
    plan_price_of,
)
from tollkeeper.catalog import AddonPrice, default_plan_key, load_catalogue
from tollkeeper.infra import Tx, differences
from tollkeeper.kit import Order, Page, read_moment, read_moment_or_none, read_word
from tollkeeper.rating import Interval, period_at

from . import rules, store
from .model import (
    EntitlementsChanged,
    HeldAddon,
    NoSubscriptionError,
    PendingChange,
    Standing,
    Status,
    Subscription,
    SubscriptionEnded,
    SubscriptionNotFoundError,
    SubscriptionOrder,
    SubscriptionPaused,
    SubscriptionUnpaused,
    Transition,
    TrialEnding,
)

_ORDERS: Mapping[SubscriptionOrder, Order[Subscription]] = {
    SubscriptionOrder.STARTED: Order(lambda each: (each.started_at, each.id), (read_moment,)),
    SubscriptionOrder.PLAN: Order(lambda each: (each.plan or "", each.started_at, each.id), (read_word, read_moment)),
    SubscriptionOrder.NEXT: Order(lambda each: (rules.next_at(each), each.id), (read_moment_or_none,)),
}


async def mirror_subscription(
    tx: Tx, customer: Customer, state: SubscriptionState, *, cause: str, processing: bool = False
) -> Subscription:
    """Make our copy equal to the provider's, keep the step in the history, tell when entitlements changed.

    `processing`: the payment of its latest invoice is on its way.
    """
    before = await store.find(tx, customer, state.id)
    price = await plan_price_of(tx, state.price) if state.price else None
    pending = await _pending(tx, state.pending) if state.pending else None
    since = state.latest_invoice.created_at if processing and state.latest_invoice else None
    unpaid = rules.unpaid(before, state)
    held = await _held(tx, state)
    after = await store.save(tx, customer, state, price, pending, addons=held, unpaid=unpaid, processing_since=since)
    await _note(tx, before, after, cause)
    await _tell_of_trial(tx, after, state)
    await _tell_of_pause(tx, before.pause if before else None, after)
    await restand(tx, customer.organization_id)
    return after


async def end_subscription(tx: Tx, customer: Customer, provider_id: str, *, cause: str) -> Subscription | None:
    """Take note that the provider does not know this subscription any more; None when we never did either."""
    before = await store.find(tx, customer, provider_id)
    if before is None or rules.meaning(before.status).over:
        return before
    after = await store.end(tx, before)
    await _note(tx, before, after, cause)
    await restand(tx, before.organization_id)
    return after


async def withhold(tx: Tx, organization_id: UUID, subscription_id: UUID, reason: str) -> None:
    """Let the plan not be used although the subscription's status gives it, until `restore` with the same reason.

    Several reasons may hold at once; each is a word without commas.
    """
    await store.set_withheld(tx, subscription_id, reason, holds=True)
    target = ("subscription", subscription_id)
    await tx.record("plan.withheld", target=target, organization_id=organization_id, after={"reason": reason})
    await restand(tx, organization_id)


async def restore(tx: Tx, organization_id: UUID, subscription_id: UUID, reason: str) -> None:
    """Take back one reason for withholding the plan; it may be used again when none is left."""
    await store.set_withheld(tx, subscription_id, reason, holds=False)
    target = ("subscription", subscription_id)
    await tx.record("plan.restored", target=target, organization_id=organization_id, before={"reason": reason})
    await restand(tx, organization_id)


async def list_of_organization(tx: Tx, organization_id: UUID) -> list[Subscription]:
    """Return every subscription the organization has and had."""
    return await store.list_of_organization(tx, account_of(tx.runtime), organization_id)


async def restand(tx: Tx, organization_id: UUID) -> Standing:
    """Work out what the organization may use by its subscriptions, and say so when it became another."""
    subscriptions = await list_of_organization(tx, organization_id)
    now = rules.standing(rules.granting(subscriptions, await _rank(tx, subscriptions)))
    if now != await store.find_standing(tx, organization_id):
        await store.save_standing(tx, organization_id, now)
        await tx.emit(
            EntitlementsChanged(
                organization_id=organization_id,
                plan=now.plan,
                period_start=now.period_start,
                period_end=now.period_end,
                addons=now.addons,
            )
        )
        await tx.changed("organization", organization_id)
    return now


async def status(tx: Tx, organization_id: UUID, *, created_at: datetime) -> Status:
    """Return what the organization has now.

    Without a subscription that is the default plan, `active`, by the month counted from `created_at`, the moment the
    organization was made. A subscription that waits for something (`incomplete`, `unpaid`, `paused`) shows its own
    status beside the default plan.
    """
    return await status_of(tx, await list_of_organization(tx, organization_id), created_at=created_at)


async def status_of(tx: Tx, subscriptions: Sequence[Subscription], *, created_at: datetime) -> Status:
    """Return what an organization has now that has and had these subscriptions, as `status`."""
    found = rules.shown(subscriptions, await _rank(tx, subscriptions))
    default = await default_plan_key(tx)
    if found is None:
        month = period_at(created_at, Interval.MONTH, tx.now)
        return Status(default, "active", month.start, month.end, False, None, None)
    return Status(
        plan=found.plan if found.plan is not None and rules.grants(found) else default,
        status=found.status,
        current_period_start=found.current_period_start,
        current_period_end=found.current_period_end,
        cancel_at_period_end=found.cancel_at_period_end,
        trial_end=found.trial_end,
        subscription=found,
        discount=rules.running(found.discount, tx.now),
    )


async def get_subscription(tx: Tx, organization_id: UUID) -> Subscription:
    """Return the organization's subscription that is not over.

    Raises:
        NoSubscriptionError: it has none.
    """
    subscriptions = await list_of_organization(tx, organization_id)
    found = rules.shown(subscriptions, await _rank(tx, subscriptions))
    if found is None:
        raise NoSubscriptionError
    return found


async def list_subscriptions(
    tx: Tx,
    *,
    statuses: Collection[str] = (),
    plan: str | None = None,
    order: SubscriptionOrder = SubscriptionOrder.STARTED,
    descending: bool = True,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[Subscription]:
    """Return subscriptions of everybody, the latest begun first unless asked otherwise.

    Args:
        tx: the transaction; it sees the rows of all.
        statuses: only of these; empty: of whichever.
        plan: only to this plan, by its key; None: to whichever.
        order: what they are sorted by.
        descending: from the end of that order.
        cursor: the `next_cursor` of the page before; None: the first page.
        limit: so many at most.

    Raises:
        InvalidInputError: the cursor is not one of ours, or not one of this order.
    """
    found = await store.list_all(
        tx,
        account_of(tx.runtime),
        statuses=statuses,
        plan=plan,
        order=order,
        descending=descending,
        after=_ORDERS[order].after(cursor),
        limit=limit + 1,
    )
    return _ORDERS[order].page(found, limit)


async def look_up_subscription(tx: Tx, subscription_id: UUID) -> Subscription:
    """Return a subscription, whosever it is.

    Raises:
        SubscriptionNotFoundError: there is none of this id.
    """
    found = await store.get(tx, account_of(tx.runtime), subscription_id)
    if found is None:
        raise SubscriptionNotFoundError
    return found


async def _pending(tx: Tx, state: PendingState) -> PendingChange:
    """Return what is to come, by our own ids."""
    price = await plan_price_of(tx, state.price)
    code = (await codes_of(tx, [state.code])).get(state.code) if state.code else None
    return PendingChange(
        plan=price.plan if price else None,
        price_id=price.id if price else None,
        quantity=state.quantity,
        at=state.at,
        code_id=code,
    )


async def _held(tx: Tx, state: SubscriptionState) -> list[HeldAddon]:
    """Return the add-ons among the items of now and of the change to come; other items are nothing we sell."""
    now: Counter[AddonPrice] = Counter()
    for item, price in await addon_prices_of(tx, state.addons):
        now[price] += item.quantity
    later: Counter[AddonPrice] = Counter()
    for item, price in await addon_prices_of(tx, state.pending.addons if state.pending else ()):
        later[price] += item.quantity
    known = dict.fromkeys([*now, *later])
    return [HeldAddon(each.addon, each.id, now[each], later[each] if state.pending else None) for each in known]


async def _rank(tx: Tx, subscriptions: Sequence[Subscription]) -> dict[str, int]:
    """Return which plan is the higher one, by its place in the catalogue; not needed to choose among one."""
    if len(subscriptions) <= 1:
        return {}
    return {key: plan.position for key, plan in (await load_catalogue(tx)).plans.items()}


async def _note(tx: Tx, before: Subscription | None, after: Subscription, cause: str) -> None:
    seen = _visible(before) if before else None
    if seen == _visible(after):
        return
    step = Transition(
        at=tx.now,
        cause=cause,
        from_status=before.status if before else None,
        to_status=after.status,
        from_plan=before.plan if before else None,
        to_plan=after.plan,
        period_end=after.current_period_end,
        cancel_at_period_end=after.cancel_at_period_end,
        addons=after.units(),
    )
    await store.add_transition(tx, after.id, step)
    unknown = (None,) * len(_SEEN)
    was, is_now = (dict(zip(_SEEN, each, strict=True)) for each in (seen or unknown, _visible(after)))
    was, is_now = differences(was, {**is_now, "cause": cause})
    await tx.record(
        "subscription.changed",
        target=("subscription", after.id),
        organization_id=after.organization_id,
        before=was,
        after=is_now,
    )
    known = before is not None and not rules.meaning(before.status).over
    if known and rules.meaning(after.status).over:
        about = {"organization_id": after.organization_id, "subscription_id": after.id}
        await tx.emit(SubscriptionEnded(**about, plan=after.plan))


async def _tell_of_trial(tx: Tx, after: Subscription, state: SubscriptionState) -> None:
    """Announce the end of a trial once, whichever message of the provider made us look."""
    if not rules.trial_is_ending(after, tx.now) or after.trial_end is None:
        return
    if await store.note_trial_end(tx, after.id, after.trial_end):
        theirs = state.customer.payment_method if state.customer else None
        await tx.emit(
            TrialEnding(
                organization_id=after.organization_id,
                subscription_id=after.id,
                plan=after.plan,
                trial_end=after.trial_end,
                can_be_paid=(state.payment_method or theirs) is not None,
            )
        )


async def _tell_of_pause(tx: Tx, before: Pause | None, after: Subscription) -> None:
    about = {"organization_id": after.organization_id, "subscription_id": after.id}
    pause = after.pause
    if pause is not None and pause != before:
        rests = rules.rests(pause)
        await tx.emit(SubscriptionPaused(**about, behavior=pause.behavior, until=pause.until, withheld=rests))
    elif pause is None and before is not None and not rules.meaning(after.status).over:
        await tx.emit(SubscriptionUnpaused(**about, unpaid=after.unpaid))


_SEEN = ("status", "plan", "price", "period_end", "cancel_at_period_end", "addons")


def _visible(subscription: Subscription) -> tuple[object, ...]:
    return (
        subscription.status,
        subscription.plan,
        subscription.price_id,
        subscription.current_period_end,
        subscription.cancel_at_period_end,
        subscription.units(),
    )
